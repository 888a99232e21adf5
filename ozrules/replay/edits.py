"""A recorded call under a set of rules, and one edit of either: what `smallest` combines and plays again.

An edit of the call is made in the recorded events of that one session; the calls around it stay as they were.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from typing import Final

import msgspec

from ozrules.engine.events import Event, RoutingAsked, SessionSeen, SessionsListed
from ozrules.engine.identity import SessionKey
from ozrules.replay.recording import Story
from ozrules.rules.condition import FailedLeaf
from ozrules.rules.model import All, AnyOf, Condition, Leaf, Not, Rule, RuleSet
from ozrules.session.session import ATTRIBUTES, Session
from ozrules.session.state import ENDED, State

STEP: Final = 1.0
"""Seconds between a change that is put in and the next."""

_MOST_WAYS: Final = 8


class Scene(msgspec.Struct, frozen=True):
    """One call as it was recorded, the rules that it meets, and how far time has gone."""

    story: Story
    rules: RuleSet
    call: SessionKey
    until: float

    def rule(self, name: str) -> Rule:
        """The rule with that id."""
        return next(rule for rule in self.rules.rules if rule.id == name)

    def alone(self, name: str) -> "Scene":
        """The same without any other rule."""
        return msgspec.structs.replace(self, rules=msgspec.structs.replace(self.rules, rules=(self.rule(name),)))

    def with_rule(self, rule: Rule) -> "Scene":
        """The same with this rule in the place of the one of its id."""
        rules = tuple(rule if each.id == rule.id else each for each in self.rules.rules)
        return msgspec.structs.replace(self, rules=msgspec.structs.replace(self.rules, rules=rules))

    # --- the call -------------------------------------------------------------------------------------------------

    def reports(self) -> list[SessionSeen]:
        """What was reported of the call, in order."""
        return [each for each in self.story.events if isinstance(each, SessionSeen) and self._is_it(each)]

    def with_property(self, field: str, value: str | None) -> "Scene":
        """As if the call had had this value all along."""

        def changed(session: Session) -> Session:
            if field in ATTRIBUTES:
                return msgspec.structs.replace(session, **{ATTRIBUTES[field]: value})
            extra = {name: text for name, text in (session.extra or {}).items() if name != field}
            if value is not None:
                extra[field] = value
            return msgspec.structs.replace(session, extra=extra or None)

        return self._with_events(self._changed(each, changed) for each in self.story.events)

    def moved(self, since: float, seconds: float) -> "Scene":
        """As if all that happened to the call from ``since`` on had come ``seconds`` later, however late that is."""

        def later(event: Event) -> Event:
            if isinstance(event, SessionSeen | RoutingAsked) and self._is_it(event) and event.at >= since:
                return msgspec.structs.replace(event, at=event.at + seconds)
            return event

        return self._with_events(map(later, self.story.events)).still()

    def passing(self, state: State, after: SessionSeen | None, seconds: float) -> "Scene":
        """As if the call had also been in ``state`` for so long, after that report or before its first."""
        reports = self.reports()
        before = reports[0] if after is None else after
        at = before.at if after is None else before.at + STEP
        kind = "created" if after is None else "closed" if state in ENDED else "stateChanged"
        put_in = SessionSeen(
            at=at,
            connection=before.connection,
            kind=kind,  # type: ignore[arg-type]  # mypy widens a conditional's literals
            session=msgspec.structs.replace(before.session, session_state=state),
        )

        def earlier(event: Event) -> bool:
            if not isinstance(event, SessionSeen) or not self._is_it(event):
                return True
            return after is not None and (event is after or event.at < after.at)

        def others() -> Iterator[Event]:
            for event in self.story.events:
                if earlier(event):
                    yield event
                elif isinstance(event, SessionSeen) and state not in ENDED:
                    known = "stateChanged" if event.kind == "created" else event.kind
                    yield msgspec.structs.replace(event, at=event.at + seconds + 2 * STEP, kind=known)

        return self._with_events((*others(), put_in)).still()

    def still(self) -> "Scene":
        """As if the call had gone on as it was."""
        return msgspec.structs.replace(self, until=math.inf)

    def _with_events(self, events: Iterable[Event]) -> "Scene":
        changed = tuple(events)
        first = min(event.at for event in changed)
        opening = tuple(takewhile(lambda event: not isinstance(event, SessionSeen), changed))
        begun = tuple(msgspec.structs.replace(event, at=min(event.at, first)) for event in opening)
        inside = sorted((*begun, *changed[len(begun) :]), key=lambda event: event.at)
        return msgspec.structs.replace(self, story=msgspec.structs.replace(self.story, events=tuple(inside)))

    def _is_it(self, event: SessionSeen | RoutingAsked) -> bool:
        return event.connection == self.call.connection and self._is_session(event.session)

    def _is_session(self, session: Session) -> bool:
        return session.session_id == self.call.session_id and session.start_time in (None, self.call.start)

    def _changed(self, event: Event, change: Callable[[Session], Session]) -> Event:
        match event:
            case SessionSeen() | RoutingAsked() if self._is_it(event):
                return msgspec.structs.replace(event, session=change(event.session))
            case SessionsListed(connection=self.call.connection, sessions=tuple() as listed):
                sessions = tuple(change(each) if self._is_session(each) else each for each in listed)
                return msgspec.structs.replace(event, sessions=sessions)
            case _:
                return event


class Edit(msgspec.Struct, frozen=True):
    """One thing that would have to be otherwise, in words; ``at`` is the line of the rule, "" where it is the call."""

    text: str
    at: str
    make: Callable[[Scene], Scene]


class Wish(msgspec.Struct, frozen=True):
    """A condition that would have to hold, or would have to hold not (``holds``), and what was found instead."""

    leaf: Leaf
    holds: bool
    found: FailedLeaf


def ways(condition: Condition, failed: tuple[FailedLeaf, ...], *, holds: bool = True) -> list[tuple[Wish, ...]]:
    """The ways to get ``condition`` to hold (or not to), the shortest first; a few, where there are many."""
    match condition:
        case All() | AnyOf():
            parts = [ways(each, failed, holds=holds) for each in condition.of]
            if isinstance(condition, All) is holds:  # each of them is needed
                found: list[tuple[Wish, ...]] = [()]
                for part in parts:
                    found = sorted(((*one, *other) for one in found for other in part), key=len)[:_MOST_WAYS]
            else:
                found = (
                    [()] if () in (way for part in parts for way in part) else [way for part in parts for way in part]
                )
        case Not():
            found = ways(condition.of, failed, holds=not holds)
        case _:
            mine = [leaf for leaf in failed if (leaf.path, leaf.at) == (condition.path, str(condition.place))]
            found = [(Wish(condition, holds, mine[0]),)] if mine else [()]
    found.sort(key=len)
    return found[:_MOST_WAYS] if not found or found[0] else [()]
