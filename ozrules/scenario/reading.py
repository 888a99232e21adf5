"""The grammar of test files, from nodes to `scenario.model`.

What is checked here is what can be said without the rules: that everything names something, and that a test says
something. Whether it names a rule that exists is said by `scenario.vacuity`.
"""

from datetime import datetime
from typing import Final, Literal, TypeAlias, assert_never, get_args

from ozrules.engine.effects import OutcomeName, Reason
from ozrules.engine.events import RefusalKind
from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import MapNode, Node, Source, parse
from ozrules.rules.fields import DESCRIPTIONS
from ozrules.rules.model import Routing
from ozrules.rules.quoting import shown
from ozrules.rules.reading.values import STATES
from ozrules.rules.scalars import Choice, Duration, Text, Version
from ozrules.rules.shape import (
    INVALID,
    At,
    Converted,
    Invalid,
    Key,
    ListOf,
    Located,
    OneOrMany,
    Pairs,
    Record,
    Schema,
    Values,
    document_schema,
)
from ozrules.scenario.model import (
    ActionName,
    Answer,
    Asked,
    Daemon,
    Entry,
    Expectation,
    Happens,
    Never,
    Participant,
    Scenario,
    ScenarioFile,
    Scripted,
    Spot,
    Switch,
    WhyNot,
)
from ozrules.session.methods import OPERATIONS, Operation
from ozrules.session.session import PROPERTIES
from ozrules.session.state import State

CONNECTION: Final = "test"
ACTIONS: Final[tuple[ActionName, ...]] = (*OPERATIONS, "hunt", "webhook", "log")
OUTCOMES: Final[tuple[OutcomeName, ...]] = get_args(OutcomeName)
ANSWERS: Final[tuple[Answer, ...]] = (*OUTCOMES, *(kind for kind in get_args(RefusalKind) if kind not in OUTCOMES))
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
Position: TypeAlias = Literal["open", "closed", "off"]
VALUES: Final = (*(name for name in PROPERTIES if name not in ("sessionId", "sessionState")), "direction")

_TEXT: Final = Text("a value")


def _spot(node: Node) -> Spot:
    return Spot(node.place, node.length)


def _one_state(states: frozenset[State], node: Node, findings: Findings) -> State | Invalid:
    if len(states) != 1:
        findings.error("bad-state", node, "A session is in one state at a time, so one state belongs here.")
        return INVALID
    return next(iter(states))


def _moment(text: str, node: Node, findings: Findings) -> float | Invalid:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        findings.error(
            "bad-time",
            node,
            f"{shown(text)} is no moment with its distance from UTC.",
            suggestion="Write it like 2026-11-23T10:00:00+01:00.",
        )
        return INVALID
    return moment.timestamp()


_AT: Final = Key("at", Located(Duration()), help="How long after the start.")
_SESSION: Final = Key("session", Located(Text("the sessionId of a session")), help="Which session, by its sessionId.")
_STATE: Final = Key("state", Converted(STATES, _one_state, "a state such as Ringing"), help="The state that it enters.")
_RULE: Final = Key("rule", Located(Text("the id of a rule")), help="Which rule, by its id.")
_VALUE_KEYS: Final = tuple(Key(name, _TEXT, help=DESCRIPTIONS[name]) for name in VALUES)
_SESSION_ID: Final = Key("sessionId", Text("the id of a session"), required=True)
_CONNECTION: Final = Key("connection", Text("the name of a connection"))


def _values(values: Values) -> dict[str, str]:
    return {key.name: values[key] for key in _VALUE_KEYS if key in values}


def _participant(values: Values) -> Participant:
    return Participant(
        values[_SESSION_ID], values.get(_CONNECTION, CONNECTION), _values(values), _spot(values.at(_SESSION_ID))
    )


_PARTICIPANT: Final = Record(
    "a session such as {sessionId: s1}", (_SESSION_ID, _CONNECTION, *_VALUE_KEYS), _participant
)

