"""Rule files read and proven."""

from ozrules.proofs.checking import check
from ozrules.rules.document import Source
from tests.proofs.sets import rule

HEAD = b"ozrules: 1\ndefaults: {extensions: [_X, _XXXX]}\n"
SENDS = "trigger: {{state: Ringing}}, conditions: {{callee: {}}}, actions: [{{forward: {}}}]"
ROUND = rule("a", SENDS.format(2001, 2002)) + rule("b", SENDS.format(2002, 2001))


def test_a_set_that_is_free_of_errors_comes_with_what_is_worth_a_word() -> None:
    text = HEAD + b"lists: {team: [1]}\nrules:\n" + rule("a", SENDS.format(1, 2002)).encode()
    rules, found = check([Source("f", text)])
    assert rules is not None
    assert [each.code for each in found] == ["unused-list"]


def test_what_is_proven_wrong_is_refused_whole() -> None:
    rules, found = check([Source("f", HEAD + b"rules:\n" + ROUND.encode())])
    assert rules is None
    assert [each.code for each in found] == ["forward-cycle"]


def test_nothing_is_proven_of_what_cannot_be_read() -> None:
    rules, found = check([Source("f", HEAD + b"rules:\n" + ROUND.replace("Ringing", "Rining").encode())])
    assert rules is None
    assert {each.code for each in found} == {"unknown-state"}
