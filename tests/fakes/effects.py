"""Effects as the engine makes them, short to write down."""

from ozrules.engine.effects import Command, Decision, EventView, Observed, Outcome, OutcomeName, Post
from ozrules.engine.identity import CommandId, SessionKey
from ozrules.runtime.ports import Record
from ozrules.session.methods import Operation
from ozrules.session.session import Session
from ozrules.session.state import RINGING

KEY = SessionKey("office", "1", "s1", "2026-11-23T10:00:00Z")
SESSION = Session(session_id="s1", session_state=RINGING, caller="+36201234567", callee="2001")
EVENT = EventView(kind="stateChanged", state=RINGING, from_state=None, since=0.0)


def command(number: int, step: int = 0, *, key: SessionKey = KEY, action: Operation = "forward") -> Command:
    return Command(
        id=CommandId(f"{number}-{step}"),
        decision=number,
        step=step,
        rule="sales-no-answer",
        session=key,
        action=action,
        to="2010",
        deadline=60.0,
        timeout=5.0,
    )


def post(number: int, *, url: str = "https://crm.example/calls", body: dict[str, str] | None = None) -> Post:
    return Post(
        id=CommandId(f"{number}-0"),
        decision=number,
        rule="abandoned",
        session=KEY,
        url=url,
        method="POST",
        headers={},
        body=body or {},
        timeout=5.0,
    )


def decision(number: int, *, key: SessionKey | None = KEY, at: float = 1_000_000.0) -> Decision:
    return Decision(
        number=number,
        at=at,
        session_key=key,
        session=SESSION,
        event=EVENT,
        hops=0,
        rule="sales-no-answer",
        reason="fired",
        status="active",
        trigger="0",
        revision="sha256:0",
        mode="enforce",
    )


def outcome(of: Command, result: OutcomeName = "confirmed", *, at: float = 1_000_000.0) -> Outcome:
    return Outcome(
        at=at,
        command=of.id,
        decision=of.decision,
        rule=of.rule,
        session=of.session,
        action=of.action,
        outcome=result,
        state=RINGING,
        after=0.4,
    )


def observed(*, at: float = 1_000_000.0, session: Session = SESSION, event: EventView = EVENT) -> Observed:
    return Observed(at=at, key=KEY, event=event, session=session, certainty="complete", matched=0)


def record(
    seq: int, number: int | None = None, *, type_: str = "decision", time: float = 1_000_000.0, **body: object
) -> Record:
    return Record(
        seq=seq,
        type=type_,
        time=time,
        body={"type": type_, "seq": seq, **body},
        decision=number,
        decision_id=None if number is None else f"01D{number}",
        rule="sales-no-answer",
        connection="office",
        session_id="s1",
    )
