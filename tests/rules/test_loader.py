"""Files to one rule set: names over files, defaults, order, revision, limits."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ozrules.rules import loader
from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.rules.document import Source
from ozrules.rules.loader import check, load, revision_of
from ozrules.rules.model import CalendarTrigger, Guards, StateTrigger

BAD = Path(__file__).parents[1] / "rules_bad"
RULE = "  - {{id: {id}, trigger: {{state: Ringing, for: 20s}}, actions: [hangup]{more}}}\n"


def source(text: str, name: str = "a.yaml", head: str = "ozrules: 1\n") -> Source:
    return Source(name, (head + text).encode())


def rule(name: str, more: str = "") -> str:
    return RULE.format(id=name, more=f", {more}" if more else "")


def codes(*sources: Source, secrets: frozenset[str] | None = None) -> list[str]:
    return [each.code for each in check(sources, secrets)[1]]


def test_several_files_are_read_in_the_order_of_their_names() -> None:
    rules = load([source("rules:\n" + rule("last"), "b.yaml"), source("rules:\n" + rule("first"), "a.yaml")])
    assert [(each.id, each.order, each.place.file) for each in rules.rules] == [
        ("first", 0, "a.yaml"),
        ("last", 1, "b.yaml"),
    ]


def test_names_are_known_in_all_files() -> None:
    uses = source("rules:\n" + rule("one", "conditions: {callee: {in: sales}, use: vip}"), "a.yaml")
    names = source("lists: {sales: [2001]}\nconditions: {vip: {caller: 2002}}\n", "b.yaml")
    assert codes(uses, names) == []


@pytest.mark.fault(68)
def test_a_name_is_one_thing() -> None:
    one = source("lists: {sales: [2001]}\n", "a.yaml")
    other = source("rules:\n" + rule("sales"), "b.yaml")
    (finding,) = [each for each in check([one, other])[1] if each.code == "duplicate-name"]
    assert str(finding.place).startswith("b.yaml:3:")
    assert str(finding.related[0].place) == "a.yaml:2:9"


def test_some_defaults_hold_for_all_files_and_some_for_their_own() -> None:
    first = source(
        "defaults: {country: HU, timezone: Europe/Budapest, onMissed: skip, missedGrace: 30s}\nrules:\n" + rule("one"),
        "a.yaml",
    )
    second = source("rules:\n" + rule("two") + rule("three", "onMissed: fire, missedGrace: 1m"), "b.yaml")
    rules = load([first, second])
    assert rules.numbers.country == "HU"
    assert [(each.on_missed, each.missed_grace) for each in rules.rules] == [
        ("skip", 30.0),
        ("fireIfStill", 5.0),
        ("fire", 60.0),
    ]


def test_the_time_zone_is_that_of_the_file() -> None:
    text = 'rules: [{id: r, trigger: {at: "18:00"}, actions: [{log: closing}]}]\n'
    rules = load(
        [
            source("defaults: {timezone: Europe/Budapest}\n" + text, "a.yaml"),
            source("defaults: {timezone: Asia/Tokyo}\n" + text.replace("r,", "s,"), "b.yaml"),
        ]
    )
    triggers = [each.triggers[0] for each in rules.rules]
    assert [each.cron.timezone for each in triggers if isinstance(each, CalendarTrigger)] == [
        "Europe/Budapest",
        "Asia/Tokyo",
    ]


def test_two_countries_are_a_conflict() -> None:
    assert codes(source("defaults: {country: HU}\n", "a"), source("defaults: {country: DE}\n", "b")) == [
        "conflicting-default"
    ]
    assert codes(source("defaults: {country: HU}\n", "a"), source("defaults: {country: HU}\n", "b")) == []


def test_a_set_without_guards_has_strict_ones() -> None:
    assert load([source("rules:\n" + rule("one"))]).guards == Guards()


def test_a_broken_file_hides_no_fault_of_another() -> None:
    broken = source("lists: [", "a.yaml")
    other = source("rules:\n" + rule("one", "conditions: {callee: {in: sales}}, mode: singel"), "b.yaml")
    assert codes(broken, other) == ["not-yaml", "unknown-value"]


def test_secrets_are_checked_where_they_are_known() -> None:
    text = "rules: [{id: r, trigger: {state: InCall}, actions: [{sendDtmf: {to: callee, keys: {secret: pin}}}]}]\n"
    assert codes(source(text)) == []
    assert codes(source(text), secrets=frozenset()) == ["unknown-secret"]
    assert load([source(text)], frozenset({"pin"})).secrets == {"pin"}


def test_the_revision_depends_on_names_and_bytes_and_not_on_order() -> None:
    one, two = source("rules: []\n", "a"), source("rules: []\n", "b")
    assert revision_of([one, two]) == revision_of([two, one])
    assert revision_of([one]) != revision_of([two])
    assert revision_of([one]) != revision_of([Source("a", one.data + b"#")])
    assert load([one]).revision.startswith("sha256:")


def test_load_raises_everything_at_once() -> None:
    with pytest.raises(DocumentInvalid) as raised:
        load([source("rules:\n" + rule("one", "mode: x, status: y, priority: z"))])
    assert [each.code for each in raised.value.diagnostics] == ["unknown-value", "unknown-value", "bad-number"]


def test_warnings_do_not_stop_a_set() -> None:
    rules, findings = check([source("lists: {sales: [2001]}\nrules:\n" + rule("one"))])
    assert rules is not None
    assert [(each.severity, each.code) for each in findings] == [("warning", "unused-list")]


def test_the_number_of_rules_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "MAX_RULES", 2)
    assert codes(source("rules:\n" + "".join(rule(f"r{number}") for number in range(3)))) == ["too-many"]


def test_all_files_together_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "MAX_ALL", 30)
    assert codes(source("rules: []\n", "a"), source("rules: []\n", "b")) == ["file-too-large"]


def test_no_files_are_no_rules() -> None:
    assert load([]).rules == ()


def test_a_trigger_has_an_id() -> None:
    text = "rules: [{id: r, trigger: {any: [{state: Ringing}, {state: InCall, id: talk}]}, actions: [hangup]}]\n"
    (one,) = load([source(text)]).rules
    assert [each.id for each in one.triggers] == ["0", "talk"]
    assert all(isinstance(each, StateTrigger) for each in one.triggers)


# --- any text -------------------------------------------------------------------------------------------------------

CORPUS = [path.read_bytes() for path in sorted(BAD.glob("*.yaml")) if path.stat().st_size < 2000]
_WORDS = """ozrules rules id trigger state for any at conditions callee in use actions forward to hangup choose if then
else lists schedules times guards destinations allow history within gte not all exists regex waitFor timeout log set"""
KEYS = st.sampled_from(_WORDS.split())
VALUES = st.sampled_from(
    ["1", "Ringing", "20s", "2001", '"{{ caller }}"', "hangup", "18:00", "sales", "true", "", "held", "*1", "~"]
)
NODES: st.SearchStrategy[str] = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]")
        | st.dictionaries(KEYS, inner, max_size=3).map(
            lambda parts: "{" + ", ".join(f"{key}: {value}" for key, value in parts.items()) + "}"
        )
    ),
    max_leaves=12,
)


def read_or_refused(data: bytes) -> None:
    """Nothing but DocumentInvalid is raised, and that with an error; check says the same without raising."""
    rules, findings = check([Source("f.yaml", data)])
    if rules is None:
        assert any(each.severity == "error" for each in findings)
        with pytest.raises(DocumentInvalid):
            load([Source("f.yaml", data)])
    else:
        assert load([Source("f.yaml", data)]) == rules


@settings(deadline=None)
@given(st.sampled_from(CORPUS), st.integers(0, 2000), st.integers(0, 20), st.binary(max_size=6))
def test_any_damage_to_a_file_is_read_or_refused(data: bytes, start: int, length: int, with_what: bytes) -> None:
    read_or_refused(data[:start] + with_what + data[start + length :])


@settings(deadline=None)
@given(st.dictionaries(KEYS, NODES, max_size=5))
def test_any_mapping_is_read_or_refused(parts: dict[str, str]) -> None:
    read_or_refused(b"ozrules: 1\n" + "".join(f"{k}: {v}\n" for k, v in parts.items() if k != "ozrules").encode())


@settings(deadline=None)
@given(st.dictionaries(KEYS, NODES, max_size=6))
def test_any_rule_is_read_or_refused(parts: dict[str, str]) -> None:
    body = "".join(f"    {key}: {value}\n" for key, value in parts.items() if key != "ozrules")
    read_or_refused(b"ozrules: 1\nrules:\n  - ozrules: 1\n" + body.encode())


@pytest.mark.fault(68)
def test_of_a_key_given_twice_both_places_are_shown() -> None:
    twice = source("rules:\n" + rule("one") + "defaults: {timezone: UTC}\ndefaults: {country: HU}\n")
    (finding,) = [each for each in check([twice])[1] if each.code == "duplicate-key"]
    assert str(finding.place) == "a.yaml:5:1"
    assert [str(each.place) for each in finding.related] == ["a.yaml:4:1"]


@pytest.mark.fault(68)
def test_of_a_rule_given_twice_in_two_files_both_places_are_shown() -> None:
    (finding,) = check([source("rules:\n" + rule("one"), "a.yaml"), source("rules:\n" + rule("one"), "b.yaml")])[1]
    assert finding.code == "duplicate-name"
    assert str(finding.place).startswith("b.yaml:3:")
    assert str(finding.related[0].place).startswith("a.yaml:3:")
