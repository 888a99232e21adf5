"""Faults to put into the rule sets of `offices`: each is what somebody adds or changes without seeing the whole.

One more rule, one more limit, another number. A catalogue, as long as there are faults: each is a function that puts it
in, and `FAULTS` at the end names with it the code that must be found.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from tests.proofs.offices import Office

Fault: TypeAlias = tuple[str, Callable[[Office], None]]
"""The code that must be found, and how the fault gets in."""


def _narrower_later(office: Office) -> None:
    team = office.any_team()
    office.add("wide", "{state: Ringing}", f"{{callee: {{in: {team}Team}}}}", "[hangup]", "priority: 900")
    office.add(
        "narrow", "{state: Ringing}", f"{{callee: {office.member(team)}, direction: inbound}}", "[{forward: 2991}]"
    )


def _everything_first(office: Office) -> None:
    office.rules.insert(
        0, office.rule("all", "{state: Ringing}", "{direction: inbound}", "[closeWithHangup]", "priority: 950")
    )
    office.add("late", "{state: Ringing}", f"{{direction: inbound, callee: {office.member()}}}", "[{forward: 2991}]")


def _copied(office: Office) -> None:
    team = office.any_team()
    office.add("original", "{state: InCall, for: 3m}", f"{{use: to-{team}}}", "[hangup]")
    office.add("copy", "{state: InCall, for: 3m}", f"{{use: to-{team}}}", "[hold]")


def _longer_prefix(office: Office) -> None:
    office.add("hungary", "{state: InCall}", "{caller: {startsWith: '+36'}}", "[hold]", "priority: 700")
    office.add("mobile", "{state: InCall}", "{caller: {in: ['+3620*', '+3670*']}}", "[hangup]")


def _higher_limit(office: Office) -> None:
    low, high = sorted(office.random.sample(range(1, 60), 2))
    office.add("short", "{state: InCall}", f"{{ringDuration: {{gte: {low}s}}}}", "[hangup]", "priority: 900")
    office.add("long", "{state: InCall}", f"{{ringDuration: {{gt: {high}s}}}}", "[hold]")


def _more_often(office: Office) -> None:
    history = "history: {{state: Ringing, within: 5m, groupBy: [caller], gte: {}}}"
    office.add("twice", "{state: InCall}", f"{{{history.format(2)}}}", "[hangup]", "priority: 900")
    office.add("thrice", "{state: InCall}", f"{{{history.format(4)}}}", "[hold]")


def _either(office: Office) -> None:
    one, other = office.member(), office.member()
    office.add(
        "either", "{state: OnHold}", f"{{any: [{{callee: {one}}}, {{caller: {other}}}]}}", "[hangup]", "priority: 700"
    )
    office.add("one", "{state: OnHold}", f"{{callee: {one}}}", "[unhold]")


def _between_two(office: Office) -> None:
    """Two rules together leave nothing to the third; neither does alone."""
    office.add("from-inside", "{state: OnHold}", "{direction: internal}", "[hangup]", "priority: 900")
    office.add("from-elsewhere", "{state: OnHold}", "{direction: {ne: internal}}", "[hangup]", "priority: 900")
    office.add("third", "{state: OnHold}", "{callee: 2871}", "[unhold]")


def _ring(office: Office, length: int, wait: str) -> None:
    numbers = [str(2801 + n) for n in range(length)]
    for number, here in enumerate(numbers):
        there = numbers[(number + 1) % length]
        trigger = f"{{state: Ringing, for: {wait}}}" if wait else "{state: Ringing}"
        office.add(f"ring-{number}", trigger, f"{{callee: {here}}}", f"[{{forward: {there}}}]", "priority: 900")


def _ring_of_two(office: Office) -> None:
    _ring(office, 2, office.random.choice(("", "10s", "20s")))


def _ring_of_three(office: Office) -> None:
    _ring(office, 3, "15s")


def _to_itself(office: Office) -> None:
    team = office.any_team()
    members = [*office.teams[team], office.desks[team]]
    office.add(
        "self",
        "{state: Ringing, for: 18s}",
        f"{{callee: [{', '.join(members)}]}}",
        f"[{{forward: {office.desks[team]}}}]",
        "priority: 900",
    )


def _back_from_the_desk(office: Office) -> None:
    team = office.any_team()
    member, desk = office.teams[team][0], office.desks[team]
    office.add("away", "{state: Ringing, for: 8s}", f"{{callee: {member}}}", f"[{{forward: {desk}}}]", "priority: 900")
    office.add(
        "back",
        "{state: Ringing, for: 25s}",
        f"{{callee: {desk}, direction: inbound}}",
        f"[{{forward: {member}}}]",
        "priority: 900",
    )


def _transfers_round(office: Office) -> None:
    move = "[{{blindTransfer: {{move: caller, to: {}}}}}]"
    office.add("t1", "{state: InCall, for: 5s}", "{callee: 2811}", move.format(2812), "priority: 900")
    office.add("t2", "{state: InCall, for: 5s}", "{callee: 2812}", move.format(2811), "priority: 900")


def _hunts_round(office: Office) -> None:
    office.add(
        "h1", "{state: Ringing, for: 5s}", "{callee: 2821}", "[{hunt: {to: [2822, 2823], ring: 8s}}]", "priority: 900"
    )
    office.add("h2", "{state: Ringing, for: 20s}", "{callee: 2823}", "[{forward: 2821}]", "priority: 900")


def _map_round(office: Office) -> None:
    office.lists["deputies"] = "{2831: 2832, 2832: 2833, 2833: 2831}"
    office.add(
        "deputy",
        "{state: Ringing, for: 15s}",
        "{callee: [2831, 2832, 2833]}",
        "[{forward: {to: {lookup: deputies, key: callee}}}]",
        "priority: 900",
    )


def _round_in_a_branch(office: Office) -> None:
    choose = "[{{wait: 2s}}, {{choose: [{{if: {{direction: inbound}}, then: [{{forward: {}}}]}}]}}]"
    office.add("b1", "{state: Ringing}", "{callee: 2861}", choose.format(2862), "priority: 900")
    office.add("b2", "{state: Ringing}", "{callee: 2862}", choose.format(2861), "priority: 900")


def _night_to_itself(office: Office) -> None:
    office.add(
        "weekend",
        "{state: Ringing}",
        "{direction: inbound, schedule: {outside: hours}}",
        "[{forward: 2994}]",
        "priority: 850",
    )


def _hold_and_unhold(office: Office) -> None:
    member = office.member()
    office.add("holder", "{state: InCall}", f"{{callee: {member}}}", "[hold]", "priority: 900")
    office.add(
        "freer", "{state: held, for: 10s}", f"{{callee: {member}, direction: inbound}}", "[unhold]", "priority: 900"
    )


def _two_owners(office: Office) -> None:
    office.add("owner-1", "{state: Ringing}", "{callee: [2841, 2842]}", "[{forward: 2991}]")
    office.add("owner-2", "{state: Ringing}", "{callee: [2842, 2843]}", "[{forward: 2992}]")


def _two_owners_of_callers(office: Office) -> None:
    office.add("from-1", "{state: InCall, for: 1m}", "{caller: {in: ['+36301*', '+36201111111']}}", "[hangup]")
    office.add(
        "from-2", "{state: InCall, for: 1m}", "{caller: {in: ['+36301111111', '+36701111111']}, callee: 2844}", "[hold]"
    )
    office.rules[-2] = office.rules[-2].replace("'+36201111111']}}", "'+36201111111']}, callee: [2844, 2845]}")


def _both_at_once(office: Office) -> None:
    member = office.member()
    office.add("one-end", "{state: OnHold, for: 3m}", f"{{callee: {member}}}", "[hangup]")
    office.add("other-end", "{state: OnHold, for: 3m}", f"{{callee: {member}}}", "[unhold]", "exclusive: false")


def _listen_and_stop(office: Office) -> None:
    office.add("listen", "{state: InCall, from: Ringing}", "{callee: 2846}", "[startListen]")
    office.add("stop", "{state: InCall, from: Ringing}", "{callee: 2846, direction: inbound}", "[stopListen]")


def _abroad(office: Office) -> None:
    office.add(
        "abroad",
        "{state: Ringing, for: 50s}",
        f"{{callee: {office.member()}}}",
        "[{forward: '+4916321234567'}]",
        "priority: 890",
    )


def _emergency(office: Office) -> None:
    number = office.random.choice(("112", "104", "105", "107"))
    office.add(
        "emergency",
        "{state: Ringing, for: 50s}",
        f"{{callee: {office.member()}}}",
        f"[{{forward: {number}}}]",
        "priority: 890",
    )


def _abroad_on_failure(office: Office) -> None:
    action = "[{forward: {to: 2991, onFailure: [{forward: '+4916321234567'}]}}]"
    office.add("second-try", "{state: Ringing, for: 50s}", f"{{callee: {office.member()}}}", action, "priority: 890")


def _abroad_in_hunt(office: Office) -> None:
    action = "[{hunt: {to: [2991, '+4916321234567'], ring: 10s}}]"
    office.add("far-hunt", "{state: Ringing, for: 50s}", f"{{callee: {office.member()}}}", action, "priority: 890")


def _abroad_in_map(office: Office) -> None:
    office.lists["partners"] = "{2851: '+4916321234567', 2852: '+4916321234568'}"
    action = "[{forward: {to: {lookup: partners, key: callee}}}]"
    office.add("partner", "{state: Ringing, for: 50s}", "{callee: [2851, 2852]}", action, "priority: 890")


def _template(office: Office) -> None:
    office.add(
        "dialled",
        "{state: Ringing, for: 50s}",
        f"{{callee: {office.member()}}}",
        "[{forward: '{{ dialedNumber }}'}]",
        "priority: 890",
    )


def _two_callees(office: Office) -> None:
    office.add("both", "{state: Ringing, for: 55s}", "[{callee: 2001}, {callee: 2002}]", "[hangup]")


def _not_of_the_team(office: Office) -> None:
    team = office.any_team()
    office.add(
        "odd", "{state: Ringing, for: 55s}", f"[{{use: to-{team}}}, {{callee: {{notIn: {team}Team}}}}]", "[hangup]"
    )


def _limits(office: Office) -> None:
    office.add("limits", "{state: InCall}", "{ringDuration: {gt: 20s, lt: 10s}}", "[hangup]")


def _counts(office: Office) -> None:
    active = "active: {{state: InCall, groupBy: [callee], {}}}"
    office.add(
        "counts", "{state: Ringing}", f"[{{{active.format('gte: 3')}}}, {{{active.format('lt: 2')}}}]", "[hangup]"
    )


def _in_and_out(office: Office) -> None:
    office.add(
        "hours-both", "{state: Ringing}", "[{schedule: {during: hours}}, {schedule: {outside: hours}}]", "[hangup]"
    )


def _hours_apart(office: Office) -> None:
    office.schedules["early"] = "{times: [06:00-08:00]}"
    office.schedules["noon"] = "{weekdays: [monday..friday], times: [11:30-13:00]}"
    office.add("apart", "{state: Ringing}", "[{schedule: {during: early}}, {schedule: {during: noon}}]", "[hangup]")


def _hours_inside(office: Office) -> None:
    office.schedules["day"] = "{times: [07:00-19:00]}"
    office.schedules["lunch"] = "{weekdays: [monday..friday], times: [12:00-13:00]}"
    office.add("inside", "{state: Ringing}", "[{schedule: {during: lunch}}, {schedule: {outside: day}}]", "[hangup]")


def _two_countries(office: Office) -> None:
    office.add(
        "countries", "{state: Ringing}", "[{caller: {startsWith: '+36'}}, {caller: {in: ['+44*', '+49*']}}]", "[hangup]"
    )


def _absent(office: Office) -> None:
    office.add("absent", "{state: Ringing}", "[{caller: {exists: false}}, {caller: {startsWith: '+36'}}]", "[hangup]")


def _other_state(office: Office) -> None:
    office.add("elsewhere", "{state: Ringing}", "{sessionState: InCall}", "[hangup]")


def _every_branch(office: Office) -> None:
    office.add(
        "branches",
        "{state: Ringing}",
        "[{callee: 2001}, {any: [{callee: 2002}, {callee: {in: [2003, 2004]}}]}]",
        "[hangup]",
    )


def _not_both(office: Office) -> None:
    office.add("negated", "{state: Ringing}", "[{direction: inbound}, {not: {direction: inbound}}]", "[hangup]")


def _holiday_only(office: Office) -> None:
    office.schedules["christmas"] = "{dates: [2026-12-25..2026-12-26], holidays: HU}"
    office.add("christmas-day", "{state: Ringing}", "{schedule: {during: christmas}, callee: 2001}", "[hangup]")


def _wrong_day(office: Office) -> None:
    office.schedules["inventory"] = "{weekdays: [saturday], dates: [2026-12-31]}"
    office.add("inventory-day", "{state: Ringing}", "{schedule: {during: inventory}, callee: 2001}", "[hangup]")


FAULTS: Final[tuple[Fault, ...]] = (
    ("outranked", _narrower_later),
    ("outranked", _everything_first),
    ("outranked", _copied),
    ("outranked", _longer_prefix),
    ("outranked", _higher_limit),
    ("outranked", _more_often),
    ("outranked", _either),
    ("outranked", _between_two),
    ("forward-cycle", _ring_of_two),
    ("forward-cycle", _ring_of_three),
    ("forward-cycle", _to_itself),
    ("forward-cycle", _back_from_the_desk),
    ("forward-cycle", _transfers_round),
    ("forward-cycle", _hunts_round),
    ("forward-cycle", _map_round),
    ("forward-cycle", _round_in_a_branch),
    ("forward-cycle", _night_to_itself),
    ("fight", _hold_and_unhold),
    ("fight", _two_owners),
    ("fight", _two_owners_of_callers),
    ("fight", _both_at_once),
    ("fight", _listen_and_stop),
    ("refused-destination", _abroad),
    ("refused-destination", _emergency),
    ("refused-destination", _abroad_on_failure),
    ("refused-destination", _abroad_in_hunt),
    ("refused-destination", _abroad_in_map),
    ("refused-destination", _template),
    ("contradiction", _two_callees),
    ("contradiction", _not_of_the_team),
    ("contradiction", _limits),
    ("contradiction", _counts),
    ("contradiction", _in_and_out),
    ("contradiction", _hours_apart),
    ("contradiction", _hours_inside),
    ("contradiction", _two_countries),
    ("contradiction", _absent),
    ("contradiction", _other_state),
    ("contradiction", _every_branch),
    ("contradiction", _not_both),
    ("never-open", _holiday_only),
    ("never-open", _wrong_day),
)
