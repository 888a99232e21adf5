"""The rules that are simulated, how they change at reloads, and the people who call.

Every kind of action, trigger clock, guard and condition is in them (conditions in rules, in exceptions and in
``choose``), with times short enough for ten minutes to hold many. Reloads take every kind of thing away with the rules
that refer to it, and give it other names.
"""

import random
from collections.abc import Callable
from functools import cache
from typing import Final

import msgspec

from ozrules.connectors.simulator.callers import CallPlan, Hold, Transfer
from ozrules.rules.document import Source
from ozrules.rules.loader import load
from ozrules.rules.model import RuleSet
from ozrules.session.state import RINGING, State

SECRET: Final = "74109*8520#"
"""What no output may show: the keys that a rule presses."""

HEAD: Final = """
ozrules: 1
defaults: {country: HU, timezone: Europe/Budapest, extensions: ["_2XXX"]}
guards:
  destinations: {allow: [internal, "+36301110*"], deny: [2666], default: deny}
  external: {maxConcurrent: 2, maxPerHour: 4}
  maxHops: 3
  maxActionsPerSession: 5
"""

NAMED: Final = """
schedules:
  dayAndNight: {times: ["00:00-24:00"]}
  never: {manual: closed}
lists:
  desks: [2001, 2003, 2004]
conditions:
  toADesk: {callee: {in: desks}}
"""
"""What rules name. The schedules are such that no clock and nobody changes what they say."""
NAMES: Final = ("dayAndNight", "never", "desks", "toADesk")
NAMING: Final = ("busy-desk", "busy-as-chosen", "often", "often-as-chosen", "later", "open", "excepted")
"""The rules that refer to something by its name, or count."""

