"""Sane rule sets of made-up offices; the same for the same seed.

An office is built so that nothing is wrong with it: departments have extensions of their own, calls are only sent on
to desks from which no rule sends them further, rules about the same moment differ in priority. What can be wrong with
one is in `faults`.
"""

import random
from dataclasses import dataclass, field
from typing import Final

DEPARTMENTS: Final = ("sales", "support", "billing", "press", "export")


@dataclass
class Office:
    """A rule set in parts, so that a fault can be put between them. Every rule is the text of one list entry."""

    random: random.Random
    lists: dict[str, str] = field(default_factory=dict)
    schedules: dict[str, str] = field(default_factory=dict)
    conditions: dict[str, str] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    guards: str = "{destinations: {allow: [internal, '+3630*'], default: deny}, maxHops: 3}"
    teams: dict[str, list[str]] = field(default_factory=dict)
    desks: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The rule file."""
        parts = ["ozrules: 1", "defaults: {country: HU, timezone: Europe/Budapest, extensions: ['_2XXX']}"]
        rules = " ".join(self.rules)
        conditions = {name: value for name, value in self.conditions.items() if name in rules}
        using = " ".join((rules, *conditions.values()))
        lists = {name: value for name, value in self.lists.items() if name in using}
        for name, entries in (("lists", lists), ("schedules", self.schedules), ("conditions", conditions)):
            if entries:
                parts += [f"{name}:", *(f"  {key}: {value}" for key, value in entries.items())]
        parts += [f"guards: {self.guards}", "rules:", *(f"  - {rule}" for rule in self.rules)]
        return "\n".join(parts) + "\n"

    def add(self, name: str, trigger: str, conditions: str, actions: str, more: str = "") -> None:
        """One more rule at the end."""
        self.rules.append(self.rule(name, trigger, conditions, actions, more))

    @staticmethod
    def rule(name: str, trigger: str, conditions: str, actions: str, more: str = "") -> str:
        asked = f", conditions: {conditions}" if conditions else ""
        return f"{{id: {name}, trigger: {trigger}{asked}, actions: {actions}{', ' + more if more else ''}}}"

    def any_team(self) -> str:
        return self.random.choice(sorted(self.teams))

    def member(self, team: str | None = None) -> str:
        return self.random.choice(self.teams[team or self.any_team()])


def sane(seed: int) -> Office:
    """An office that nothing is wrong with."""
    chance = random.Random(seed)
    office = Office(chance)
    names = chance.sample(DEPARTMENTS, chance.randint(1, len(DEPARTMENTS)))
    for number, name in enumerate(names):
        office.teams[name] = [str(2000 + 100 * number + n) for n in range(1, chance.randint(3, 7))]
        office.desks[name] = str(2000 + 100 * number + 90)
        office.lists[f"{name}Team"] = f"[{', '.join(office.teams[name])}]"
        office.conditions[f"to-{name}"] = f"{{direction: inbound, callee: {{in: {name}Team}}}}"
    office.schedules["hours"] = chance.choice(
        (
            "{weekdays: monday..friday, times: [08:00-17:30], holidays: HU}",
            "{weekdays: [monday..thursday], times: ['08:00-12:00', '13:00-17:00'], except: [2026-12-24..2026-12-31]}",
            "{weekdays: [monday..friday], times: ['22:00-06:00'], timezone: America/New_York}",
        )
    )
    office.add(
        "night",
        "{state: Ringing}",
        "{direction: inbound, schedule: {outside: hours}, callee: {ne: 2990}}",
        "[{forward: 2990}]",
        "priority: 800",
    )
    for number, name in enumerate(names):
        for make in chance.sample(_HABITS, chance.randint(1, 4)):
            make(office, name, number)
    for add in chance.sample(_POLICIES, chance.randint(0, 5)):
        add(office)
    return office


def _no_answer(office: Office, team: str, number: int) -> None:
    wait = office.random.choice((10, 15, 20, 30))
    office.add(
        f"{team}-no-answer",
        f"{{state: Ringing, for: {wait}s}}",
        f"{{use: to-{team}}}",
        f"[{{forward: {office.desks[team]}}}]",
    )


def _busy(office: Office, team: str, number: int) -> None:
    office.add(
        f"{team}-busy",
        "{state: Ringing}",
        f"{{use: to-{team}, active: {{state: [InCall, held], groupBy: [callee], gte: 1}}}}",
        f"[{{forward: {office.desks[team]}}}]",
        "priority: 300",
    )


def _hunt(office: Office, team: str, number: int) -> None:
    first, *rest = office.teams[team]
    if rest:
        office.add(
            f"{team}-hunt",
            "{state: Ringing, for: 12s}",
            f"{{callee: {first}}}",
            f"[{{hunt: {{to: [{', '.join(rest)}], ring: 15s, onExhausted: [{{forward: {office.desks[team]}}}]}}}}]",
            "priority: 150",
        )


def _vip(office: Office, team: str, number: int) -> None:
    office.lists[f"{team}Vips"] = f"['+3620555{number}*', '+44163296{number}*']"
    office.add(
        f"{team}-vip",
        "{state: Ringing, for: 5s}",
        f"{{use: to-{team}, caller: {{in: {team}Vips}}}}",
        f"[{{forward: {{to: '+36301110{number:03}', onFailure: [{{forward: {office.desks[team]}}}]}}}}]",
        "priority: 400",
    )


def _screen(office: Office, team: str, number: int) -> None:
    office.add(
        f"{team}-crm",
        office.random.choice(("{state: Ringing}", "{state: InCall, from: Ringing}", "{state: ended}")),
        f"{{callee: {{in: {team}Team}}}}",
        "[{webhook: {url: 'https://crm.example/calls', body: {caller: '{{ caller }}'}}}]",
    )


def _listen(office: Office, team: str, number: int) -> None:
    office.add(
        f"{team}-listen",
        "{state: InCall}",
        f"{{callee: {office.teams[team][-1]}}}",
        "[startListen, {wait: 5m}, stopListen]",
    )


def _limit(office: Office, team: str, number: int) -> None:
    office.add(
        f"{team}-limit",
        "{state: InCall, for: 30m, clock: talk}",
        f"{{caller: {{in: {team}Team}}, direction: outbound, dialedNumber: {{startsWith: '+44'}}}}",
        "[{log: 'a long call by {{ caller }}'}, hangup]",
    )


def _long_hold(office: Office, team: str, number: int) -> None:
    office.add(
        f"{team}-long-hold",
        "{state: held, for: 90s}",
        f"{{use: to-{team}}}",
        f"[{{blindTransfer: {{move: caller, to: {office.desks[team]}}}}}]",
    )


_HABITS: Final = (_no_answer, _busy, _hunt, _vip, _screen, _listen, _limit, _long_hold)


def _blocked(office: Office) -> None:
    office.lists["blockedNumbers"] = "['+36205550100', '+3690*']"
    office.add("blocked", "{state: Ringing}", "{caller: {in: blockedNumbers}}", "[hangup]", "priority: 1000")


def _repeat(office: Office) -> None:
    office.add(
        "repeat",
        "{state: Ringing}",
        "{direction: inbound, hops: 0, history: {state: Ringing, within: 10m, groupBy: [caller], gte: 3}}",
        "[{forward: 2991}]",
        "priority: 600, throttle: {onceWithin: 30m, groupBy: [caller]}",
    )


def _drill(office: Office) -> None:
    office.add("drill", "{at: '0 12 1-7 * mon', sessions: InCall}", "", "[hold, {wait: 60s}, unhold]")


def _two_hours(office: Office) -> None:
    office.add(
        "two-hours",
        "{state: active, for: 2h, clock: session}",
        "",
        "[hangup]",
        "exceptions: [{name: conference, conditions: {callee: 2992}}]",
    )


def _given_up(office: Office) -> None:
    office.add(
        "given-up",
        "{state: [Cancelled, CallerHungUp], from: Ringing}",
        "{direction: inbound, ringDuration: {gte: 5s}}",
        "[{webhook: {url: 'https://crm.example/call-back', body: {caller: '{{ caller }}'}}}]",
    )


def _door(office: Office) -> None:
    office.add(
        "door",
        "{state: InCall, from: Ringing}",
        "{any: [{caller: 2993}, {callee: 2993}]}",
        "[{wait: 2s}, {choose: [{if: {callee: 2993}, then: [{sendDtmf: {to: callee, keys: '#'}}]}, "
        "{else: [{sendDtmf: {to: caller, keys: '#'}}]}]}]",
    )


def _trial(office: Office) -> None:
    office.add(
        "trial",
        "{state: Ringing, for: 40s}",
        "{callerDisplayName: {regex: '.*(Kft|Bt)[.]?'}, callee: {startsWith: 2}}",
        "[hangup]",
        office.random.choice(("status: shadow", "status: {canary: {percent: 10}}", "status: disabled")),
    )


def _failed(office: Office) -> None:
    office.add(
        "transfer-failed",
        "{state: TransferFailed}",
        "",
        "[{waitFor: {state: InCall, timeout: 10s, onTimeout: stop}}, hold, {blindTransfer: {move: caller, to: 2991}}]",
    )


_POLICIES: Final = (_blocked, _repeat, _drill, _two_hours, _given_up, _door, _trial, _failed)
