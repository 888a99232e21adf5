"""Two sets of rules on the same calls: which calls they treat otherwise, and because of what.

What counts is what would be done: the rules that fire on a call, when, and with which actions. A call that two rule
sets explain otherwise and treat alike has not changed. The cause is looked for where it can lie: the rule is new or
gone, another rule came first, a part of the rule is another one, or something above the rules is.
"""

from collections.abc import Iterable

import msgspec

from ozrules.engine.effects import Decision
from ozrules.engine.identity import SessionKey
from ozrules.replay.parts import action_texts, changed_parts
from ozrules.rules.model import RuleSet

TOLERANCE = 0.001
"""Seconds; recordings are written in milliseconds."""


class Cause(msgspec.Struct, frozen=True, order=True):
    """Why a rule does otherwise. ``kind`` is one of few (``new rule``, ``changed condition``, ``outranked by``)."""

    rule: str
    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.rule}: {self.kind}" + (f" {self.detail}" if self.detail else "")


class Difference(msgspec.Struct, frozen=True):
    """One rule does otherwise on one call, ``cause`` says why. ``old`` or ``new`` is None where it does not fire."""

    call: SessionKey
    cause: Cause
    old: Decision | None
    new: Decision | None

    @property
    def rule(self) -> str:
        return self.cause.rule


def compare(
    old: Iterable[Decision], new: Iterable[Decision], old_rules: RuleSet, new_rules: RuleSet
) -> tuple[Difference, ...]:
    """Every difference, in the order in which the calls came."""
    causes = _Causes(old_rules, new_rules)
    before, after = _by_call(old), _by_call(new)
    found: list[Difference] = []
    for call in before | after:
        mine, others = before.get(call, ()), after.get(call, ())
        gone, come = _fired(mine), _fired(others)
        for name in dict.fromkeys((*gone, *come)):
            lost, won = gone.get(name, []), come.get(name, [])
            for index in range(max(len(lost), len(won))):
                left = lost[index] if index < len(lost) else None
                right = won[index] if index < len(won) else None
                if left is not None and right is not None:
                    cause = causes.of_both(left, right)
                else:
                    cause = causes.of_one(name, mine if left is None else others, lost=right is None)
                if cause is not None:
                    found.append(Difference(call, cause, left, right))
    return tuple(found)


def by_cause(found: Iterable[Difference]) -> list[tuple[Cause, list[Difference]]]:
    """The causes, that of most calls first."""
    causes: dict[Cause, list[Difference]] = {}
    for each in found:
        causes.setdefault(each.cause, []).append(each)
    return sorted(causes.items(), key=lambda cause: (-len(calls(cause[1])), cause[0]))


def calls(differences: Iterable[Difference]) -> set[SessionKey]:
    """The calls that these are about."""
    return {each.call for each in differences}


def _by_call(decisions: Iterable[Decision]) -> dict[SessionKey, list[Decision]]:
    found: dict[SessionKey, list[Decision]] = {}
    for decision in decisions:
        if decision.session_key is not None:
            found.setdefault(decision.session_key, []).append(decision)
    return found


def _fired(decisions: Iterable[Decision]) -> dict[str, list[Decision]]:
    rules: dict[str, list[Decision]] = {}
    for decision in decisions:
        if decision.reason == "fired":
            rules.setdefault(decision.rule, []).append(decision)
    return rules


class _Causes:
    """What is otherwise between two rule sets, looked up once for each rule."""

    def __init__(self, old: RuleSet, new: RuleSet) -> None:
        self._old, self._new = old, new
        self._was = {rule.id: rule for rule in old.rules}
        self._now = {rule.id: rule for rule in new.rules}
        self._parts: dict[str, dict[str, str]] = {}

    def of_both(self, left: Decision, right: Decision) -> Cause | None:
        """Why a rule that fires under both does otherwise, where it does."""
        name = left.rule
        parts = self._of(name)
        before, after = action_texts(left), action_texts(right)
        if before != after:
            if "action" in parts:
                return Cause(name, "changed action", parts["action"])
            return Cause(name, "other action", f"{', '.join(before)} -> {', '.join(after)}")
        if abs(left.at - right.at) > TOLERANCE:
            for part in ("trigger", "condition"):
                if part in parts:
                    return Cause(name, f"changed {part}", parts[part])
            return Cause(name, "other time")
        return None

    def of_one(self, name: str, silent: Iterable[Decision], *, lost: bool) -> Cause:
        """Why a rule fires under one set only. ``silent`` is what the other set decided on that call."""
        if name not in self._was:
            return Cause(name, "new rule")
        if name not in self._now:
            return Cause(name, "removed rule")
        stopped = next((each for each in silent if each.rule == name and each.reason != "fired"), None)
        if stopped is not None and stopped.reason == "outrankedBy":
            return Cause(name, "outranked by" if lost else "no longer outranked by", stopped.by or "")
        parts = self._of(name)
        for part in _order(stopped):
            if part in parts:
                return Cause(name, f"changed {part}", parts[part])
        if stopped is None:
            return Cause(name, "no longer fires" if lost else "fires now")
        return Cause(name, "stopped by" if lost else "no longer stopped by", stopped.reason)

    def _of(self, name: str) -> dict[str, str]:
        found = self._parts.get(name)
        if found is None:
            found = self._parts[name] = changed_parts(self._was[name], self._now[name], self._old, self._new)
        return found


def _order(stopped: Decision | None) -> tuple[str, ...]:
    """The parts to blame, the one first that the reason is about."""
    about = {
        "stateLeftBeforeFor": "trigger",
        "callGone": "trigger",
        "exception": "exception",
        "throttled": "throttle",
        "disabled": "status",
        "shadow": "status",
        "notInCanary": "status",
        "modeBusy": "mode",
        "guard": "guards",
        "protected": "guards",
        "budget": "guards",
        "hops": "guards",
    }
    first = (about[stopped.reason],) if stopped is not None and stopped.reason in about else ()
    every = ("condition", "list", "schedule", "trigger", "exception", "status", "throttle", "mode", "action")
    return (*first, *every, "guards", "defaults")