RULES: Final = """
  - id: blocked
    priority: 1000
    trigger: {state: Ringing}
    conditions: {caller: "+3690*"}
    actions: [{hangup: {retry: {attempts: 2, delay: 1s}}}]
  - id: no-answer
    missedGrace: 3s
    trigger: {state: Ringing, for: NO_ANSWER}
    conditions: {callee: [2001, 2002]}
    actions:
      - forward: {to: 2010, onFailure: [{log: "{{ callerDisplayName }} stays"}]}
  - id: back
    trigger: {state: Ringing, for: 4s}
    conditions: {callee: 2010}
    actions: [{forward: {to: 2001, expect: {state: Ringing, within: 3s}, retry: {attempts: 1, delay: 1s}}}]
  - id: mobile
    trigger: {state: Ringing, for: 6s}
    conditions: {callee: 2003}
    actions: [{forward: {to: "+36301110003", onFailure: [{forward: 2000}]}}]
  - id: support
    trigger: {state: Ringing, for: 3s}
    conditions: {callee: 2004}
    actions: [{hunt: {to: [2001, 2003], ring: 5s, order: roundRobin, onExhausted: [{forward: 2090}]}}]
  - id: emergency
    trigger: {state: Ringing, for: 2s}
    conditions: {dialedNumber: 112}
    actions: [{forward: 2000}]
  - id: premium
    trigger: {state: Ringing, for: 2s}
    conditions: {callee: 2090}
    actions: [{forward: 2666}]
  - id: seldom
    priority: 200
    trigger: {state: Ringing}
    conditions: {callee: 2000, hops: 0}
    throttle: {onceWithin: 50s, groupBy: [caller]}
    actions: [{forward: 2099}]
  - id: again
    priority: 50
    trigger: {state: Ringing}
    conditions: {history: {state: Ringing, within: 40s, groupBy: [caller], gte: 3}, callee: 2005}
    actions: [{forward: 2099}]
  - id: put-on-hold
    trigger: {state: InCall, from: Ringing}
    conditions: {callee: [2005, 2099]}
    mode: queued
    actions:
      - hold: {retry: {attempts: 1, delay: 1s}}
      - wait: 5s
      - unhold
  - id: long-hold
    trigger: {state: held, for: LONG_HOLD}
    missedGrace: 4s
    actions: [{blindTransfer: {move: caller, to: 2099}}]
  - id: talks
    trigger: {state: InCall, for: 1s}
    missedGrace: 60s
    actions: [{log: "{{ caller }} talks"}]
  - id: waits
    trigger: {state: held, for: 1s}
    missedGrace: 60s
    actions: [{log: "{{ caller }} waits"}]
  - id: keys
    trigger: {state: InCall, for: 3s}
    conditions: {callee: 2006}
    actions: [{sendDtmf: {to: callee, keys: {secret: doorPin}, gap: 300ms}}]
  - id: listen
    trigger: {state: InCall}
    conditions: {callee: 2007}
    actions: [startListen, {wait: 6s}, stopListen]
  - id: talked-enough
    trigger: {state: InCall, for: 30s, clock: talk}
    conditions: {callee: 2002}
    actions: [{log: enough}, hangup]
  - id: lasted-enough
    trigger: {state: active, for: 70s, clock: session}
    exceptions: [{name: director, conditions: {callee: 2007}}]
    actions: [closeWithHangup]
  - id: lasted-long
    trigger: {state: active, for: 40s, clock: session}
    onMissed: skip
    actions: [{set: {seen: "yes"}}, {webhook: {url: "https://crm.example/long", body: {who: "{{ caller }}"}}}]
  - id: told
    trigger: {state: Ringing}
    conditions: {callee: [2001, 2004]}
    onMissed: fire
    actions:
      - webhook: {url: "https://crm.example/ring", body: {who: "{{ callerDisplayName }}"}, onFailure: [{log: lost}]}
      - waitFor: {state: InCall, timeout: 20s, onTimeout: [{log: nobody}]}
      - choose:
          - if: {callee: 2001}
            then: [{webhook: {url: "https://crm.example/talk", body: {}}}]
  - id: stays
    trigger: {state: active, for: 12s, clock: session}
    onMissed: fire
    actions: [{log: "{{ caller }} stays"}]
  - id: gone
    trigger: {state: Aborted}
    onResync: true
    actions: [{wait: 12s}, {webhook: {url: "https://crm.example/gone", body: {}}}]
  - id: ends
    trigger: {state: Aborted}
    onResync: true
    actions: [{log: "{{ caller }} is gone"}]
  - id: transfer-failed
    trigger: {state: TransferFailed}
    actions:
      - waitFor: {state: InCall, timeout: 10s, onTimeout: stop}
      - hold
      - blindTransfer: {move: caller, to: 2000}
  - id: shadowy
    priority: 900
    status: shadow
    trigger: {state: Ringing, for: 2s}
    conditions: {callee: [2001, 2003]}
    actions: [hangup]
  - id: busy-desk
    trigger: {state: Ringing, for: 1500ms}
    conditions: {use: toADesk, active: {state: [Ringing, InCall], groupBy: [callee], gte: 2}}
    actions: [{log: busy}]
  - id: busy-as-chosen
    trigger: {state: Ringing, for: 1500ms}
    conditions: {callee: {in: desks}}
    actions:
      - choose:
          - if: {active: {state: [Ringing, InCall, Completed], groupBy: [callee], gte: 2}}
            then: [{log: "yes"}]
          - else: [{log: "no"}]
  - id: often
    trigger: {state: Ringing, for: 1500ms}
    conditions: {use: toADesk, history: {state: Ringing, within: 41s, groupBy: [caller], gte: 2}}
    actions: [{log: often}]
  - id: often-as-chosen
    trigger: {state: Ringing, for: 1500ms}
    conditions: {use: toADesk}
    actions:
      - choose:
          - if: {history: {state: [Ringing, Completed], within: 41s, groupBy: [caller], gte: 2}}
            then: [{log: "yes"}]
          - else: [{log: "no"}]
  - id: later
    trigger: {state: InCall}
    onMissed: fire
    actions:
      - wait: 25s
      - choose:
          - if: {schedule: {outside: dayAndNight}}
            then: [{log: "no"}]
          - if: {use: toADesk}
            then: [{log: "yes"}]
          - if: {schedule: {during: never}}
            then: [{log: "no"}]
          - else: [{log: "yes"}]
  - id: open
    trigger: {state: InCall, for: 5s}
    missedGrace: 60s
    conditions: {schedule: {during: dayAndNight}}
    exceptions: [{name: shut, conditions: {schedule: {during: never}, use: toADesk}}]
    actions: [{log: "yes"}]
  - id: excepted
    trigger: {state: Ringing, for: 2500ms}
    conditions: {use: toADesk}
    exceptions:
      - {name: open, conditions: {schedule: {during: dayAndNight}}}
      - {name: counted, conditions: {active: {state: Ringing, gte: 1}}}
      - {name: before, conditions: {history: {state: Ringing, within: 30s, groupBy: [caller], gte: 1}}}
    actions: [{log: "no"}]
  - id: routed
    trigger: {routing: Calling}
    conditions: {dialedNumber: 2070}
    actions: [{forward: 2010}]
  - id: turns
    trigger: {routing: Calling}
    conditions: {dialedNumber: 2071}
    actions: [{hunt: {to: [2001, 2003], ring: 5s}}]
  - id: never-routed
    trigger: {routing: Calling}
    conditions: {dialedNumber: 112}
    actions: [{forward: 2010}]
  - id: each-minute
    trigger: {at: "* * * * *", sessions: InCall}
    onMissed: fire
    actions: [{log: "{{ caller }} is in a call"}]
  - id: drill
    trigger: {at: "*/3 * * * *", sessions: InCall}
    missedGrace: 20s
    actions: [hold, {wait: 2s}, unhold]
"""