# --- the timeline ---------------------------------------------------------------------------------------------------

_ACTION: Final[Key[Operation]] = Key("action", Choice[Operation]("action", OPERATIONS), required=True)
_OUTCOME: Final[Key[Answer]] = Key("outcome", Choice[Answer]("outcome", ANSWERS), required=True)
_RESULT: Final = Key(
    "result",
    Record("a result such as {action: forward, outcome: rejected}", (_ACTION, _OUTCOME), lambda values: values),
    help="What the phone system answers to the next such action.",
)
_ROUTING: Final[Key[Routing]] = Key(
    "routing", Choice[Routing]("routing event", get_args(Routing)), help="The phone system asks where the call goes."
)
_DAEMON: Final = Key(
    "daemon", Choice("state of the daemon", ("down", "up")), help="Stops ozrules as by a power cut, or starts it again."
)
_POSITION: Final[Choice[Position]] = Choice("position", ("open", "closed", "off"))
_OVERRIDE: Final = Key(
    "override",
    Pairs("schedules, each with open, closed or off", _POSITION),
    help="An admin switches schedules by hand, or gives them back to their hours.",
)


def _entry(values: Values) -> tuple[Entry | Scripted, ...] | Invalid:
    at = values[_AT_REQUIRED]
    spot = _spot(values.node)
    session = values.get(_SESSION)
    found: list[Entry | Scripted] = []
    changes = _STATE in values or (bool(_values(values)) and _ROUTING not in values)
    if (changes or _ROUTING in values) and session is None:
        values.findings.error("missing-key", values.node, "The key session is missing here: whose state is it?")
        return INVALID
    if session is not None and changes:
        found.append(Happens(at, session.value, values.get(_STATE), _values(values), _spot(session.node)))
    if session is not None and _ROUTING in values:
        found.append(Asked(at, session.value, values[_ROUTING], _values(values), _spot(session.node)))
    if _DAEMON in values:
        found.append(Daemon(at, values[_DAEMON] == "up", spot))
    for schedule, position in values.get(_OVERRIDE, ()):
        opens = None if position == "off" else position == "open"
        found.append(Switch(at, schedule.text, opens, _spot(schedule)))
    if _RESULT in values:
        result = values[_RESULT]
        found.append(
            Scripted(
                at,
                result[_ACTION],
                result[_OUTCOME],
                None if session is None else session.value,
                changes,
                _spot(values.at(_RESULT)),
            )
        )
    if not found:
        values.findings.error(
            "empty-entry",
            values.node,
            "Nothing happens here.",
            suggestion="Give a state, routing, a daemon, an override or a result.",
        )
        return INVALID
    return tuple(found)


_AT_REQUIRED: Final = Key("at", Duration(), required=True, help="How long after the start.")
_ENTRY: Final = Record(
    "an entry such as {at: 0s, session: s1, state: Ringing}",
    (_AT_REQUIRED, _SESSION, _STATE, _ROUTING, _DAEMON, _OVERRIDE, _RESULT, *_VALUE_KEYS),
    _entry,
)

# --- what must come of it -------------------------------------------------------------------------------------------

_ACTION_NAME: Final = Choice[ActionName]("action", ACTIONS, "unknown-action")
_EXPECTED_ACTION: Final[Key[ActionName]] = Key("action", _ACTION_NAME, required=True)
_TO: Final = Key("to", Text("a number, an address, or caller, callee or all"))
_MOVE: Final = Key("move", Choice("party", ("caller", "callee")))
_KEYS: Final = Key("keys", Text("keys"))
_SAID: Final = Key("text", Text("what is spoken or written"))
_LATE_BY: Final = Key("lateBy", Duration(), help="How late the timer was.")
_EXPECTED_OUTCOME: Final[Key[OutcomeName]] = Key("outcome", Choice[OutcomeName]("outcome", OUTCOMES))


