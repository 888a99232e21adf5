"""A secret does not show itself."""

import json
import pickle

import msgspec
import pytest

from ozrules.runtime.secret import Secret


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
