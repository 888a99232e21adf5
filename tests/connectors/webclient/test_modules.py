"""The page's modules in a real browser, one at a time: what they make of each form in which a script may speak."""

import pytest

from tests.connectors.webclient.modules import Evaluate


@pytest.mark.parametrize(
    ("given", "id", "state"),
    [
        ("[s, 'InCall']", "s1", "InCall"),
        ("['InCall', s]", "s1", "InCall"),
        ("['InCall']", None, "InCall"),
        ("[s]", "s1", None),
        ("[{ State: 'InCall', Session: s }]", "s1", "InCall"),
        ("[{ state: 'InCall', session: s }]", "s1", "InCall"),
        ("[s, { State: 'InCall' }]", "s1", "InCall"),
        ("[new (class { get State() { return 'InCall'; } get Session() { return s; } })]", "s1", "InCall"),
        ("[{ State: 'InCall' }, s]", "s1", "InCall"),
        ("[{ State: 'InCall', SessionId: 's9' }]", "s9", "InCall"),
        ("[t, 'HOLD']", "7", "HOLD"),
        ("['OK', 'Busy', s]", "s1", "Busy"),
        ("[s, { name: 'InCall', ordinal: 4 }]", "s1", "InCall"),
        ("[s, { toString: () => 'InCall' }]", "s1", "InCall"),
        ("[s, 4]", "s1", None),
        ("[{ sessionId: 's3', sessionState: 'InCall' }, 'Busy']", "s3", "InCall"),
        ("[Object.freeze(s), Symbol('InCall')]", "s1", "InCall"),
        ("['s1', s]", "s1", None),
        ("[7, t, 'Busy']", "7", "Busy"),
        ("[]", None, None),
        ("[null, undefined, '']", None, None),
    ],
)
def test_arguments_are_known_by_what_they_are(
    evaluate: Evaluate, given: str, id: str | None, state: str | None
) -> None:
    read = evaluate(f"const {{ id, state }} = m.argumentsOf({given}); return {{ id, state }};")
    assert (read.get("id"), read.get("state")) == (id, state)


def test_an_object_without_methods_is_no_session(evaluate: Evaluate) -> None:
    assert evaluate("return m.isSession({ sessionId: 's1', sessionState: 'Ringing' });") is False
    assert evaluate("return m.isSession({ hold() {} });") is False
    assert evaluate("return m.isSession(s) && m.isSession(t);") is True


@pytest.mark.parametrize(
    "properties",
    [
        "({ sessionId: 's1', caller: 2001, sessionState: 'Ringing' })",
        "({ Id: 's1', Caller: '2001', State: 'Ringing' })",
        "new (class { get sessionId() { return 's1'; } get caller() { return 2001n; }"
        " get sessionState() { return 'Ringing'; } get callee() { throw 1; } })",
        "Object.create({ session_id: 's1', CALLER: '2001', session_state: 'Ringing' })",
        "new Proxy({ sessionId: 's1', caller: '2001', sessionState: 'Ringing' }, { ownKeys() { throw 1; } })",
        "Object.freeze({ sessionId: 's1', id: 'another', caller: '2001', sessionState: 'Ringing' })",
    ],
)
def test_properties_are_read_however_they_are_kept(evaluate: Evaluate, properties: str) -> None:
    read = evaluate(f"return m.propertiesOf({properties});")
    assert (read["sessionId"], read["caller"], read["sessionState"]) == ("s1", "2001", "Ringing")


def test_a_long_text_is_cut_between_characters(evaluate: Evaluate) -> None:
    cut = evaluate("return m.propertiesOf({ callerDisplayName: '\\u{1F600}'.repeat(2000) }).callerDisplayName;")
    assert cut == "\U0001f600" * 1024
    assert evaluate("return m.propertiesOf({ callerDisplayName: 'a\\uD83D' }).callerDisplayName;") == "a\ufffd"


@pytest.mark.parametrize(
    "answer",
    [
        "{ a: s, b: t }",
        "[s, t]",
        "new Map([['s1', s], ['7', t]])",
        "new Set([s, t])",
        "[s, t].values()",
        "({ at: 0, next() { return this.at < 2 ? { value: [s, t][this.at++] } : { done: true }; } })",
        "({ length: 2, 0: s, 1: t })",
        "({ Sessions: { s1: s, 7: t } })",
        "Object.create({ s1: s, 7: t })",
        "Promise.resolve([s, t])",
    ],
)
def test_a_list_is_read_in_whatever_form_it_comes(evaluate: Evaluate, answer: str) -> None:
    named = evaluate(
        "globalThis.OzWebClient = { helper: { getActiveSessionsBySessionState: (state) =>"
        f" state === 'RINGING' ? {answer} : {{}} }} }};"
        "const { named, failed } = await new m.Helper(() => {}).ask(); return [[...named.keys()].sort(), failed];"
    )
    assert named == [["7", "s1"], False]


@pytest.mark.parametrize("asked", ["'INCALL'", "'InCall'", "CallState.IN_CALL", "'IN_CALL'"])
def test_each_spelling_of_a_state_is_asked_for(evaluate: Evaluate, asked: str) -> None:
    named = evaluate(
        "globalThis.CallState = { IN_CALL: Object('talking') };"
        "globalThis.OzWebClient = { helper: { getActiveSessionsBySessionState(state) {"
        f" if (state !== {asked}) throw new Error('no such state'); return [s]; }} }} }};"
        "const { named } = await new m.Helper(() => {}).ask(); delete globalThis.CallState;"
        "return [...named].map(([id, { states }]) => [id, ...states]);"
    )
    assert named == [["s1", "InCall"]]