def _expectation(values: Values) -> Expectation:
    at, rule, session = values.get(_AT), values.get(_RULE), values.get(_SESSION)
    return Expectation(
        action=values[_EXPECTED_ACTION],
        at=None if at is None else at.value,
        rule=None if rule is None else rule.value,
        session=None if session is None else session.value,
        to=values.get(_TO),
        move=values.get(_MOVE),
        keys=values.get(_KEYS),
        text=values.get(_SAID),
        late_by=values.get(_LATE_BY),
        outcome=values.get(_EXPECTED_OUTCOME),
        spot=_spot(values.node),
    )


_EXPECTATION: Final = Record(
    "an action such as {at: 20s, rule: NAME, action: forward, to: 2010}",
    (_AT, _RULE, _EXPECTED_ACTION, _SESSION, _TO, _MOVE, _KEYS, _SAID, _LATE_BY, _EXPECTED_OUTCOME),
    _expectation,
)
_WHY_RULE: Final = Key("rule", Text("the id of a rule"), required=True)
_REASON: Final[Key[Reason]] = Key("reason", Choice[Reason]("reason", REASONS), required=True)


def _why_not(values: Values) -> WhyNot:
    session = values.get(_SESSION)
    return WhyNot(
        values[_WHY_RULE], values[_REASON], None if session is None else session.value, _spot(values.at(_WHY_RULE))
    )


_WHY_NOT: Final = Record("{rule: NAME, reason: REASON}", (_WHY_RULE, _REASON, _SESSION), _why_not)

# --- a test, a file -------------------------------------------------------------------------------------------------

_NAME: Final = Key("name", Located(Text("what the test shows")), required=True)
_START: Final = Key("start", Converted(Text("a moment such as 2026-11-23T10:00:00+01:00"), _moment), required=True)
_SESSIONS: Final = Key("sessions", ListOf(_PARTICIPANT), help="The sessions before anything happens.")
_TIMELINE: Final = Key("timeline", ListOf(_ENTRY), help="What happens, in order.")
_EXPECT: Final = Key("expect", ListOf(_EXPECTATION), help="Every action that rules carry out; [] for none.")
_NEVER: Final[Key[tuple[At[ActionName], ...]]] = Key(
    "never", ListOf(Located(_ACTION_NAME), least=1), help="Actions that no rule may carry out."
)
_WHY: Final = Key("whyNot", OneOrMany(_WHY_NOT), help="Why a rule did not act.")
_UNTIL: Final = Key("until", Duration(), help="How long the test goes on at least.")


def _scenario(values: Values) -> Scenario:
    name = values[_NAME]
    entries = tuple(each for entry in values.get(_TIMELINE, ()) for each in entry)
    return Scenario(
        name=name.value,
        start=values[_START],
        sessions=values.get(_SESSIONS, ()),
        timeline=tuple(each for each in entries if not isinstance(each, Scripted)),
        script=tuple(each for each in entries if isinstance(each, Scripted)),
        expect=values.get(_EXPECT),
        never=tuple(_never(each) for each in values.get(_NEVER, ())),
        why_not=values.get(_WHY, ()),
        until=values.get(_UNTIL, 0.0),
        spot=_spot(name.node),
    )


def _never(action: At[ActionName]) -> Never:
    return Never(action.value, _spot(action.node))


_SCENARIO: Final = Record("a test", (_NAME, _START, _SESSIONS, _TIMELINE, _EXPECT, _NEVER, _WHY, _UNTIL), _scenario)
_VERSION: Final = Key("ozrulesTest", Version(), required=True, help="The version of this format.")
_RULES: Final = Key("rules", ListOf(Text("a rule file"), least=1), required=True, help="Paths from this file.")
_TESTS: Final = Key("tests", ListOf(_SCENARIO, least=1), required=True, help="The tests, each from a fresh start.")
TEST_FILE: Final = Record(
    "a test file",
    (_VERSION, _RULES, _TESTS),
    lambda values: ScenarioFile(name=values.place.file, rules=values[_RULES], scenarios=values[_TESTS]),
)
"""The shape of a whole test file."""


