"""A rule's own keys to the model."""

import pytest

from ozrules.rules.model import Canary, Throttle
from tests.rules.reading.parts import errors, one


def test_what_is_not_said() -> None:
    rule = one()
    assert (rule.status, rule.priority, rule.mode, rule.max) == ("active", 100, "single", 10)
    assert (rule.on_missed, rule.missed_grace) == ("fireIfStill", 5.0)
    assert (rule.exclusive, rule.on_resync, rule.throttle, rule.tags) == (True, False, None, ())
    assert rule.condition.of == ()
    assert str(rule.place) == "f.yaml:12:9"


def test_everything() -> None:
    rule = one(
        more="    description: what for\n    tags: [a, b]\n    status: shadow\n    priority: -5\n    mode: queued\n"
        "    max: 3\n    throttle: {onceWithin: 10m, groupBy: [caller]}\n    onMissed: fire\n    missedGrace: 1m\n"
        "    exclusive: false\n    onResync: true\n"
    )
    assert (rule.description, rule.tags, rule.status, rule.priority) == ("what for", ("a", "b"), "shadow", -5)
    assert (rule.mode, rule.max, rule.throttle) == ("queued", 3, Throttle(600.0, ("caller",)))
    assert (rule.on_missed, rule.missed_grace, rule.exclusive, rule.on_resync) == ("fire", 60.0, False, True)


def test_a_canary() -> None:
    assert one(more="    status: {canary: {percent: 2.5, groupBy: caller}}\n").status == Canary(2.5, ("caller",))


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("status: on", "unknown-value"),
        ("status: {canary: {percent: 101}}", "bad-number"),
        ("priority: 1.5", "bad-number"),
        ("mode: [single]", "wrong-type"),
        ("throttle: 10m", "wrong-type"),
        ("exceptions: {name: x}", "wrong-type"),
        ("exclusive: 1", "not-true-or-false"),
        ("description: ", "missing-value"),
    ],
)
def test_what_is_refused(typed: str, code: str) -> None:
    assert errors(more=f"    {typed}\n") == [code]
