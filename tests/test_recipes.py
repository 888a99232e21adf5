"""The recipes of docs/rules.md do what they say, each played alone, as `ozrules test` would play it."""

import re
from pathlib import Path

import pytest

from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.scenario.reading import read
from ozrules.scenario.suite import play_all

PAGE = (Path(__file__).parent.parent / "docs" / "rules.md").read_text(encoding="utf-8")
TESTS = {
    "A for 20 s, then B for 30 s, then C": """
  - name: chain
    start: 2026-11-23T10:00:00+01:00
    sessions:
      - {sessionId: s1, masterSessionId: m, caller: "+36201234567", callee: 2023, direction: inbound}
      - {sessionId: s2, masterSessionId: m, caller: "+36201234567", callee: 2024, direction: inbound}
      - {sessionId: s3, masterSessionId: m, caller: "+36201234567", callee: 2025, direction: inbound}
    timeline:
      - {at: 0s, session: s1, state: Ringing}
      - {at: 20s, session: s1, result: {action: forward, outcome: confirmed}}
      - {at: 21s, session: s2, state: Ringing}
      - {at: 51s, session: s2, result: {action: forward, outcome: confirmed}}
      - {at: 52s, session: s3, state: Ringing}
      - {at: 60s, session: s3, state: Cancelled}
    expect:
      - {at: 20s, rule: first-a, action: forward, to: 2024}
      - {at: 51s, rule: then-b, action: forward, to: 2025}
  - name: b dialled directly
    start: 2026-11-23T10:00:00+01:00
    sessions:
      - {sessionId: s2, caller: 2001, callee: 2024, direction: internal}
    timeline:
      - {at: 0s, session: s2, state: Ringing}
      - {at: 40s, session: s2, state: Cancelled}
    expect: []
""",
    "Busy, or not at the desk": """
  - name: busy
    start: 2026-11-23T10:00:00+01:00
    sessions:
      - {sessionId: s1, caller: 2001, callee: 2011, direction: internal}
      - {sessionId: s2, caller: 2002, callee: 2011, direction: internal}
    timeline:
      - {at: 0s, session: s1, state: Ringing}
      - {at: 4s, session: s1, state: InCall}
      - {at: 10s, session: s2, state: Ringing}
      - {at: 11s, session: s2, state: Redirected}
      - {at: 12s, session: s1, state: CallerHungUp}
    expect:
      - {at: 10s, rule: talking-already, action: forward, to: 2012, session: s2}
""",
    "Warn, then hang up": """
  - name: credit
    start: 2026-11-23T10:00:00+01:00
    sessions: [{sessionId: s1, caller: 2061, callee: "+36301234567", direction: outbound}]
    timeline:
      - {at: 0s, session: s1, state: Ringing}
      - {at: 4s, session: s1, state: InCall}
      - {at: 11m, session: s1, state: CallerHungUp}
    expect:
      - {at: 544s, rule: credit-ends, action: speak}
      - {at: 604s, rule: credit-ends, action: hangup}
""",
    "Announce and record": """
  - name: record
    start: 2026-11-23T10:00:00+01:00
    sessions: [{sessionId: s1, caller: "+36301234567", callee: 2014, direction: inbound}]
    timeline:
      - {at: 0s, session: s1, state: Ringing}
      - {at: 4s, session: s1, state: InCall}
      - {at: 50s, session: s1, state: CalleeHungUp}
    expect:
      - {at: 4s, rule: announce-and-record, action: speak}
      - {at: 4s, rule: announce-and-record, action: record}
""",
    "Too many calls, or long ones": """
  - name: a long talk
    start: 2026-11-23T10:00:00+01:00
    sessions:
      - {sessionId: s1, caller: 2001, callee: 2002, direction: internal}
      - {sessionId: s2, caller: 2003, callee: 2004, direction: internal}
    timeline:
      - {at: 0s, session: s1, state: InCall}
      - {at: 0s, session: s2, state: InCall}
      - {at: 60s, session: s2, state: CallerHungUp}
      - {at: 61s, session: s1, state: CalleeHungUp}
    expect:
      - {at: 61s, rule: talked-over-a-minute, action: webhook, session: s1}
""",
    "Call back who gave up": """
  - name: twice
    start: 2026-11-23T10:00:00+01:00
    sessions:
      - {sessionId: s1, caller: "+36201234567", callee: 2000, direction: inbound}
      - {sessionId: s2, caller: "+36201234567", callee: 2000, direction: inbound}
    timeline:
      - {at: 0s, session: s1, state: Ringing}
      - {at: 15s, session: s1, state: Cancelled}
      - {at: 60s, session: s2, state: Ringing}
      - {at: 80s, session: s2, state: Cancelled}
    expect:
      - {at: 15s, rule: call-back, action: call, to: 2010, session: s1}
    whyNot: {rule: call-back, reason: throttled, session: s2}
""",
    "Hand it to a program": """
  - name: who calls for a balance
    start: 2026-11-23T10:00:00+01:00
    sessions: [{sessionId: s1, caller: "+36201234567", callee: 2055, dialedNumber: 2055, direction: inbound}]
    timeline:
      - {at: 0s, session: s1, state: Ringing}
      - {at: 0s, session: s1, result: {action: forward, outcome: confirmed}}
    expect:
      - {at: 0s, rule: balance, action: webhook}
      - {at: 0s, rule: balance, action: forward, to: 2056}
""",
    "Nobody answers: try others, then the desk": """
  - name: nobody at all
    start: 2026-11-23T10:00:00+01:00
    sessions: [{sessionId: s1, caller: "+36201234567", callee: 2020, direction: inbound}]
    timeline:
      - {at: 0s, session: s1, state: Ringing}
      - {at: 15s500ms, session: s1, callee: 2021}
      - {at: 36s, session: s1, callee: 2022}
      - {at: 57s, session: s1, callee: 2099}
      - {at: 60s, session: s1, state: Cancelled}
    expect:
      - {at: 15s, rule: support-hunt, action: hunt, to: 2021}
      - {at: 35s500ms, rule: support-hunt, action: hunt, to: 2022}
      - {at: 56s, rule: support-hunt, action: forward, to: 2099}
""",
    "A call may last so long and no longer": """
  - name: the lobby phone
    start: 2026-11-23T10:00:00+01:00
    sessions: [{sessionId: s1, caller: 2090, callee: 2001, direction: internal}]
    timeline:
      - {at: 0s, session: s1, state: InCall}
      - {at: 11m, session: s1, state: CallerHungUp}
    expect:
      - {at: 10m, rule: lobby-phone-limit, action: hangup}
""",
    "Listen in on new colleagues": """
  - name: five minutes
    start: 2026-11-23T10:00:00+01:00
    sessions: [{sessionId: s1, caller: "+36201234567", callee: 2031, direction: inbound}]
    timeline:
      - {at: 0s, session: s1, state: InCall}
      - {at: 6m, session: s1, state: CallerHungUp}
    expect:
      - {at: 0s, rule: listen-to-new-agents, action: startListen}
      - {at: 5m, rule: listen-to-new-agents, action: stopListen}
""",
}


@pytest.mark.parametrize("heading", TESTS)
def test_a_recipe_does_what_it_says(heading: str) -> None:
    recipe = PAGE[PAGE.index(f"### {heading}\n") :]
    block = re.search(r"^```yaml\n(.*?)^```$", recipe, re.DOTALL | re.MULTILINE)
    assert block is not None
    rules = load([Source("recipe.yaml", block[1].encode())])
    file = read(Source("recipe.test.yaml", f"ozrulesTest: 1\nrules: [recipe.yaml]\ntests:{TESTS[heading]}".encode()))
    wrong = [(result.scenario.name, failure.message) for result in play_all(file, rules) for failure in result.failures]
    assert wrong == []
