"""The parser: small trees of what is sent in good faith, and a refusal of everything else."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ozrules.connectors.ozeki_http.xml import MAX_BYTES, MAX_DEPTH, Element, NotXml, parse

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha">%s]><Response><Code>&j;</Code></Response>""" % b"".join(
    b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 10) for letter in b"bcdefghij"
)
ATTACKS = {
    "billion laughs": LAUGHS,
    "quadratic": b'<!DOCTYPE r [<!ENTITY a "' + b"a" * 50_000 + b'">]><r>' + b"&a;" * 50_000 + b"</r>",
    "external entity": b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><Response><Code>&x;</Code></Response>',
    "external dtd": b'<!DOCTYPE r SYSTEM "http://127.0.0.1:1/evil.dtd"><Response/>',
    "public dtd": b'<!DOCTYPE r PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://127.0.0.1:1/x.dtd"><Response/>',
    "parameter entity": b'<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p"> %p;]><Response/>',
    "empty dtd": b"<!DOCTYPE Response><Response/>",
    "utf-16 bomb": LAUGHS.decode().replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16"),
    "unknown entity": b"<Response>&nbsp;</Response>",
    "deep": b"<a>" * 100_000 + b"</a>" * 100_000,
    "deep and open": b"<a>" * 300_000,
    "many": b"<r>" + b"<a/>" * 200_000 + b"</r>",
    "large": b"<r>" + b"a" * MAX_BYTES + b"</r>",
    "utf-7": b'<?xml version="1.0" encoding="utf-7"?><r>+ADw-a+AD4-</r>',
    "odd encoding": b'<?xml version="1.0" encoding="rot13"?><r/>',
    "multi-byte encoding": b'<?xml version="1.0" encoding="shift_jis"?><r/>',
    "no such encoding": b'<?xml version="1.0" encoding="klingon"?><r/>',
    "not utf-8": b"<r>\xff\xfe\xfd</r>",
    "nul": b"<r>\0</r>",
    "control": b"<r>\x1b[31m</r>",
    "two roots": b"<r/><r/>",
    "open": b"<r><a></r>",
    "attribute twice": b'<r a="1" a="2"/>',
    "empty": b"",
    "blank": b"  \n",
    "text": b"OK",
    "json": b'{"Code": 200}',
    "only a comment": b"<!-- -->",
}


@pytest.mark.fault(16)
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_an_attack_is_no_xml_and_costs_nothing(attack: bytes) -> None:
    with pytest.raises(NotXml) as caught:
        parse(attack)
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 120


def test_a_document_is_a_tree_whatever_its_dress() -> None:
    root = parse(
        '\ufeff<?xml version="1.0" encoding="utf-8"?><!-- a --><?pi x?>'
        '<o:Response xmlns:o="urn:x" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:y="1">'
        "<Code> 200\n</Code><o:Message>a &amp; b <![CDATA[<c>]]> &#233;</o:Message></o:Response>".encode()
    )
    assert root == Element(
        "Response", (("y", "1"),), "", (Element("Code", (), "200"), Element("Message", (), "a & b <c> é"))
    )
    assert root.child("code") == Element("Code", (), "200")
    assert root.child("nothing") is None
    assert [element.name for element in root.walk()] == ["Response", "Code", "Message"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1250"])
def test_the_encodings_that_windows_writes_are_read(encoding: str) -> None:
    assert parse(f'<?xml version="1.0" encoding="{encoding}"?><r>é</r>'.encode(encoding)).text == "é"


def test_a_string_of_net_that_says_utf_16_and_is_not_is_read() -> None:
    assert parse('<?xml version="1.0" encoding="utf-16"?><r>é</r>'.encode()).text == "é"


@pytest.mark.parametrize("before", [b"\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n "])
def test_what_stands_before_the_declaration_does_no_harm(before: bytes) -> None:
    assert parse(before + b'<?xml version="1.0"?><r/>') == Element("r")


def test_the_deepest_and_the_largest_that_is_read() -> None:
    assert parse(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH).name == "a"
    assert len(parse(b"<r>" + b"a" * (MAX_BYTES - 7) + b"</r>").text) == MAX_BYTES - 7


_BITS = st.sampled_from(
    [
        *("<r>", "</r>", "<a", "/>", ">", "a='1'", "xmlns:a='b'", "a:b", "é", " ", "\0"),
        *("&amp;", "&#x", "&", ";", "%p;", "<!DOCTYPE", "[", "]", "<!ENTITY"),
        *("<![CDATA[", "]]>", "<!--", "-->", "<?xml", "?>"),
    ]
)


@pytest.mark.fault(16)
@given(
    st.binary(max_size=200) | st.lists(_BITS, max_size=30).map(lambda bits: "".join(bits).encode("utf-8", "replace"))
)
@example(b"<?xml version='1.0' encoding='\xff'?>")
def test_whatever_comes_is_an_element_or_no_xml(document: bytes) -> None:
    try:
        root = parse(document)
    except NotXml:
        return
    assert isinstance(root, Element)
    assert (
        b"<!DOCTYPE" not in document.replace(b"<![CDATA[<!DOCTYPE", b"") or b"<!--" in document or b"CDATA" in document
    )
