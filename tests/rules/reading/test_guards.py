"""Guards to the model."""

import pytest

from ozrules.rules.document import Source
from ozrules.rules.loader import check, load
from ozrules.rules.model import Guards


def guards(typed: str) -> Guards:
    return load([Source("f", f"ozrules: 1\ndefaults: {{extensions: _2XXX}}\nguards: {typed}\n".encode())]).guards


def test_everything() -> None:
    found = guards(
        "{protected: {dialedNumber: [112], callee: 105}, destinations: {allow: [internal, '+36*'], deny: '+3690*', "
        "default: allow, templated: true}, external: {maxConcurrent: 4, maxPerHour: 30, groupBy: callee}, maxHops: 5, "
        "maxActionsPerSession: 20}"
    )
    assert found.protected == ("112", "105")
    assert [each.text for each in found.allow] == ["internal", "+36*"]
    assert [each.text for each in found.deny] == ["+3690*"]
    assert (found.default, found.templated, found.max_hops, found.max_actions_per_session) == ("allow", True, 5, 20)
    assert (found.external.max_concurrent, found.external.max_per_hour, found.external.group_by) == (4, 30, ("callee",))


def test_what_is_not_said_stays_strict() -> None:
    assert guards("{maxHops: 2}").allow == Guards().allow
    assert guards("{destinations: {deny: '+3690*'}}").default == "deny"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("{destinations: {allow: ['*']}}", "bad-number"),
        ("{destinations: {allow: [outside]}}", "bad-number"),
        ("{protected: {dialedNumber: [help]}}", "bad-number"),
        ("{protected: [112]}", "wrong-type"),
        ("{external: {groupBy: nobody}}", "unknown-field"),
    ],
)
def test_what_is_refused(typed: str, code: str) -> None:
    assert [each.code for each in check([Source("f", f"ozrules: 1\nguards: {typed}\n".encode())])[1]] == [code]
