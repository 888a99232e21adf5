"""A property is its own: conditions, templates, groups, record and export each read the right one of 17.

The whole way is played twice: by the real daemon at each kind of phone system, and in one process, fast enough to plant
a bug for each pair of properties at each place where they could be mixed up, and to see that it is found.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import structs

from ozrules.connectors.session_messages import SessionNews
from ozrules.connectors.session_protocol import decode
from ozrules.connectors.simulator.callers import CallPlan, Hold
from ozrules.connectors.simulator.live_call import LiveCall
from ozrules.engine import program, readings
from ozrules.engine.effects import Decision, Observed, Tally, WriteLog
from ozrules.engine.events import SessionSeen
from ozrules.replay.recording import read
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from ozrules.runtime.records import Records
from ozrules.session.session import ATTRIBUTES, Session
from ozrules.session.state import HELD, ON_HOLD
from ozrules.store import recording
from tests.e2e.stage import TOKEN, Daemon, configure, daemon, ozrules, phones
from tests.e2e.stage import Way as PhonesWay
from tests.engine.stage import Stage
from tests.fakes import seventeen
from tests.fakes.gateway import HELLO, NO_SESSIONS, Speaker, gateway, until
from tests.fakes.http_server import canned, xml

NAMES: Final = tuple(seventeen.WIRE)
PAIRS: Final = tuple(itertools.combinations(NAMES, 2))

RULES: Final = load([Source("r.yaml", seventeen.rules("{state: OnHold, for: 5s}", *NAMES).encode())])


def snake(name: str) -> str:
    """``callerDisplayName`` as Python writes it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def report(state: str, talked: str, lasted: str, **more: str) -> str:
    session = seventeen.WIRE | {"sessionState": state, "talkDuration": talked, "stateDuration": lasted} | more
    return json.dumps({"jsonrpc": "2.0", "method": "session.stateChanged", "params": {"session": session}})


def as_it_is(session: Session) -> Session:
    return session


class Way:
    """One call from the wire to the record, in virtual time. ``wire`` and ``export`` are where bugs are planted.

    ``more`` are further properties: with them, a frame is read the tolerant way.
    """

    def __init__(
        self,
        rules: RuleSet = RULES,
        wire: Callable[[Session], Session] = as_it_is,
        export: Callable[[Session], Session] = as_it_is,
        more: dict[str, str] | None = None,
    ) -> None:
        self._more = more or {}
        self._wire = wire
        self._export = export
        self.stage = Stage(rules)
        self.told = [
            self._hear("Setup", "00:00:00", "00:00:00", 0.0),
            self._hear("InCall", "00:00:00", "00:00:00", 7.0),
            self._hear("OnHold", "00:01:00", "00:00:00", 60.0),
        ]
        self.stage.wait(5.0)

    def _hear(self, state: str, talked: str, lasted: str, after: float) -> str:
        if after:
            self.stage.wait(after)
        text = report(state, talked, lasted, **self._more)
        news = decode(text)
        assert isinstance(news, SessionNews)
        self.stage.tell(
            SessionSeen(at=self.stage.now, connection="office", kind="stateChanged", session=self._wire(news.session))
        )
        return text

    def mixed_up(self) -> list[str]:
        """What is not as the tables written by hand say; nothing where all is right."""
        wrong: list[str] = []
        effects = self.stage.effects
        fired = {each.rule: each for each in effects if isinstance(each, Decision) and each.reason == "fired"}
        logged = {each.rule: each.text for each in effects if isinstance(each, WriteLog)}
        groups = {each.name.removeprefix("throttle:"): each.group for each in effects if isinstance(each, Tally)}
        for name in NAMES:
            if name not in fired:
                wrong.append(f"condition {name}")
                continue
            if fired[name].values.get(f"conditions.{name}") != seventeen.READ[name]:
                wrong.append(f"value {name}")
            if logged.get(name) != f"<{seventeen.TEXT[name]}>":
                wrong.append(f"template {name}")
            if groups.get(name) != seventeen.GROUP[name]:
                wrong.append(f"group {name}")
        wrong += [f"record {name}" for name in self._record(next(iter(fired.values()), None))]
        seen = [each for each in effects if isinstance(each, Observed)]
        wrong += [f"export {name}" for name in self._exported(seen[-1])]
        return wrong

    def _record(self, decision: Decision | None) -> Iterator[str]:
        if decision is None:
            return
        records = Records(next_seq=1, ids=(), revision="", mode="enforce", every_event=False)
        line = records.of_effect(decision, 0.0, 0)
        assert line is not None
        shown = line.body["session"]
        assert isinstance(shown, dict)
        yield from (name for name in seventeen.ON_RECORD if shown.get(name) != seventeen.WIRE[name])
        if line.body["sessionId"] != seventeen.WIRE["sessionId"]:
            yield "sessionId"
        if line.body["masterSessionId"] != seventeen.WIRE["masterSessionId"]:
            yield "masterSessionId"

    def _exported(self, last: Observed) -> Iterator[str]:
        exported = structs.replace(last, session=self._export(last.session))
        line = json.dumps(recording.observed(exported, 1_795_424_472.0))
        told = json.loads(self.told[-1])["params"]["session"]
        [entry] = read([line])
        for name in NAMES:
            if json.loads(line)["session"].get(name) != told[name]:
                yield name
            elif getattr(entry.sessions[0], snake(name)) != told[name]:
                yield f"{name} as replay reads it"


