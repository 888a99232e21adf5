"""The smallest change of a call, and the smallest change of a rule, with which the rule would have fired.

Found by trying: the reason for which the rule was stopped proposes edits, the call is played again with them, and what
stops the rule then proposes further ones. Fewer edits are always tried before more, so the first that lets the rule
fire is the smallest of all that can be proposed; that it fires was seen, with all other rules there.
"""

import heapq
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import msgspec

from ozrules.engine.effects import Observed
from ozrules.engine.explain import Answer
from ozrules.engine.identity import SessionKey
from ozrules.replay.call_edits import call_edits
from ozrules.replay.edits import Edit, Scene
from ozrules.replay.recording import Story
from ozrules.replay.rule_edits import rule_edits
from ozrules.replay.why import explained
from ozrules.rules.model import Rule, RuleSet

MOST_TRIES: Final = 60

_Propose: TypeAlias = Callable[[Scene, Rule, Answer, tuple[Observed, ...]], Iterator[tuple[Edit, ...]]]


class Change(msgspec.Struct, frozen=True):
    """One thing that would have to be otherwise, in words which may hold what a caller chose.

    ``at`` is the line of the rule, "" where it is the call.
    """

    text: str
    at: str


class Changes(msgspec.Struct, frozen=True):
    """The fewest changes of the call, and of the rule, with which it would have fired. None: none were found."""

    call: tuple[Change, ...] | None
    rule: tuple[Change, ...] | None


def changes(story: Story, rules: RuleSet, call: SessionKey, rule: str, *, until: float) -> Changes:
    """What would have made ``rule`` fire on the call. Nothing is needed (``()``) where it did."""
    scene = Scene(story, rules, call, until)
    return Changes(_said(smallest(scene, rule, call_edits)), _said(smallest(scene, rule, rule_edits)))


def _said(edits: tuple[Edit, ...] | None) -> tuple[Change, ...] | None:
    return None if edits is None else tuple(Change(edit.text, edit.at) for edit in edits)


def smallest(scene: Scene, name: str, propose: _Propose) -> tuple[Edit, ...] | None:
    """The fewest edits that ``propose`` offers with which the rule fires, tried out."""
    waiting: list[tuple[int, int, tuple[Edit, ...], Scene]] = [(0, 0, (), scene)]
    serial = 0
    for _ in range(MOST_TRIES):
        if not waiting:
            return None
        size, _, edits, edited = heapq.heappop(waiting)
        answer, observed = _tried(edited, name)
        if answer.reason == "fired":
            return _needed(scene, name, edits)
        for proposed in propose(edited, edited.rule(name), answer, observed):
            serial += 1
            heapq.heappush(waiting, (size + len(proposed), serial, (*edits, *proposed), _made(edited, proposed)))
    return None


def _needed(scene: Scene, name: str, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """The edits without those that a later one made needless."""
    for edit in edits:
        fewer = tuple(each for each in edits if each is not edit)
        if _tried(_made(scene, fewer), name)[0].reason == "fired":
            return _needed(scene, name, fewer)
    return edits


def _made(scene: Scene, edits: tuple[Edit, ...]) -> Scene:
    for edit in edits:
        scene = edit.make(scene)
    return scene


def _tried(scene: Scene, name: str) -> tuple[Answer, tuple[Observed, ...]]:
    """What becomes of the rule: alone first, which is quick; only if it fires there do all others come in."""
    for tried in (scene.alone(name), scene):
        [answer], observed = explained(tried.story, tried.rules, tried.call, until=tried.until, of=(tried.rule(name),))
        if answer.reason != "fired":
            break
    return answer, observed
