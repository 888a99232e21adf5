"""Effects and acts of the daemon as lines of the record: ids, times and sequence numbers are given here, at the edge.

The engine counts decisions; a reader of the record gets a ULID for each. Outcomes come later, perhaps after a
restart, so the ids of decisions whose sessions live are kept, and come back from the journal. Times are the wall
clock's, with its zone.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Final, Literal, assert_never

from ozrules.engine.effects import Chosen, Decision, Effect, EventView, Observed, Outcome, PlannedAction, WriteLog
from ozrules.engine.identity import CommandId, SessionKey
from ozrules.rules.condition import FailedLeaf
from ozrules.runtime.inbox import Controlled, Reloaded, Who
from ozrules.runtime.ports import ConnectionState, Record
from ozrules.runtime.ulid import ulid
from ozrules.session.session import Session

SCHEMA: Final = 1
MASK: Final = "(secret)"
"""What the engine writes in place of a secret in an action's arguments."""


class Records:
    """Makes the lines, in order. One for the life of the daemon."""

    def __init__(
        self,
        *,
        next_seq: int,
        ids: Iterable[tuple[int, str]],
        revision: str,
        mode: Literal["enforce", "observe"],
        every_event: bool,
        zone: tzinfo | None = None,
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.revision = revision
        self.mode = mode
        self.wall_offset = 0.0
        self._seq = next_seq
        self.every_event = every_event
        self._zone = zone
        self._randomness = randomness
        self._earlier = dict(ids)
        """Of decisions before the start: whose they are is not known here, so all of them stay."""
        self._ids: dict[int, str] = {}
        self._by_session: dict[SessionKey, list[int]] = {}
        self._expected: Counter[int] = Counter()

    def decision_id(self, number: int) -> str:
        """The id under which this decision is on the record."""
        # a decision that the journal no longer knows still has a number
        return self._ids.get(number) or self._earlier.get(number) or ulid(0, number.to_bytes(10, "big"))

    def forget(self, session: SessionKey) -> None:
        """Nothing more will be said about this session's decisions."""
        for number in self._by_session.pop(session, ()):
            if number not in self._expected:
                self._ids.pop(number, None)

    def expect(self, number: int) -> None:
        """A webhook of this decision is on its way: its outcome may come when the session is long forgotten."""
        self._expected[number] += 1

    def of_effect(self, effect: Effect, at: float, eval_us: int) -> Record | None:
        """The line that an effect makes, if it makes one. ``at`` is the moment of the event that it answers."""
        match effect:
            case Decision():
                return self._decision(effect, eval_us)
            case Outcome():
                return self._outcome(effect)
            case Chosen():
                return self._chosen(effect)
            case WriteLog():
                return self._log(effect, at)
            case Observed() if self.every_event and not effect.matched:
                return self._event(effect)
            case _:
                return None

    def of_act(self, act: Reloaded | Controlled | ConnectionState, at: float) -> Record:
        """The line that an act of an admin or a change of a connection makes."""
        match act:
            case Reloaded():
                return self._line(
                    "reload",
                    at,
                    {
                        "ok": not act.errors,
                        "who": _who(act.who),
                        "rules": len(act.event.rules.rules) if act.event else None,
                        "errors": list(act.errors),
                    },
                )
            case Controlled():
                return self._line(
                    "control",
                    at,
                    {
                        "command": act.command,
                        "args": act.args,
                        "who": _who(act.who),
                        "ok": act.refused is None,
                        "error": act.refused,
                    },
                    rule=act.args.get("rule"),
                )
            case ConnectionState():
                return self._line(
                    "connection", at, {"ready": act.ready, "detail": act.detail}, connection=act.connection
                )
            case _:
                assert_never(act)

    def of_gap(self, connection: str, reason: str, at: float) -> Record:
        """Changes may have been missed here."""
        return self._line("gap", at, {"reason": reason}, connection=connection)

    # --- lines ------------------------------------------------------------------------------------------------------

    def _decision(self, decision: Decision, eval_us: int) -> Record:
        identity = ulid(decision.at + self.wall_offset, self._randomness(10))
        key = decision.session_key
        if key is not None and decision.reason == "fired":
            self._ids[decision.number] = identity
            self._by_session.setdefault(key, []).append(decision.number)
        masked = [
            f"{where}/{index}/args/{name}"
            for where, actions in (
                ("actions", decision.actions),
                *((f"chosen/{number}/actions", way.actions) for number, way in enumerate(decision.chosen)),
            )
            for index, action in enumerate(actions)
            for name, value in action.args.items()
            if value == MASK
        ]
        session = decision.session
        return self._line(
            "decision",
            decision.at,
            {
                "decision_id": identity,
                "masterSessionId": session.master_session_id if session else None,
                "event": self._event_view(decision.event),
                "session": _session(session, decision.hops) if session else None,
                "rule": decision.rule,
                "trigger": decision.trigger,
                "reason": decision.reason,
                "status": decision.status,
                "actions": [_action(action, identity) for action in decision.actions],
                "values": dict(decision.values),
                "chosen": [_way(each, identity) for each in decision.chosen],
                "failed": [_failed(leaf) for leaf in decision.failed],
                "by": decision.by,
                "outranked": list(decision.outranked),
                "certainty": decision.certainty,
                "masked": masked,
                "erased": [],
                "metrics": {"eval_us": eval_us},
            },
            revision=decision.revision,
            mode=decision.mode,
            decision=decision.number,
            decision_id=identity,
            rule=decision.rule,
            connection=key.connection if key else None,
            session_id=key.session_id if key else None,
        )

    def _outcome(self, outcome: Outcome) -> Record:
        identity = self.decision_id(outcome.decision)
        if outcome.action == "webhook":
            self._heard(outcome)
        return self._line(
            "outcome",
            outcome.at,
            {
                "decision_id": identity,
                "command_id": command_id(identity, outcome.command),
                "rule": outcome.rule,
                "action": outcome.action,
                "outcome": outcome.outcome,
                "state": outcome.state,
                "after_ms": round(outcome.after * 1000),
                "error": outcome.error,
            }
            | ({} if outcome.to is None else {"to": outcome.to}),
            decision=outcome.decision,
            decision_id=identity,
            rule=outcome.rule,
            connection=outcome.session.connection,
            session_id=outcome.session.session_id,
        )

    def _chosen(self, chosen: Chosen) -> Record:
        identity = self.decision_id(chosen.decision)
        return self._line(
            "chosen",
            chosen.at,
            {"decision_id": identity, "rule": chosen.rule} | _way(chosen, identity),
            decision=chosen.decision,
            decision_id=identity,
            rule=chosen.rule,
            connection=chosen.session.connection,
            session_id=chosen.session.session_id,
        )

    def _heard(self, outcome: Outcome) -> None:
        """A webhook has come to its end: the last one of a forgotten session takes the decision's id with it."""
        number = outcome.decision
        self._expected[number] -= 1
        if self._expected[number] <= 0:
            del self._expected[number]
            if number not in self._by_session.get(outcome.session, ()):
                self._ids.pop(number, None)

    def _log(self, effect: WriteLog, at: float) -> Record:
        identity = self.decision_id(effect.decision)
        return self._line(
            "log",
            at,
            {"decision_id": identity, "rule": effect.rule, "text": effect.text},
            decision=effect.decision,
            decision_id=identity,
            rule=effect.rule,
            connection=effect.session.connection,
            session_id=effect.session.session_id,
        )

    def _event(self, observed: Observed) -> Record:
        return self._line(
            "event",
            observed.at,
            {
                "masterSessionId": observed.session.master_session_id,
                "event": self._event_view(observed.event),
                "session": _session(observed.session, None),
                "certainty": observed.certainty,
            },
            connection=observed.key.connection,
            session_id=observed.key.session_id,
        )

    def _line(
        self,
        kind: str,
        at: float,
        said: Mapping[str, object],
        *,
        revision: str | None = None,
        mode: str | None = None,
        decision: int | None = None,
        decision_id: str | None = None,
        rule: str | None = None,
        connection: str | None = None,
        session_id: str | None = None,
    ) -> Record:
        seq = self._seq
        self._seq += 1
        body: dict[str, object] = {
            "type": kind,
            "schema": SCHEMA,
            "seq": seq,
            "time": self._iso(at),
            "mode": mode or self.mode,
            "revision": revision or self.revision,
        }
        if connection is not None:
            body["connection"] = connection
        if session_id is not None:
            body["sessionId"] = session_id
        body.update(said)
        return Record(
            seq=seq,
            type=kind,
            time=at + self.wall_offset,
            body=body,
            decision=decision,
            decision_id=decision_id,
            rule=rule,
            connection=connection,
            session_id=session_id,
        )

    def _event_view(self, event: EventView) -> dict[str, object]:
        view: dict[str, object] = {
            "kind": event.kind,
            "state": event.state,
            "from": event.from_state,
            "since": self._iso(event.since),
        }
        if event.due is not None:
            view["due"] = self._iso(event.due)
        if event.late_by is not None:
            view["lateBy"] = round(event.late_by, 3)
        if event.routing is not None:
            view["routing"] = event.routing
        return view

    def _iso(self, at: float) -> str:
        moment = datetime.fromtimestamp(at + self.wall_offset, UTC)
        return moment.astimezone(self._zone).isoformat(timespec="milliseconds")


def command_id(decision_id: str, command: CommandId) -> str:
    """A command's id on the record: that of its decision, and its place in it."""
    return f"{decision_id}-{command.partition('-')[2]}"


def _action(action: PlannedAction, decision_id: str) -> dict[str, object]:
    return {
        "command_id": command_id(decision_id, action.command) if action.command else None,
        "action": action.action,
        "args": dict(action.args),
        "at": str(action.place),
    }


def _way(chosen: Chosen, decision_id: str) -> dict[str, object]:
    return {
        "at": str(chosen.place),
        "branch": chosen.branch,
        "values": dict(chosen.values),
        "actions": [_action(action, decision_id) for action in chosen.actions],
    }


def _failed(leaf: FailedLeaf) -> dict[str, object]:
    return {"path": leaf.path, "wanted": leaf.wanted, "actual": leaf.actual, "at": leaf.at}


def _session(session: Session, hops: int | None) -> dict[str, object]:
    view: dict[str, object] = {
        "caller": session.caller,
        "callee": session.callee,
        "direction": session.direction,
        "dialedNumber": session.dialed_number,
        "callerDisplayName": session.caller_display_name,
        "startTime": session.start_time,
    }
    view = {name: value for name, value in view.items() if value is not None}
    if hops is not None:
        view["hops"] = hops
    return view


def _who(who: Who) -> dict[str, object]:
    return {"by": who.by} if who.uid is None else {"by": who.by, "uid": who.uid}
