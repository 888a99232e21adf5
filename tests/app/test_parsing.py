"""Rule files in a child process: what hurts, hurts the child."""

import pytest

from ozrules.app import parsing
from ozrules.app.parsing import Bad, Good, parse
from ozrules.rules.document import Source
from ozrules.rules.loader import load

RULES = b"""
ozrules: 1
lists: {sales: [2001, "+3630*"]}
schedules: {open: {weekdays: [monday..friday], times: [08:00-17:30], holidays: HU}}
conditions: {toSales: {callee: {in: sales}}}
guards: {destinations: {allow: [internal]}, external: {maxPerHour: 3, groupBy: [callee]}}
rules:
  - id: a
    trigger: {state: Ringing, for: 20s}
    conditions: {use: toSales, schedule: {during: open}, caller: {regex: "\\\\+36.*"}}
    exceptions: [{name: vip, conditions: {history: {state: Ringing, within: 1h, groupBy: [caller], gte: 2}}}]
    status: {canary: {percent: 50, groupBy: [caller]}}
    throttle: {onceWithin: 1m, groupBy: [caller]}
    actions:
      - forward: {to: "2010", retry: {attempts: 2, delay: 1s}, onFailure: [hangup]}
      - webhook: {url: "https://crm.example/x", body: {who: "{{ caller }}"}}
  - id: b
    trigger: {any: [{at: "0 18 * * mon-fri", sessions: InCall}, {state: InCall, for: 1m, clock: talk, id: t}]}
    actions:
      - sendDtmf: {to: caller, keys: {secret: pin}}
      - choose: [{if: {active: {state: held, gte: 1}}, then: [hold]}, {else: [{set: {x: "1"}}, {wait: 2s}]}]
"""


async def test_what_the_child_gives_is_what_the_loader_gives() -> None:
    sources = (Source("office.yaml", RULES),)
    parsed = await parse(sources, frozenset({"pin"}))
    assert isinstance(parsed, Good), parsed
    assert parsed.rules == load(sources, frozenset({"pin"}))


async def test_everything_that_is_wrong_comes_back_with_its_place() -> None:
    parsed = await parse((Source("office.yaml", RULES),), frozenset())
    assert isinstance(parsed, Bad)
    assert any(line.startswith("office.yaml:20:") and "unknown-secret" in line for line in parsed.problems())


@pytest.mark.fault(66)
@pytest.mark.fault(67)
async def test_bombs_end_in_a_sentence() -> None:
    aliases = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    for bomb in (b"[" * 1_000_000, aliases.encode(), b"? " * 100_000):
        parsed = await parse((Source("bomb.yaml", bomb),), frozenset())
        assert isinstance(parsed, Bad)
        assert parsed.problems()


@pytest.mark.fault(67)
async def test_a_child_that_dies_or_hangs_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "CHILD", ["-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"])
    assert await parse((), frozenset()) == Bad(lines=("the rules were refused: reading them crashed (SIGSEGV)",))
    monkeypatch.setattr(parsing, "CHILD", ["-c", "raise SystemExit(3)"])
    assert await parse((), frozenset()) == Bad(lines=("the rules were refused: reading them failed (exit 3)",))
    monkeypatch.setattr(parsing, "CHILD", ["-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(parsing, "WALL_SECONDS", 0.3)
    [line] = (await parse((), frozenset())).problems()  # type: ignore[union-attr]  # it cannot be good
    assert "took longer" in line