def test_each_of_the_seventeen_is_read_as_itself() -> None:
    assert len(set(seventeen.WIRE.values())) == len(NAMES) == 17
    assert Way().mixed_up() == []
    assert Way(more={"queue": "q1"}).mixed_up() == []


# --- a planted bug for each pair ------------------------------------------------------------------------------------


def swapped(one: str, other: str) -> Callable[[Session], Session]:
    """A table that has mixed up two properties."""

    def swap(session: Session) -> Session:
        values: dict[str, Any] = {
            snake(one): getattr(session, snake(other)),
            snake(other): getattr(session, snake(one)),
        }
        return structs.replace(session, **values)

    return swap


@contextmanager
def planted(name: str, one: str, other: str) -> Iterator[None]:
    """The engine's function of that name reads one property where it is asked for the other."""
    whole = getattr(readings, name)

    def wrong(field: str, *rest: object) -> object:
        return whole({one: other, other: one}.get(field, field), *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readings, name, wrong)
        patch.setattr(program, name, wrong)
        yield


def test_two_that_are_swapped_on_the_wire_are_found() -> None:
    assert [pair for pair in PAIRS if not _found(lambda pair=pair: Way(wire=swapped(*pair)))] == []  # type: ignore[misc]


@pytest.mark.parametrize("more", [{}, {"queue": "q1"}], ids=["fast", "tolerant"])
def test_two_that_are_swapped_in_the_table_of_names_are_found(more: dict[str, str]) -> None:
    missed = []
    for one, other in PAIRS:
        with pytest.MonkeyPatch.context() as patch:
            first, second = ATTRIBUTES[one], ATTRIBUTES[other]
            patch.setitem(ATTRIBUTES, one, second)
            patch.setitem(ATTRIBUTES, other, first)
            if not _found(lambda: Way(more=more)):
                missed.append((one, other))
    by_hand = {"sessionState", "startTime", "talkDuration", "stateDuration"}  # read past the table, on the fast way
    assert [pair for pair in missed if more or not by_hand >= {*pair}] == []


def test_two_that_are_swapped_in_the_export_are_found() -> None:
    assert [pair for pair in PAIRS if not _found(lambda pair=pair: Way(export=swapped(*pair)))] == []  # type: ignore[misc]


@pytest.mark.parametrize(("place", "kinds"), [("reader_of", ("condition", "value")), ("text_of", ("template",))])
def test_two_that_are_swapped_where_the_engine_reads_are_found(place: str, kinds: tuple[str, ...]) -> None:
    missed = []
    for pair in PAIRS:
        with planted(place, *pair):
            try:
                told = Way().mixed_up()
            except (AttributeError, TypeError):
                continue  # a number where a text belongs: that is found even sooner
        if not any(each.startswith(kinds) for each in told):
            missed.append((pair, told))
    assert missed == []


