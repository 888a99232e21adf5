"""The bytes of a webhook."""

import hmac
import json
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.actions.cloud_event import cloud_event, message_id, signature
from ozrules.runtime.secret import Secret
from tests.fakes.effects import post


def test_it_is_a_cloud_event() -> None:
    event = json.loads(cloud_event(post(17, body={"caller": "+36201234567"}), 0.004))
    assert event == {
        "specversion": "1.0",
        "id": message_id(post(17)),
        "source": "/ozrules",
        "type": "ozrules.webhook",
        "time": "1970-01-01T00:00:00.004Z",
        "datacontenttype": "application/json",
        "rule": "abandoned",
        "connection": "office",
        "sessionid": "s1",
        "data": {"caller": "+36201234567"},
    }


@pytest.mark.fault(94)
@given(st.text(st.characters(codec="utf-8")))
def test_a_callers_text_is_data_and_nothing_else(text: str) -> None:
    event = json.loads(cloud_event(post(1, body={"name": text}), 0.0))
    assert event.pop("data") == {"name": text}
    plain = json.loads(cloud_event(post(1), 0.0))
    plain.pop("data")
    assert event == plain


def test_ids_are_the_same_for_one_request_and_differ_between_two() -> None:
    assert message_id(post(1)) == message_id(post(1)) != message_id(post(2))


@pytest.mark.parametrize(
    ("secret", "key"),
    [("plain", b"plain"), ("whsec_" + b64encode(b"k" * 24).decode(), b"k" * 24), ("whsec_no!", b"whsec_no!")],
)
def test_it_is_signed_by_the_convention(secret: str, key: bytes) -> None:
    version, _, mark = signature(Secret(secret), "msg_1", 1_700_000_000, b"{}").partition(",")
    assert version == "v1"
    assert b64decode(mark) == hmac.digest(key, b"msg_1.1700000000.{}", "sha256")