class Setting(msgspec.Struct, frozen=True):
    """One state of the rule files. ``without`` are rules that are taken out; ``bare``: what they named is too.

    ``renamed`` is put behind every name.
    """

    no_answer: str = "10s"
    long_hold: str = "14s"
    without: tuple[str, ...] = ()
    bare: bool = False
    renamed: str = ""
    comment: str = ""


USUAL: Final = Setting()
SETTINGS: Final = (
    USUAL,
    Setting(comment="# nothing has changed"),
    Setting(no_answer="13s", long_hold="9s"),
    Setting(no_answer="7s"),
    Setting(without=("no-answer", "long-hold")),
    Setting(without=("support", "put-on-hold", "lasted-long", "told")),
    Setting(without=NAMING, bare=True),
    Setting(without=NAMING, bare=True, comment="# and once more"),
    Setting(renamed="Anew"),
    Setting(without=("busy-desk", "busy-as-chosen", "open")),
    Setting(without=("often", "often-as-chosen", "later"), renamed="Again"),
)


@cache
def rules_of(setting: Setting) -> RuleSet:
    """The rule set as it is loaded from such files."""
    rules = RULES.replace("NO_ANSWER", setting.no_answer).replace("LONG_HOLD", setting.long_hold)
    parts = rules.split("\n  - id: ")
    kept = [part for part in parts[1:] if part.partition("\n")[0] not in setting.without]
    named = "" if setting.bare else NAMED
    text = HEAD + named + "rules:\n" + "".join(f"  - id: {part}\n" for part in kept) + setting.comment
    for name in NAMES:
        text = text.replace(name, name + setting.renamed)
    return load([Source("office.yaml", text.encode())], frozenset({"doorPin"}))


# --- what nobody may do, in our own words -----------------------------------------------------------------------------