def test_two_that_are_swapped_in_a_group_are_found() -> None:
    whole = readings.group_of
    for one, other in PAIRS:

        def wrong(
            fields: tuple[str, ...],
            *rest: Any,
            names: dict[str, str] = {one: other, other: one},  # noqa: B006
        ) -> object:
            return whole(tuple(names.get(field, field) for field in fields), *rest)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(program, "group_of", wrong)
            told = Way().mixed_up()
        assert {f"group {one}", f"group {other}"} <= set(told), (one, other)


def _found(play: Callable[[], Way]) -> bool:
    """Whether anything is amiss; a phone system that sends such nonsense may also be refused altogether."""
    try:
        return bool(play().mixed_up())
    except AssertionError:
        return True


# --- the real daemon ------------------------------------------------------------------------------------------------

WATCHED: Final = tuple(name for name in NAMES if name not in ("talkDuration", "stateDuration"))
"""Those that do not tick while the daemon is watched."""


async def read_right(one: Daemon, session: dict[str, str]) -> None:
    """The daemon's rules fire, each for its own property of ``session``, and say, count and write down that one."""
    names = [name for name in session if name in WATCHED]
    decisions = await one.saw("decision", len(names), reason="fired")
    logs = await one.saw("log", len(names))
    assert await one.stop() == 0
    read_as = session | ({"startTime": seventeen.READ["startTime"]} if "startTime" in session else {})
    assert {line["rule"]: line["text"] for line in logs} == {name: f"<{session[name]}>" for name in names}
    for line in decisions:
        name = line["rule"]
        read_ = {f"conditions.{name}": read_as[name], f"throttle.groupBy.{name}": read_as[name]}
        assert line["values"] == read_ | {"throttle.onceWithin": None}
        shown = [each for each in seventeen.ON_RECORD if each in session]
        assert {each: line["session"][each] for each in shown} == {each: session[each] for each in shown}
        assert line["sessionId"] == session["sessionId"]
        assert line["masterSessionId"] == session.get("masterSessionId")
    code, text = await ozrules(one.folder, "export", "--since", "1h")
    assert code == 0
    *_, last = [line["session"] for each in text.splitlines() if "session" in (line := json.loads(each))]
    assert {name: last.get(name) for name in NAMES} == dict.fromkeys(NAMES) | session


async def test_the_daemon_reads_each_as_itself_from_the_gateway_to_the_export(tmp_path: Path) -> None:
    text = report("OnHold", "00:01:00", "00:00:05").replace("session.stateChanged", "session.created")

    async def script(speaker: Speaker) -> None:
        await speaker.say(HELLO, NO_SESSIONS, text)
        await speaker.stay()

    async with gateway(script) as port:
        configure(tmp_path, f"ws://127.0.0.1:{port}/", seventeen.rules("{state: OnHold}", *WATCHED))
        async with daemon(tmp_path, LAB_TOKEN=TOKEN) as one:
            await read_right(one, seventeen.WIRE)


