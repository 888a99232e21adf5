"""One recorded call, found and explained: for `ozrules why` and for the dashboard, so that both say the same."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from ozrules.engine.effects import Reason
from ozrules.engine.explain import Answer
from ozrules.engine.identity import SessionKey
from ozrules.replay.recording import Story, read, story
from ozrules.replay.why import calls_of, lookback, on_record, why
from ozrules.rules.condition import FailedLeaf
from ozrules.rules.model import RuleSet
from ozrules.store.reading import Reader

MOST_CHANGES: Final = 25
"""Rules for which the smallest change is looked for when all are asked for."""


class _Action(msgspec.Struct):
    action: str
    args: dict[str, str | None] = {}


class _Way(msgspec.Struct):
    branch: str
    actions: tuple[_Action, ...] = ()
    decision_id: str = ""

    def __str__(self) -> str:
        named = [
            " ".join([one.action, *(f"{name} {value}" for name, value in one.args.items())]) for one in self.actions
        ]
        return f"{self.branch}: {', '.join(named)}" if named else self.branch


class _Recorded(msgspec.Struct):
    """What is read of a decision on the record."""

    time: datetime
    rule: str
    reason: Reason
    revision: str
    failed: tuple[FailedLeaf, ...] = ()
    by: str | None = None
    decision_id: str = ""
    values: dict[str, str | None] = {}
    chosen: tuple[_Way, ...] = ()


_CHOSEN: Final = msgspec.json.Decoder(_Way)
_DECISION: Final = msgspec.json.Decoder(_Recorded)


class Told(msgspec.Struct, frozen=True):
    """A call as it was recorded, and what every rule made of it."""

    story: Story
    call: SessionKey
    answers: tuple[Answer, ...]


def told(
    reader: Reader, rules: RuleSet, *, connection: str | None, session: str, start: str, until: float
) -> Told | None:
    """The call of that start, else the latest under this id; None where there is none. ``until`` is now.

    Raises NotARecording.
    """
    span = reader.times_of(session)
    if span is None:
        return None
    lines = reader.recording(since=span[0] - lookback(rules), until=span[1])
    recorded = story(read(line.body for line in lines if line.intact))
    calls = [key for key in calls_of(recorded.events, rules, session, connection) if start in ("", key.start)]
    if not calls:
        return None
    call = calls[-1]
    answers = why(recorded, rules, call, until=until)
    return Told(recorded, call, on_record(answers, _decided(reader, rules, call, recorded.span_of(call))))


def _decided(reader: Reader, rules: RuleSet, call: SessionKey, span: tuple[float, float]) -> Iterator[Answer]:
    """What the daemon decided on the call, where that was under these rules."""
    places = {rule.id: rule.place for rule in rules.rules}
    lines = list(reader.records(session=f"{call.connection}/{call.session_id}", since=span[0], until=span[1]))
    later: dict[str, tuple[_Way, ...]] = {}
    for line in lines:
        if line.intact and '"type":"chosen"' in line.body:
            way = _CHOSEN.decode(line.body)
            later[way.decision_id] = (*later.get(way.decision_id, ()), way)
    for line in lines:
        try:
            one = _DECISION.decode(line.body)
        except msgspec.ValidationError:
            continue  # a line of another type
        if line.intact and one.revision == rules.revision and one.rule in places:
            yield Answer(
                rule=one.rule,
                place=places[one.rule],
                reason=one.reason,
                at=one.time.timestamp(),
                failed=one.failed,
                by=one.by,
                values=one.values,
                ways=tuple(str(way) for way in (*one.chosen, *later.get(one.decision_id, ()))),
            )
