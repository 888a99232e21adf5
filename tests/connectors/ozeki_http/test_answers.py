"""Answers of the HTTP API: every code of the vendor's table, and everything that is no answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ozrules.connectors.ozeki_http.answers import Answer, NotAnAnswer, in_words, read, receipt
from ozrules.engine.events import Accepted, Refused, Unanswered


def answered(code: int, message: str = "") -> Answer:
    return read(f"<Response><Code>{code}</Code><Message>{message}</Message></Response>".encode())


@pytest.mark.parametrize(
    ("code", "kind", "advice"),
    [
        (300, "invalid", "could not read"),
        (301, "denied", "does not know this command"),
        (302, "invalid", "parameter"),
        (303, "wrongState", "cannot be used now"),
        (304, "denied", "set username and password"),
        (305, "denied", "password is wrong"),
        (306, "denied", "give it access"),
        (307, "denied", "allow it"),
        (401, "denied", "API extension"),
        (402, "invalid", "could not be connected"),
        (501, "invalid", "recipient"),
        (601, "notFound", "has ended"),
        (701, "invalid", "does not exist"),
        (702, "invalid", "not valid"),
        (703, "invalid", "exists already"),
    ],
)
def test_every_code_is_a_refusal_that_says_what_to_do(code: int, kind: str, advice: str) -> None:
    refused = receipt(answered(code, "the vendor's words"))
    assert isinstance(refused, Refused)
    assert refused.kind == kind
    assert str(code) in refused.message
    assert "the vendor's words" in refused.message
    assert advice in refused.message


def test_200_is_handed_over_and_no_more() -> None:
    assert receipt(answered(200)) == Accepted()


@pytest.mark.fault(31)
@pytest.mark.parametrize("code", [0, 100, 299, 500, 999999])
def test_a_code_that_nobody_documents_proves_nothing(code: int) -> None:
    unanswered = receipt(answered(code))
    assert isinstance(unanswered, Unanswered)
    assert str(code) in unanswered.message


def test_the_forms_of_the_vendors_samples_are_read() -> None:
    schemas = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    sample = f'<?xml version="1.0" encoding="utf-8"?>\r\n<Response {schemas}>\r\n  <Code>200</Code>\r\n'
    assert read(f"{sample}  <Message>Command successfully executed</Message>\r\n</Response>".encode()).code == 200
    assert read(b"<response><code>601</code></response>").code == 601


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "no XML"),
        (b"<html><body>It works!</body></html>", "an HTML page"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><p>", "an HTML page"),
        (b"<rss><Code>200</Code></rss>", "its root is not Response"),
        (b"<Response/>", "without a Code"),
        (b"<Response><Code/></Response>", "without a Code"),
        (b"<Response><Code>OK</Code></Response>", "without a Code"),
        (b"<Response><Code>-200</Code></Response>", "without a Code"),
        (b"<Response><Code>2000000</Code></Response>", "without a Code"),
        ("<Response><Code>٢٠٠</Code></Response>".encode(), "without a Code"),
        (b'{"code": 200}', "no XML"),
    ],
)
def test_what_is_no_answer_is_named(body: bytes, what: str) -> None:
    with pytest.raises(NotAnAnswer, match=what):
        read(body)


@pytest.mark.fault(92)
def test_the_phone_systems_words_are_shown_escaped_and_short() -> None:
    said = in_words(answered(601, "é&#x202e;\n" + "x" * 1000))
    assert said.isascii()
    assert "\n" not in said
    assert len(said) < 400


_ELEMENT = st.recursive(
    st.text("ab<>&;", max_size=6) | st.sampled_from(["200", "601", "x"]),
    lambda inside: st.tuples(
        st.sampled_from(["Response", "Code", "Message", "ActiveCalls", "CallInfo", "Call", "CallId"]),
        st.lists(inside, max_size=3),
    ).map(lambda pair: f"<{pair[0]}>{''.join(pair[1])}</{pair[0]}>"),
    max_leaves=8,
)


@given(st.binary(max_size=100) | _ELEMENT.map(str.encode))
def test_whatever_comes_is_an_answer_or_none(body: bytes) -> None:
    try:
        answer = read(body)
    except NotAnAnswer:
        return
    assert in_words(answer).isascii()
    receipt(answer)
