"""A small office whose phone system does only what is told here, so that every call stands still where it is wanted.

The rules begin one of each thing that outlives a daemon. The recording and the test that opens it both play it.
"""

import asyncio
from contextlib import suppress
from typing import Final

import msgspec
from websockets.exceptions import ConnectionClosed

from ozrules.connectors.session_messages import Call, ListSessions, Response, SessionNews, SnapshotPart
from ozrules.session.session import Session
from ozrules.session.state import IN_CALL, ON_HOLD, REDIRECTED, RINGING, State
from tests.fakes.gateway import HELLO, Speaker

BEGAN: Final = "2026-11-23T10:00:00Z"
LOST: Final = "2007"
"""Whoever calls this number is forwarded, and the phone system never says what became of that."""

RULES: Final = """\
ozrules: 1
defaults: {country: HU, timezone: UTC}
schedules:
  always: {times: ["00:00-24:00"]}
  desk: {manual: closed}
rules:
  - {id: made-up, trigger: {state: Ringing, for: 30m}, conditions: {callee: 2001}, onMissed: fire,
     actions: [{forward: 2010}]}
  - {id: too-late, trigger: {state: Ringing, for: 30m}, conditions: {callee: 2002}, actions: [{forward: 2010}]}
  - {id: skipped, trigger: {state: Ringing, for: 30m}, conditions: {callee: 2003}, onMissed: skip,
     actions: [{forward: 2010}]}
  - {id: waits-on, trigger: {state: Ringing, for: 8000h}, conditions: {callee: 2004}, actions: [{forward: 2010}]}
  - id: holds
    trigger: {state: InCall, from: Ringing}
    conditions: {callee: 2005}
    onMissed: fire
    actions: [hold, {wait: 30m}, unhold]
  - id: chooses
    trigger: {state: InCall, from: Ringing}
    conditions: {callee: 2006}
    onMissed: fire
    actions:
      - set: {who: "{{ caller }}"}
      - wait: 30m
      - choose:
          - if: {schedule: {outside: always}}
            then: [{log: "closed for {{ var.who }}"}]
          - else: [{log: "open for {{ var.who }}"}]
  - {id: unheard, trigger: {state: Ringing}, conditions: {callee: 2007}, actions: [{forward: 2010}]}
  - id: seldom
    trigger: {state: Ringing}
    conditions: {callee: 2008}
    throttle: {onceWithin: 8700h, groupBy: [caller]}
    actions: [{log: "seldom {{ caller }}"}]
  - id: third-time
    trigger: {state: Ringing}
    conditions: {callee: 2008, history: {state: Ringing, within: 8700h, groupBy: [caller], gte: 3}}
    actions: [{log: "again {{ caller }}"}]
  - {id: stopped, trigger: {state: Ringing}, conditions: {callee: 2008}, actions: [{log: "never {{ caller }}"}]}
  - id: by-hand
    trigger: {state: Ringing}
    conditions: {callee: 2008, schedule: {during: desk}}
    actions: [{log: "desk {{ caller }}"}]
  - id: told
    trigger: {state: Ringing}
    conditions: {callee: 2009}
    actions: [{webhook: {url: "http://127.0.0.1:9/crm", body: {who: "{{ caller }}"}}}]
"""
SETTINGS: Final[dict[str, object]] = {
    "webhooks": {"allow": ["http://127.0.0.1:9/"], "expire": "8700h"},
    "retention": {"decisions": "3000d", "sessions": "3000d"},
}


def call(
    id: str, callee: str, state: State = RINGING, caller: str = "+36201234567", start: str | None = BEGAN
) -> Session:
    """One call of a person to a phone of the office."""
    return Session(session_id=id, session_state=state, caller=caller, callee=callee, start_time=start)


class Office:
    """The phone system: its calls by id, and every command that it was given."""

    def __init__(self, *calls: Session) -> None:
        self.calls = {each.session_id: each for each in calls}
        self.commands: list[tuple[str, str, str | None]] = []
        self._speaker: Speaker | None = None

    async def play(self, speaker: Speaker) -> None:
        """The gateway's side of one connection, until the daemon goes."""
        self._speaker = speaker
        with suppress(ConnectionClosed):
            await self._serve(speaker)

    async def _serve(self, speaker: Speaker) -> None:
        await speaker.say(HELLO, SnapshotPart(sessions=tuple(self.calls.values())))
        while True:
            match await speaker.hear():
                case ListSessions(id=id):
                    await speaker.say(Response(id, SnapshotPart(sessions=tuple(self.calls.values()))))
                case Call() as command:
                    self.commands.append((command.method, command.session_id, command.phone_number))
                    await self._perform(speaker, command)

    async def _perform(self, speaker: Speaker, command: Call) -> None:
        session = self.calls[command.session_id]
        if session.callee == LOST:
            return
        await speaker.say(Response(command.id))
        match command.method:
            case "forward":
                await self.change(command.session_id, REDIRECTED)
            case "hold":
                await self.change(command.session_id, ON_HOLD)
            case "unhold":
                await self.change(command.session_id, IN_CALL)
            case _:
                raise AssertionError(command.method)

    async def begin(self, session: Session) -> None:
        """A call comes, as far as it is seen."""
        assert self._speaker is not None
        self.calls[session.session_id] = session
        await self._speaker.say(SessionNews("created", session))

    async def change(self, id: str, state: State) -> None:
        """A call goes on; one that was sent elsewhere is over."""
        assert self._speaker is not None
        session = msgspec.structs.replace(self.calls[id], session_state=state)
        if state == REDIRECTED:
            del self.calls[id]
        else:
            self.calls[id] = session
        await self._speaker.say(SessionNews("closed" if state == REDIRECTED else "stateChanged", session))

    async def heard(self, count: int) -> None:
        """Returns once so many commands have come."""
        async with asyncio.timeout(20):
            while len(self.commands) < count:  # noqa: ASYNC110  # the condition is on the other side of a socket
                await asyncio.sleep(0.005)


def as_left() -> tuple[Session, ...]:
    """The calls that are under way when the recorded daemon is killed."""
    first = (call(f"first{number}", "2008") for number in range(2))
    ringing = (call(f"s{callee}", callee) for callee in ("2001", "2002", "2003", "2004", "2007", "2009"))
    return (*first, *ringing, call("s2005", "2005", ON_HOLD), call("s2006", "2006", IN_CALL))
