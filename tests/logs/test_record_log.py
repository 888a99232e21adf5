"""The record as it is shown: every line reads back, whatever a caller calls himself."""

import json
import os
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ozrules.logs.output import Output, to_descriptor
from ozrules.logs.pseudonyms import Pseudonyms
from ozrules.logs.record_log import RecordLog
from ozrules.runtime.ports import Record
from ozrules.runtime.secret import Secret
from tests.fakes.effects import record


def _shown(form: Literal["console", "json"], *records: Record, pseudonyms: bool = False) -> bytes:
    reader, writer = os.pipe()
    output = Output(to_descriptor(writer), lambda count: b"")
    log = RecordLog(output, form)
    if pseudonyms:
        log.pseudonyms = Pseudonyms(b"k")
    log.write(records)
    output.close()
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        return file.read()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=10,
)


@pytest.mark.fault(92)
@given(st.lists(st.dictionaries(st.sampled_from(["session", "actions", "text", "reason"]), _JSON), max_size=5))
def test_the_log_reads_back_to_as_many_records(bodies: list[dict[str, object]]) -> None:
    plain = [record(number, number) for number in range(1, len(bodies) + 1)]
    records = [structs.replace(one, body=one.body | body) for one, body in zip(plain, bodies, strict=True)]
    lines = _shown("json", *records).decode().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [one.seq for one in records]
    assert len(_shown("console", *records).decode().splitlines()) == len(records)


@pytest.mark.fault(92)
def test_a_value_is_capped_and_nothing_hidden_stays() -> None:
    hostile = 'Anna\r\n{"type":"decision"}\x1b[2J\u202e' + "x" * 1_000_000
    shown = _shown("json", record(1, 1, session={"caller": hostile}))
    assert len(shown) < 1_000
    assert json.loads(shown)["session"]["caller"] == hostile[:256] + "…"
    assert not {"\x1b", "\u202e", "\r"} & set(shown.decode())


@pytest.mark.fault(99)
def test_a_secret_that_went_astray_stays_hidden() -> None:
    assert b"hunter2" not in _shown("json", record(1, 1, args={"key": Secret("hunter2")}))


@pytest.mark.fault(108)
@pytest.mark.parametrize("form", ["json", "console"])
def test_pseudonyms_hold_in_every_form(form: Literal["console", "json"]) -> None:
    session = {"caller": "+36201234567", "callerDisplayName": "Anna", "callee": "2001"}
    shown = _shown(form, record(1, 1, session=session), pseudonyms=True).decode()
    assert "2012345" not in shown
    assert "Anna" not in shown
    assert "2001" in shown