@pytest.mark.parametrize("way", ["gateway", "ozeki-webclient"])
async def test_the_daemon_reads_each_as_itself_from_a_phone_system(
    tmp_path: Path, way: PhonesWay, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = LiveCall.seen

    def seen(call: LiveCall, now: float) -> Session:
        values: dict[str, Any] = {snake(name): value for name, value in seventeen.WIRE.items()}
        session = whole(call, now)
        state = ON_HOLD if session.session_state in HELD else session.session_state
        return structs.replace(session, **values | {"session_state": state})

    monkeypatch.setattr(LiveCall, "seen", seen)
    async with phones(way=way) as system:
        configure(tmp_path, system.settings(), seventeen.rules("{state: OnHold}", *WATCHED))
        async with daemon(tmp_path) as one:
            await one.ready()
            held = Hold(after=0.1, by="callee", seconds=None)
            system.call(CallPlan(caller="+36201110006", callee="2007", answers_after=0.1, acts=(held,)))
            # these durations stand still, so the web client tells none
            told = seventeen.WIRE if way == "gateway" else {name: seventeen.WIRE[name] for name in WATCHED}
            await read_right(one, told)


HTTP_ROWS: Final[dict[str, tuple[str, dict[str, str], dict[str, str]]]] = {
    "classic, CallerId a name": (
        "classic",
        {"CallState": "Hold", "CallId": "call-02", "Source": "+36201110006", "CallerId": "Anna 08"}
        | {"Destination": "2007", "StartTime": "2026-11-23T10:00:00+01:00", "RingDuration": "3", "TalkDuration": "60"},
        {"sessionId": "call-02", "sessionState": "OnHold", "startTime": "2026-11-23T10:00:00+01:00"}
        | {"talkDuration": "60", "caller": "+36201110006", "callerDisplayName": "Anna 08", "callee": "2007"}
        | {"source": "+36201110006", "destination": "2007"},
    ),
    "ozeki10, all numbers": (
        "ozeki10",
        {"CallId": "call-02", "Source": "1012", "CallerId": "+36201110006", "Destination": "2014"}
        | {"CallerDialed": "+36201110016", "CalleeDialed": "2007", "StartTime": "2026-11-23T10:00:00+01:00"}
        | {"RingDuration": "3.1", "TalkDuration": "60", "CallState": "Hold"},
        {"sessionId": "call-02", "sessionState": "OnHold", "startTime": "2026-11-23T10:00:00+01:00"}
        | {"talkDuration": "60", "caller": "+36201110006", "callee": "2014", "source": "1012", "destination": "2014"}
        | {"dialedNumber": "+36201110016"},
    ),
    "ozeki10, Destination no number": (
        "ozeki10",
        {"CallId": "call-02", "Source": "OutsideLine12", "CallerId": "+36201110006", "Destination": "Desk14"}
        | {"CallerDialed": "+36201110016", "StartTime": "2026-11-23T10:00:00+01:00", "CallState": "Hold"},
        {"sessionId": "call-02", "sessionState": "OnHold", "startTime": "2026-11-23T10:00:00+01:00"}
        | {"caller": "+36201110006", "callee": "+36201110016", "source": "OutsideLine12", "destination": "Desk14"}
        | {"dialedNumber": "+36201110016"},
    ),
}
"""The generation, a row of its list of calls, and the session that it tells of: what HTTP lacks is not there."""


@pytest.mark.parametrize("name", HTTP_ROWS)
async def test_the_daemon_reads_each_as_itself_from_the_http_api(tmp_path: Path, name: str) -> None:
    generation, cells, session = HTTP_ROWS[name]
    rows: list[dict[str, str]] = []

    def answer(_: bytes) -> bytes:
        listed = "".join(
            f"<CallInfo>{''.join(f'<{key}>{value}</{key}>' for key, value in each.items())}</CallInfo>" for each in rows
        )
        return xml(f"<Response><Code>200</Code><ActiveCalls>{listed}</ActiveCalls></Response>".encode())

    watched = [each for each in session if each in WATCHED]
    conditions = {each: f'"{text}"' for each, text in session.items()} | {"sessionState": "OnHold"}
    async with canned(answer) as server:
        connection = {"name": "lab", "type": "ozeki-http", "server": "127.0.0.1", "port": server.port}
        login = {"generation": generation, "username": "any", "password": {"env": "LAB_TOKEN"}}
        rules = seventeen.rules("{state: OnHold}", *watched, conditions=conditions)
        configure(tmp_path, connection | login, rules)
        async with daemon(tmp_path) as one:
            await one.ready()
            rows.append(cells | {"CallState": "Ringing"})
            asked = len(server.requests)
            await until(lambda: len(server.requests) > asked + 1)
            rows[0] = cells
            await read_right(one, session)