@pytest.mark.parametrize(
    "answer",
    ["'nothing'", "{ a: { b: { c: 1 } } }", "[{ sessionId: 's1' }]", "[s, { sessionId: 's2' }]", "['s1', 's2']", "[7]"],
)
def test_an_answer_in_which_no_session_can_be_read_is_no_list(evaluate: Evaluate, answer: str) -> None:
    failed = evaluate(
        f"globalThis.OzWebClient = {{ helper: {{ getActiveSessionsBySessionState: () => ({answer}) }} }};"
        "return (await new m.Helper(() => {}).ask()).failed;"
    )
    assert failed is True


@pytest.mark.parametrize("answer", ["{}", "[]", "null", "undefined", "new Map()", "({ length: 0 })", "false"])
def test_an_empty_answer_is_a_list(evaluate: Evaluate, answer: str) -> None:
    failed = evaluate(
        f"globalThis.OzWebClient = {{ helper: {{ getActiveSessionsBySessionState: () => ({answer}) }} }};"
        "return (await new m.Helper(() => {}).ask()).failed;"
    )
    assert failed is False


@pytest.mark.parametrize(
    ("readings", "believed"),
    [
        ("[[0, '00:00:05'], [1.1, '00:00:06']]", True),
        ("[[0, '00:00:05.5'], [3, '00:00:08.4']]", True),
        ("[[0, 5], [3, 8]]", True),
        ("[[0, 'PT5S'], [3, 'PT8S']]", True),
        ("[[0, '00:00:00']]", False),
        ("[[0, '00:00:00'], [60, '00:00:00']]", False),
        ("[[0, '00:07:00'], [3, '00:07:00']]", False),
        ("[[0, '00:00:05'], [3, '00:05:00']]", False),
        ("[[0, '10:00:00 AM'], [3, '10:00:03 AM']]", False),
        ("[[0, '00:00:05'], [3, '00:00:08'], [6, '00:00:08']]", False),
        ("[[0, '00:00:05'], [0.2, '00:00:06']]", False),
    ],
)
def test_a_duration_is_believed_where_it_was_seen_to_go_on(evaluate: Evaluate, readings: str, believed: bool) -> None:
    told = evaluate(
        f"const d = new m.Durations(); let told; for (const [at, stateDuration] of {readings}) {{"
        " const properties = { sessionState: 'InCall', stateDuration: String(stateDuration) };"
        " d.read(properties, at); told = d.believed(properties); } return told;"
    )
    assert ("stateDuration" in told) == believed


def test_another_state_is_another_duration(evaluate: Evaluate) -> None:
    told = evaluate(
        "const d = new m.Durations();"
        "d.read({ sessionState: 'Ringing', stateDuration: '5' }, 0);"
        "d.read({ sessionState: 'InCall', stateDuration: '8' }, 3);"
        "return d.believed({ stateDuration: '8' });"
    )
    assert told == {}


@pytest.mark.parametrize(
    ("hold", "kind", "words"),
    [
        ("() => { throw new Error('no privilege'); }", "denied", "no privilege"),
        ("() => { throw 'not allowed'; }", "denied", "not allowed"),
        ("() => { throw 403; }", "denied", "403"),
        ("() => false", "denied", "false"),
        ("() => Promise.resolve(false)", "denied", "false"),
        ("() => Promise.reject(new Error('wrong state'))", "invalid", "wrong state"),
        ("() => ({ Success: false, Message: 'denied' })", "denied", "Message: denied"),
        ("() => new Error('permission')", "denied", "permission"),
        ("() => { setTimeout(() => commands.refusedBy(['denied'])); }", "denied", "denied"),
        ("() => { setTimeout(() => commands.refusedBy([new Error('denied')])); }", "denied", "denied"),
        ("() => { setTimeout(() => commands.refusedBy([401, 'who are you'])); }", "denied", "401"),
        (
            "() => { setTimeout(() => commands.refusedBy([{ Type: 'X', Message: 'forbidden' }])); }",
            "denied",
            "forbidden",
        ),
        ("() => undefined", None, ""),
        ("() => true", None, ""),
        ("() => 0", None, ""),
        ("() => Promise.resolve()", None, ""),
        ("() => ({ Success: true })", None, ""),
    ],
)
def test_a_refusal_is_heard_in_whatever_form_it_comes(
    evaluate: Evaluate, hold: str, kind: str | None, words: str
) -> None:
    refusal = evaluate(
        "const commands = new m.Commands();"
        f"const refused = commands.call('s1', {{ hold: {hold} }}, 'hold', {{ sessionId: 's1' }});"
        "return refused.then(() => [null, ''], (error) => [error.kind, error.message]);"
    )
    assert refusal[0] == kind
    assert words in refusal[1]


def test_a_party_is_given_back_as_the_session_has_it(evaluate: Evaluate) -> None:
    args = evaluate(
        "let seen; const session = { callee: 2001, caller: '+36', sendDtmf: (...args) => { seen = args; } };"
        "await new m.Commands().call('s1', session, 'sendDtmf', { sessionId: 's1', key: '1', phoneNumber: '2001' });"
        "return seen;"
    )
    assert args == ["1", 2001]


def test_a_number_is_a_state_once_the_constants_or_the_helper_say_which(evaluate: Evaluate) -> None:
    assert evaluate("return [m.stateFrom(4) ?? null, m.stateFrom('4') ?? null];") == [None, None]
    by_constant = evaluate(
        "globalThis.CallState = { RINGING: 3, INCALL: 4 }; const read = [m.stateFrom(4), m.stateFrom('3')];"
        "delete globalThis.CallState; return read;"
    )
    assert by_constant == ["INCALL", "RINGING"]
    assert evaluate("m.learn(44, 'OnHold'); return [m.stateFrom(44), m.stateFrom('44')];") == ["OnHold", "OnHold"]
