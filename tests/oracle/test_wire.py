"""The oracle's own reading of the manager's text."""

from tests.oracle.wire import events, moment_of


def test_events_are_read_in_order_and_answers_are_left_out() -> None:
    text = b"Response: Success\r\n\r\nEvent: One\r\nA: 1\r\n\r\nAction: Ping\r\n\r\nEvent: Two\r\nA:  2\r\n\r\n"
    assert events(text) == [{"Event": "One", "A": "1"}, {"Event": "Two", "A": " 2"}]


def test_an_event_that_is_not_complete_is_no_event_yet() -> None:
    assert events(b"Event: One\r\nA: 1\r\n") == []


def test_of_a_key_that_comes_twice_the_first_counts() -> None:
    assert events(b"Event: One\r\nUniqueid: 1\r\nUniqueid: 2\r\n\r\n")[0]["Uniqueid"] == "1"


def test_bytes_that_are_no_text_are_survived() -> None:
    assert events(b"Event: One\r\nName: \xff\r\n\r\n")[0]["Name"] == "\ufffd"


def test_the_moment_is_asterisks_own() -> None:
    assert moment_of({"Timestamp": "12.5"}) == 12.5
