"""The page's `Phone` in a real browser, in virtual time: a phone system that speaks late, twice, or oddly."""

from typing import Any

import pytest

from tests.connectors.webclient.modules import Evaluate

STAGE = """
const tick = setTimeout.bind(globalThis), genuine = [setTimeout, clearTimeout];
let now = 0, timers = [];
globalThis.setTimeout = (done, after = 0) => { const one = { done, at: now + after }; timers.push(one); return one; };
globalThis.clearTimeout = (one) => { timers = timers.filter((each) => each !== one); };
performance.now = () => now;
const pass = async (milliseconds) => {
  const end = now + milliseconds;
  for (;;) {
    await new Promise((done) => tick(done, 0));
    const next = timers.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0];
    if (next === undefined) break;
    clearTimeout(next);
    now = Math.max(now, next.at);
    next.done();
  }
  now = end;
};
const says = {}, told = [], gaps = [], lists = [], live = new Map();
globalThis.OzWebClient = {
  connect() { says.onConnectionStateChanged({ State: "ACCESS_GRANTED" }); },
  helper: {
    getActiveSessionsBySessionState: (state) => [...live.values()].filter((each) => each.sessionState === state),
    getActiveSessionById: (id) => live.get(id) ?? null,
  },
};
for (const event of ["onConnectionStateChanged", "onSessionCreated", "onSessionClosed", "onErrorOccured"])
  OzWebClient[event] = (callback) => { says[event] = callback; };
const session = (sessionId, sessionState, startTime = "2026-11-30T10:00:00Z") =>
  new Session({ sessionId, sessionState, startTime });
const phone = new m.Phone({
  connection() {}, problem() {}, found() {},
  session: (event, { sessionId, sessionState }) => told.push([event, sessionId, sessionState]),
  gap: (why) => gaps.push(why),
});
const connect = (before) => {
  phone.connect({ server: "pbx", token: "t" });
  m.settle(phone, before, () => false, (complete) => lists.push({ at: now, complete, ids: phone.ids.sort().join() }));
};
"""


def _played(evaluate: Evaluate, scene: str) -> Any:
    """What a scene gives back, played to the page's Phone in virtual time by a phone system of its own."""
    again = "[globalThis.setTimeout, globalThis.clearTimeout] = genuine; delete performance.now;"
    return evaluate(f"{STAGE} try {{ {scene} }} finally {{ {again} delete globalThis.OzWebClient; }}")


def test_a_list_that_fills_late_closes_nothing_before_it_is_full(evaluate: Evaluate) -> None:
    lists = _played(
        evaluate,
        "connect(['a', 'b']); await pass(4000); live.set('a', session('a', 'InCall')); await pass(5000);"
        "live.set('b', session('b', 'InCall')); await pass(30000); return lists;",
    )
    assert [each["ids"] for each in lists if each["complete"]] == ["a,b"]
    assert {each["ids"] for each in lists if not each["complete"]} == {"", "a", "a,b"}


def test_a_list_that_fills_late_is_asked_again_before_a_timer_is_too_late(evaluate: Evaluate) -> None:
    lists = _played(
        evaluate, "connect(); await pass(4000); live.set('a', session('a', 'InCall')); await pass(3000); return lists;"
    )
    assert "a" in [each["ids"] for each in lists]


def test_what_a_list_no_longer_shows_is_closed_when_it_has_stayed_the_same(evaluate: Evaluate) -> None:
    lists = _played(
        evaluate, "live.set('a', session('a', 'InCall')); connect(['a', 'b']); await pass(30000); return lists;"
    )
    assert [each["ids"] for each in lists if each["complete"]] == ["a"]
    assert all(each["at"] >= 10000 for each in lists if each["complete"])


def test_what_is_announced_at_the_connect_is_found_and_what_comes_later_begins(evaluate: Evaluate) -> None:
    told, lists = _played(
        evaluate,
        "connect(); says.onSessionCreated(session('a', 'InCall')); await pass(500);"
        "says.onSessionCreated(session('b', 'Ringing')); await pass(4000);"
        "says.onSessionCreated(session('c', 'Ringing')); return [told, lists];",
    )
    assert told == [["session.created", "c", "Ringing"]]
    assert lists[0]["ids"] == "a,b"


@pytest.mark.parametrize(
    "said",
    ["onSessionCreated('new')", "onSessionCreated({ State: 'Ringing' })", "onSessionClosed()", "onSessionClosed({})"],
)
def test_what_cannot_be_read_is_a_gap(evaluate: Evaluate, said: str) -> None:
    gaps = _played(evaluate, f"connect(); await pass(4000); says.{said}; return gaps;")
    assert len(gaps) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2026-11-30T10:00:00Z", "2026-11-30T10:00:03Z"),
        ("2026-11-30 10:00:05", "2026-11-30 10:00:02"),
        ("/Date(1796067053000)/", "/Date(1796067055500)/"),
        ("1796067053", "1796067051"),
    ],
)
def test_a_start_that_is_reckoned_anew_is_the_same_call(evaluate: Evaluate, before: str, after: str) -> None:
    told = _played(
        evaluate,
        f"connect(); await pass(4000); says.onSessionCreated(session('a', 'Ringing', {before!r}));"
        f"says.onSessionCreated(session('a', 'Ringing', {after!r}));"
        f"says.onSessionClosed(session('a', 'Busy', {after!r})); live.set('a', session('a', 'Ringing', {before!r}));"
        "await phone.ask(); return [told.map(([event]) => event), phone.ids];",
    )
    assert told[0].count("session.created") == 1
    assert told[1] == []


def test_a_start_that_is_another_is_another_call(evaluate: Evaluate) -> None:
    told = _played(
        evaluate,
        "connect(); await pass(4000); says.onSessionCreated(session('a', 'Ringing', '2026-11-30T10:00:00Z'));"
        "says.onSessionCreated(session('a', 'Ringing', '2026-11-30T10:00:09Z')); return told.map(([event]) => event);",
    )
    assert told == ["session.created", "session.created"]
