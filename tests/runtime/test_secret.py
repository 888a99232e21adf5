"""A secret does not show itself."""

import json
import pickle

import msgspec
import pytest

from ozrules.runtime.secret import KeptElsewhere, Secret


@pytest.mark.fault(99)
def test_no_way_of_showing_it_shows_it() -> None:
    secret = Secret("hunter2")
    for shown in (str(secret), repr(secret), f"{[secret]}", f"{secret!s:>20}"):
        assert "hunter2" not in shown


@pytest.mark.fault(99)
def test_it_cannot_be_written_down() -> None:
    for write in (pickle.dumps, json.dumps, msgspec.json.encode):
        with pytest.raises(TypeError):
            write(Secret("hunter2"))


def test_it_is_given_to_who_asks_and_compared_by_value() -> None:
    assert Secret("a").reveal() == "a"
    assert Secret("a") == Secret("a") != Secret("b")
    assert {Secret("a"): 1}[Secret("a")] == 1


def test_one_that_is_kept_elsewhere_is_read_there_each_time() -> None:
    kept = ["first"]
    secret = KeptElsewhere("file token", lambda: kept[0])
    same = KeptElsewhere("file token", lambda: kept[0])
    kept[0] = "second"
    assert secret.reveal() == "second"
    assert secret == same == KeptElsewhere("file token", lambda: "third")
    assert secret != KeptElsewhere("file other", lambda: "second")
    assert secret != Secret("second")
    assert len({secret, same}) == 1
    assert "second" not in repr(secret)