MAY_GO: Final = frozenset({"2010", "2001", "2003", "2000", "2090", "2099", "+36301110003"})
EXTERNAL: Final = frozenset({"+36301110003"})
MOST_EXTERNAL_AT_ONCE: Final = 2
MOST_EXTERNAL_AN_HOUR: Final = 4
MOST_HOPS: Final = 3
MOST_ACTIONS: Final = 5
UNTOUCHABLE: Final = "112"
IN_SHADOW: Final = "shadowy"
THROTTLED: Final = "seldom"
ONCE_WITHIN: Final = 50.0
"""Seconds within which the throttled rule fires once for a caller."""


RIGHT: Final = frozenset({"later", "open", "excepted"})
"""The rules that say "yes", or nothing, whatever the clock shows: "no" is what they never say."""
TWINS: Final = {"busy-as-chosen": "busy-desk", "often-as-chosen": "often"}
"""A rule that counts in its ``choose``, and the one that counts the same in its conditions. Only together do they come
and go: what is counted is counted from then on.
"""
MOMENTS: Final = "each-minute"
"""The rule whose every moment comes to whoever is in a call then, however late."""
ROUTED: Final = {"2070": frozenset({"2010"}), "2071": frozenset({"2001", "2003"}), "2072": frozenset[str]()}
"""Where calls go for which the phone system asks first: to one of these, or where it likes. 112 is never answered."""


class Owed(msgspec.Struct, frozen=True):
    """A ``for:`` whose firing is owed, in our own words: whose calls, in which states, how long."""

    states: frozenset[State]
    seconds: float
    callees: frozenset[str]
    grace: float


def owed(setting: Setting) -> dict[str, Owed]:
    """The timers that must come due under these rules."""
    ringing = frozenset({RINGING})
    found = {
        "no-answer": Owed(ringing, float(setting.no_answer[:-1]), frozenset({"2001", "2002"}), 3.0),
        "back": Owed(ringing, 4.0, frozenset({"2010"}), 5.0),
        "mobile": Owed(ringing, 6.0, frozenset({"2003"}), 5.0),
        "support": Owed(ringing, 3.0, frozenset({"2004"}), 5.0),
    }
    return {rule: each for rule, each in found.items() if rule not in setting.without}


# --- people -----------------------------------------------------------------------------------------------------------

CALLERS: Final = (
    ("+36201234567", "Kovacs Kft"),
    ("+36301112222", 'x\r\n{"type":"decision","seq":1}\u202e\x1b[2J'),
    ("+36209876543", None),
    ("+36901000000", "Lottery"),
    ("2008", None),
)
Habit = Callable[[random.Random], CallPlan]


def somebody_calls(chance: random.Random) -> CallPlan:
    """One call, with people and times by chance."""
    caller, name = chance.choice(CALLERS)
    callee = chance.choice(("2000", "2001", "2001", "2002", "2003", "2003", "2004", "2005", "2006", "2007", "112"))
    plan = CallPlan(
        caller=caller,
        caller_name=name,
        callee=callee,
        answers_after=chance.choice((2.0, 5.0, 9.999, 10.001, 14.0, None, None)),
        gives_up_after=chance.choice((1.0, 6.0, 25.0, 40.0)),
        talk=chance.choice((0.5, 8.0, 35.0, 60.0)),
        hangs_up=chance.choice(("caller", "callee")),
    )
    roll = chance.random()
    if roll < 0.2:
        hold = Hold(chance.uniform(0.2, 5.0), chance.choice(("caller", "callee")), chance.choice((3.0, 20.0, None)))
        return msgspec.structs.replace(plan, acts=(hold,))
    if roll < 0.5:
        turn = chance.choice((1.2, 1.2, 4.0))
        holds = tuple(Hold(turn * place, "callee", chance.uniform(turn, 2 * turn)) for place in range(1, 9))
        return msgspec.structs.replace(plan, acts=holds, talk=max(plan.talk, 20.0))
    if roll < 0.6:
        return msgspec.structs.replace(plan, acts=(Transfer(1.0, "callee", chance.choice(("2010", "2999"))),))
    return plan
