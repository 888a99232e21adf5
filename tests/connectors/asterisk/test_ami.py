"""The manager's wire: nothing that is sent can be two lines, nothing that is read can hurt."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.connectors.asterisk.ami import (
    MAX_ACTION,
    MAX_BLOCK,
    Decoder,
    Fields,
    Unreadable,
    Unsafe,
    encode,
    lacks,
    timestamp,
    whole_number,
)

NAMES = st.text("ABCdef-_09", min_size=1, max_size=12)
VALUES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=60)


def cut(data: bytes, at: list[int]) -> list[Fields | Unreadable]:
    """What a decoder finds when the bytes come in these pieces."""
    decoder = Decoder()
    found: list[Fields | Unreadable] = []
    edges = [0, *sorted(position % (len(data) + 1) for position in at), len(data)]
    for begin, end in pairwise(edges):
        found += decoder.feed(data[begin:end])
    return found


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=8), st.lists(st.integers(0, 2000), max_size=6))
def test_what_is_encoded_is_read_back_in_any_pieces(fields: dict[str, str], at: list[int]) -> None:
    assert cut(encode(fields), at) == [fields]


@pytest.mark.fault(91)
@given(st.text(), st.sampled_from("\r\n\0\x0b\x0c\x1c\x85\u2028\u2029"), st.text())
def test_no_value_can_end_its_line(before: str, breaker: str, after: str) -> None:
    with pytest.raises(Unsafe):
        encode({"Action": "Redirect", "Exten": before + breaker + after})


@pytest.mark.fault(91)
@given(st.text(min_size=1))
def test_whatever_is_encoded_is_one_block_with_the_fields_given(value: str) -> None:
    try:
        data = encode({"Action": "Setvar", "Value": value, "Last": "x"})
    except Unsafe:
        return
    assert Decoder().feed(data) == [{"Action": "Setvar", "Value": value, "Last": "x"}]


@pytest.mark.fault(91)
@pytest.mark.parametrize("name", ["", "A B", "A:", "A\r\nAction", "Ä"])
def test_no_field_name_can_be_another_field(name: str) -> None:
    with pytest.raises(Unsafe):
        encode({name: "x"})


def test_an_action_that_is_too_long_is_refused() -> None:
    with pytest.raises(Unsafe, match="longer"):
        encode({"Action": "Setvar", "Value": "x" * MAX_ACTION})


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(Unsafe):
        encode({"Value": "\ud800"})


def test_the_greeting_needs_no_empty_line() -> None:
    data = b"Asterisk Call Manager/9.0.0\r\nResponse: Success\r\n\r\n"
    assert Decoder().feed(data) == [{"Banner": "Asterisk Call Manager/9.0.0"}, {"Response": "Success"}]


@pytest.mark.fault(14)
def test_of_a_field_that_comes_twice_the_first_counts() -> None:
    found = Decoder().feed(b"Event: Hangup\r\nCause: 16\r\nCause: 1\r\n\r\n")
    assert found == [Unreadable("fieldTwice", "Cause: 1"), {"Event": "Hangup", "Cause": "16"}]


@pytest.mark.fault(14)
def test_two_blocks_whose_empty_line_was_lost_are_not_one() -> None:
    found = Decoder().feed(b"Event: Hold\r\nUniqueid: 1.1\r\nEvent: Hangup\r\nUniqueid: 1.1\r\n\r\n")
    assert found == [Unreadable("fieldTwice", "Event: Hangup"), {"Event": "Hold", "Uniqueid": "1.1"}]


def test_a_channel_may_have_several_variables() -> None:
    assert Decoder().feed(b"Event: Newchannel\r\nChanVariable: A=1\r\nChanVariable: B=2\r\n\r\n") == [
        {"Event": "Newchannel", "ChanVariable": "A=1"}
    ]


@pytest.mark.fault(14)
def test_a_line_without_a_field_is_reported_and_the_rest_kept() -> None:
    found = Decoder().feed(b"Event: Hold\r\nnonsense\r\nChannel: PJSIP/1\r\n\r\n")
    assert found == [Unreadable("noField", "nonsense"), {"Event": "Hold", "Channel": "PJSIP/1"}]


@pytest.mark.fault(15)
@pytest.mark.parametrize("piece", [1_000, 65_537, 10_000_000])
def test_an_endless_line_is_skipped_without_keeping_it(piece: int) -> None:
    data = b"Event: A\r\nValue: " + b"x" * (MAX_BLOCK + 100_000) + b"\r\nMore: y\r\n\r\nEvent: B\r\n\r\n"
    decoder = Decoder()
    found = [one for start in range(0, len(data), piece) for one in decoder.feed(data[start : start + piece])]
    assert [one.kind if isinstance(one, Unreadable) else one["Event"] for one in found] == ["oversize", "B"]


@pytest.mark.fault(15)
@pytest.mark.parametrize("lines", [1, 10, 30_000])
def test_an_event_of_a_mebibyte_is_read_however_many_lines_it_has(lines: int) -> None:
    filler = "x" * (MAX_BLOCK // lines - 12)
    data = "".join(f"K{number:05}: {filler}\r\n" for number in range(lines)).encode()
    assert MAX_BLOCK >= 1024 * 1024
    (fields,) = Decoder().feed(data + b"\r\n")
    assert isinstance(fields, dict)
    assert len(fields) == lines
    assert set(fields.values()) == {filler}


@pytest.mark.fault(15)
def test_an_endless_block_is_skipped_to_its_end() -> None:
    data = b"".join(b"Key%d: value\r\n" % number for number in range(80_000)) + b"\r\nEvent: B\r\n\r\n"
    found = Decoder().feed(data)
    assert [one.kind if isinstance(one, Unreadable) else one["Event"] for one in found] == ["oversize", "B"]


@pytest.mark.fault(14)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_any_bytes_are_read_alike_in_any_pieces(data: bytes, at: list[int]) -> None:
    assert cut(data, at) == cut(data, [])


@pytest.mark.fault(14)
@given(st.lists(st.sampled_from([b"Event: A", b"\r", b"\n", b"\r\n", b":", b": x", b"\xff", b"B", b"\r\n\r\n"])))
def test_after_any_bytes_the_next_block_is_read(pieces: list[bytes]) -> None:
    decoder = Decoder()
    decoder.feed(b"".join(pieces))
    assert decoder.feed(b"\r\n\r\nEvent: Next\r\n\r\n")[-1] == {"Event": "Next"}


@pytest.mark.fault(14)
@given(st.text(st.sampled_from("0123456789.-e²x "), max_size=14))
def test_numbers_are_read_or_not(text: str) -> None:
    assert whole_number({"Cause": text}, "Cause") >= 0
    moment = timestamp({"Timestamp": text})
    assert moment is None or moment >= 0


def reference(data: bytes) -> tuple[list[dict[str, str]], int]:
    """The blocks in these bytes and how many lines of them say nothing, read in the plainest way."""
    blocks: list[dict[str, str]] = []
    drops, fields = 0, dict[str, str]()
    for raw in data.split(b"\n")[:-1]:
        line = raw.decode("utf-8", "replace").rstrip("\r")
        if line == "":
            blocks += [fields] if fields else []
            fields = {}
            continue
        place = line.find(":")
        name, value = line[:place].strip(), line[place + 1 :]
        value = value[1:] if value.startswith(" ") else value
        if place <= 0 or not name or (fields.get(name, value) != value and not name.endswith("Variable")):
            drops += 1
        else:
            fields.setdefault(name, value)
    return blocks, drops


PIECES = [
    b"Event: A",
    b"Event: B",
    b"\r",
    b"\n",
    b"\r\n",
    b":",
    b": x",
    b"\xff",
    b"B",
    b"\r\n\r\n",
    b"\x00",
    b" : ",
    b"K: v",
]


@pytest.mark.fault(14)
@given(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=40), st.lists(st.integers(0, 400), max_size=6)
)
def test_what_can_be_read_is_read_and_every_drop_is_reported(pieces: list[bytes], at: list[int]) -> None:
    data = b"".join(pieces)
    found = cut(data, at)
    blocks, drops = reference(data)
    assert [one for one in found if isinstance(one, dict)] == blocks
    assert sum(isinstance(one, Unreadable) for one in found) == drops


@pytest.mark.parametrize("greeting", ["SSH-2.0-OpenSSH_9.2", "HTTP/1.1 400 Bad Request", "220 mail: ready", "\x00\x01"])
def test_what_greets_is_told_whatever_it_says(greeting: str) -> None:
    assert Decoder(greeted=True).feed(f"{greeting}\r\nResponse: Success\r\n\r\n".encode()) == [
        {"Banner": greeting},
        {"Response": "Success"},
    ]


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("event", "missing"),
    [
        ({"Event": "Hangup", "Channel": "PJSIP/1"}, "Hangup without Uniqueid"),
        ({"Event": "Hangup", "Channel": "PJSIP/1", "Uniqueid": "1.\ufffd"}, "Hangup without Uniqueid"),
        ({"Event": "DialEnd", "DestUniqueid": "1.1", "DestChannel": "PJSIP/1"}, "DialEnd without DialStatus"),
        ({"Event": "BridgeEnter", "Channel": "PJSIP/1", "Uniqueid": "1.1"}, "BridgeEnter without BridgeUniqueid"),
        ({"Event": "Hangup", "Channel": "PJSIP/1", "Uniqueid": "1.1"}, ""),
        ({"Event": "Hangup", "Channel": "PJSIP/1", "Uniqueid": "1.1", "CallerIDName": "\ufffd"}, ""),
        ({"Event": "PeerStatus"}, ""),
    ],
)
def test_an_event_that_names_no_channel_is_seen_to_lack_it(event: Fields, missing: str) -> None:
    assert lacks(event) == missing


def test_a_timestamp_is_seconds() -> None:
    assert timestamp({"Timestamp": "1795467903.851668"}) == 1795467903.851668
    assert timestamp({}) is None
    assert whole_number({"Cause": "17"}, "Cause") == 17