def schema() -> Schema:
    """The JSON Schema of a test file."""
    session = {"sessionId": "s1", "caller": "+36201234567", "callee": "2001", "direction": "inbound"}
    expected = {"at": "20s", "rule": "sales-no-answer", "action": "forward", "to": "2010", "session": "s1"}
    example = {
        "name": "rings out, then goes to the desk",
        "start": "2026-11-23T10:00:00+01:00",
        "sessions": [session],
        "timeline": [{"at": "0s", "session": "s1", "state": "Ringing"}],
        "expect": [expected],
        "never": ["hangup"],
    }
    return document_schema(
        TEST_FILE, "ozrules tests", {"ozrulesTest": 1, "rules": ["office.rules.yaml"], "tests": [example]}
    )


def read(source: Source) -> ScenarioFile:
    """The tests in ``source``. Raises DocumentInvalid with every finding."""
    findings = Findings()
    node = parse(source, findings)
    if isinstance(node, MapNode) and node.get("ozrulesTest") is None and node.get("ozrules") is not None:
        findings.error(
            "wrong-type",
            node,
            "A file of rule tests (it begins with ozrulesTest: 1) belongs here, not a rule file or a configuration.",
            suggestion="Name it under rules: in a file of tests.",
        )
        findings.raise_errors()
    file = INVALID if node is None else TEST_FILE.read(node, findings)
    if file is not INVALID:
        for scenario in file.scenarios:
            _check(scenario, findings)
    findings.raise_errors()
    assert file is not INVALID, "what is invalid has an error"
    return file


def _check(scenario: Scenario, findings: Findings) -> None:
    """What makes a test pass whatever the rules do, or say other than it looks."""
    names = tuple(each.session for each in scenario.sessions)
    happening = [each for each in scenario.timeline if isinstance(each, Happens | Asked)]
    for number, participant in enumerate(scenario.sessions):
        if participant.session in names[:number]:
            _error(findings, "duplicate-name", participant.spot, f"There are two sessions {participant.session}.")
        if all(change.session != participant.session for change in happening):
            _vacuous(findings, participant.spot, f"Nothing happens to the session {participant.session}.")
    naming: list[Happens | Asked | Scripted | Expectation | WhyNot] = [*happening, *scenario.script, *scenario.why_not]
    naming += scenario.expect or ()
    for each in naming:
        if each.session is not None and each.session not in names:
            _error(findings, "unknown-session", each.spot, f"There is no session {shown(each.session)} under sessions.")
    began: set[str] = set()
    latest, up = 0.0, True
    for entry in scenario.timeline:
        if entry.at < latest:
            _error(findings, "out-of-order", entry.spot, "This entry is earlier than the one before it.")
        latest = max(latest, entry.at)
        match entry:
            case Happens(session=session, state=state):
                if state is None and session not in began:
                    _error(findings, "missing-key", entry.spot, f"The first entry of {session} must give a state.")
                began.add(session)
            case Asked():
                pass  # a call is asked about before there is a session, and while there is one
            case Daemon():
                if entry.up == up:
                    _error(findings, "bad-entry", entry.spot, f"The daemon is {'up' if up else 'down'} already.")
                up = entry.up
            case Switch():
                pass
            case _:
                assert_never(entry)
    if scenario.expect is None and not scenario.never and not scenario.why_not:
        _vacuous(findings, scenario.spot, "This test asks for nothing: it needs expect, never or whyNot.")
    if not scenario.timeline and not scenario.until:
        _vacuous(findings, scenario.spot, "Nothing happens in this test: it needs a timeline, or until.")


def _vacuous(findings: Findings, spot: Spot, message: str) -> None:
    _error(findings, "vacuous-test", spot, message)


def _error(findings: Findings, code: str, spot: Spot, message: str) -> None:
    findings.error(code, spot, message)
