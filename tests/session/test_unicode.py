"""Half characters are mended wherever they stand, and nothing else is touched.

The oracle is Python's own JSON, which lets half characters through, and a look at each character of what it read.
"""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.session.unicode import mended, read_json, whole

ANYTHING: "msgspec.json.Decoder[object]" = msgspec.json.Decoder()
HALVES = st.characters(categories=["Cs"])
TEXTS = st.text(st.one_of(st.characters(), HALVES, st.sampled_from('\\u"{d8')), max_size=20)


def mended_by_hand(text: str) -> str:
    return "".join("\ufffd" if 0xD800 <= ord(each) <= 0xDFFF else each for each in text)


@given(st.dictionaries(st.text("abc"), TEXTS, max_size=3))
def test_what_python_reads_is_read_with_its_halves_mended(body: dict[str, str]) -> None:
    escaped = json.dumps(body)
    wanted = {name: mended_by_hand(text) for name, text in json.loads(escaped).items()}
    assert read_json(ANYTHING, escaped) == wanted
    assert read_json(ANYTHING, escaped.encode()) == wanted


@given(TEXTS)
def test_raw_halves_are_mended_too(text: str) -> None:
    raw = json.dumps(text, ensure_ascii=False)
    pairs = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert read_json(ANYTHING, raw) == pairs
    assert whole(text) == pairs


@given(st.text(max_size=50))
def test_valid_text_stays_as_it_is(text: str) -> None:
    assert whole(text) == text
    assert mended(json.dumps(text).encode()) == json.dumps(text).encode()


@pytest.mark.parametrize(
    ("bytes_", "text"), [(b'"a\xff"', "a\ufffd"), (b'"\\\\ud83d"', "\\ud83d"), (b'"\\ud83d\\ude00"', "\U0001f600")]
)
def test_bytes_that_are_no_utf8_and_what_only_looks_like_an_escape(bytes_: bytes, text: str) -> None:
    assert read_json(ANYTHING, bytes_) == text


@pytest.mark.parametrize("bad", [b"{", b"\xff", b'"\\x"', b'{"a":\xed\xa0\x80}', b'"\\ud83d'])
def test_what_is_no_json_stays_none(bad: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_json(ANYTHING, bad)
