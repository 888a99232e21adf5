"""YAML text to nodes: texts as typed, places, limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import MAX_FILE, ListNode, MapNode, Node, Source, TextNode, parse


def read(text: str | bytes) -> tuple[Node | None, list[str]]:
    findings = Findings()
    data = text.encode() if isinstance(text, str) else text
    return parse(Source("f.yaml", data), findings), [each.code for each in findings.all]


def value(text: str) -> str:
    node, codes = read(f"key: {text}\n")
    assert isinstance(node, MapNode)
    assert not codes
    inner = node.get("key")
    assert isinstance(inner, TextNode)
    return inner.text


@pytest.mark.fault(69)
@pytest.mark.parametrize(
    "typed",
    [
        "0036201234",
        "0x1F",
        "18:00",
        "on",
        "no",
        "~",
        "null",
        "1e3",
        "+36201234567",
        "2026-12-24",
        "1_000",
        ".5",
        "=",
        "yes",
    ],
)
def test_a_value_is_what_was_typed(typed: str) -> None:
    assert value(typed) == typed
    assert value(f'"{typed}"') == typed
    assert value(f"'{typed}'") == typed


def test_a_node_knows_where_it_stands() -> None:
    node, _ = read('lists:\n  sales: [2001, "2002"]   # people\n')
    assert isinstance(node, MapNode)
    lists = node.get("lists")
    assert isinstance(lists, MapNode)
    sales = lists.get("sales")
    assert isinstance(sales, ListNode)
    assert (str(sales.place), sales.length) == ("f.yaml:2:10", 14)
    second = sales.items[1]
    assert isinstance(second, TextNode)
    assert (str(second.place), second.length, second.quoted) == ("f.yaml:2:17", 6, True)


def test_lines_end_as_windows_ends_them_too() -> None:
    node, codes = read("a: 1\r\nb: 2\r\n")
    assert not codes
    assert isinstance(node, MapNode)
    assert [entry.key.text for entry in node.entries] == ["a", "b"]


def test_an_empty_value_is_seen() -> None:
    node, _ = read("key:\n")
    assert isinstance(node, MapNode)
    empty, quoted = node.get("key"), read('key: ""')[0]
    assert isinstance(empty, TextNode)
    assert empty.empty
    assert isinstance(quoted, MapNode)
    text = quoted.get("key")
    assert isinstance(text, TextNode)
    assert not text.empty


def test_aliases_repeat_what_they_name() -> None:
    node, codes = read("a: &a [1, 2]\nb: *a\n")
    assert not codes
    assert isinstance(node, MapNode)
    assert node.get("a") == node.get("b")


def test_of_a_key_given_twice_the_first_is_kept() -> None:
    node, codes = read("a: 1\na: 2\n")
    assert codes == ["duplicate-key"]
    assert isinstance(node, MapNode)
    assert len(node.entries) == 1


def test_every_line_with_a_hidden_character_is_named() -> None:
    assert read("a: 1\u200b\nb: 2\u200b\nc:\t3\n")[1] == ["control-character", "control-character", "tab"]


def test_a_dropped_code_is_taken_as_the_value() -> None:
    node, codes = read("keys: #21#\nnext: 1\n")
    assert codes == ["quote-this"]
    assert isinstance(node, MapNode)
    assert node.get("keys") is not None


def test_a_comment_is_no_code() -> None:
    assert read("lists:   # 21 of them\n  a: [1]\n")[1] == []
    assert read("lists: #two\n  a: [1]\n")[1] == []


def test_the_size_of_a_file_is_limited() -> None:
    assert read(b"#" * (MAX_FILE + 1))[1] == ["file-too-large"]


@given(st.text(alphabet=st.sampled_from("ab1:[]{}*&#!|>'\"%@,- \n\t<?~=\\"), max_size=60) | st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    node, codes = read(text.encode("utf-8", "surrogatepass"))
    assert node is not None or codes


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    node, codes = read(data)
    assert node is not None or codes


@pytest.mark.fault(69)
@given(st.from_regex(r"[A-Za-z0-9+~=._][A-Za-z0-9+~=.:_-]{0,12}[A-Za-z0-9]", fullmatch=True))
def test_no_scalar_is_bent(typed: str) -> None:
    assert value(typed) == typed
