import re
import unicodedata

import msgspec
import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ozrules.rules.numbers import (
    CACHED,
    NumberPlan,
    PatternInvalid,
    compact,
    is_country,
    is_withheld,
    pattern_predicate,
    phone_expression,
)

HU = NumberPlan(country="HU")
US = NumberPlan(country="US")
BARE = NumberPlan()
DIALLED = st.from_regex(r"[+]?[0-9*#]{1,20}", fullmatch=True)
ANYTHING = st.one_of(st.text(max_size=30), DIALLED, st.from_regex(r"[+]?[0-9 ()./-]{1,24}", fullmatch=True))


@pytest.mark.parametrize(
    "text",
    ["+36201234567", "0036201234567", "06201234567", "36201234567", "06 20 123-4567", "(06) 20/123.4567", "201234567"],
)
def test_every_spelling_of_a_number_has_one_normal_form(text: str) -> None:
    assert HU.normal(text) == "+36201234567"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2001", "2001"),  # an extension keeps its dialled form
        ("06901234", "+36901234"),  # national, though no valid number: it still leaves the office
        ("+999123", "+999123"),
        ("*72", "*72"),
        ("#21#", "#21#"),
        ("anonymous", "anonymous"),
        ("1-800-FLOWERS", "1-800-FLOWERS"),
        ("", ""),
        ("+", "+"),
        ("1" * 40, "1" * 40),
    ],
)
def test_what_has_no_international_form_stays(text: str, normal: str) -> None:
    assert HU.normal(text) == normal


def test_without_a_country_numbers_stay_as_dialled() -> None:
    assert BARE.normal("06 20 123 4567") == "06201234567"
    assert BARE.normal("+36201234567") == "+36201234567"


@given(ANYTHING)
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    for plan in (HU, US, BARE):
        normal = plan.normal(text)
        assert plan.normal(normal) == normal
        assert plan.is_emergency(text) or not plan.is_emergency(normal)
        if plan.destination(text) is not None:
            assert plan.is_emergency(text) == plan.is_emergency(normal)


@pytest.mark.fault(71)
def test_wide_digits_match_as_ascii_and_never_become_a_destination() -> None:
    wide = "\uff0b\uff13\uff16\uff12\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17"
    assert HU.normal(wide) == "+36201234567"
    assert HU.destination(wide) is None


@pytest.mark.fault(71)
@given(
    st.text(st.characters(categories=["Nd"], exclude_characters="0123456789"), min_size=1, max_size=11),
    st.sampled_from(["", "+", "06", "112"]),
)
def test_digits_of_other_scripts_are_no_destination(digits: str, start: str) -> None:
    text = start + digits
    assert HU.destination(text) is None
    normal = HU.normal(text)
    if not unicodedata.normalize("NFKC", text).isascii():
        assert normal == text
        assert not HU.is_internal(text)
    else:
        assert normal.isascii()


@pytest.mark.fault(71)
@pytest.mark.parametrize("hidden", ["2\u200b001", "20\u202e01", "\u2066+36201234567", "2001\u0000", "2001\n"])
def test_invisible_characters_make_no_number(hidden: str) -> None:
    assert HU.normal(hidden) == hidden
    assert not HU.is_internal(hidden)
    assert HU.destination(hidden) is None


@pytest.mark.fault(89)
@pytest.mark.parametrize(
    "text",
    ["*72", "*720690123456", "#21#", "##", "0690123456#", "06*90123456", "+", "", "++36201234567", "2001,1", "2001;9",
     "2001&2002", "2001@trunk", "2001/1", " 2001", "06 20 123 4567", "1" * 21, "sip:2001", "2001\r\nHangup"],
)  # fmt: skip
def test_what_is_not_plain_dialling_is_no_destination(text: str) -> None:
    assert HU.destination(text) is None


@pytest.mark.fault(89)
@given(ANYTHING)
def test_a_destination_is_plain_ascii_and_normal(text: str) -> None:
    number = HU.destination(text)
    if number is not None:
        assert re.fullmatch(r"\+?[0-9]{1,20}", text)
        assert re.fullmatch(r"\+?[0-9]{1,24}", number)
        assert number == HU.normal(text)


@pytest.mark.fault(89)
@pytest.mark.parametrize("text", ["+3690123456", "003690123456", "0690123456", "3690123456", "0690123", "00369012"])
def test_no_way_of_dialling_hides_a_premium_number_from_a_deny_list(text: str) -> None:
    number = HU.destination(text)
    assert number is not None
    assert HU.listed(["+3690*"])(number)
    assert HU.listed(["0690*"])(number)


@pytest.mark.fault(89)
@given(st.from_regex(r"90[0-9]{6}", fullmatch=True), st.sampled_from(["+36", "0036", "06"]))
def test_premium_numbers_have_one_beginning(national: str, start: str) -> None:
    assert HU.normal(start + national) == "+36" + national


EMERGENCIES = {
    "HU": ("112", "104", "105", "107"),
    "US": ("911", "112"),
    "GB": ("999", "112"),
    "FR": ("15", "17", "18", "112"),
    "AU": ("000", "112"),
}
CODES = {"HU": "36", "US": "1", "GB": "44", "FR": "33", "AU": "61"}


@pytest.mark.fault(45)
@pytest.mark.parametrize("country", sorted(EMERGENCIES))
@pytest.mark.parametrize("form", ["{}", "+{}", "0{}", "9{}", "+{cc}{}", "{cc}{}", "*31#{}", "#31#{}", "*67{}", "{}#"])
def test_emergency_numbers_are_known_in_every_form(country: str, form: str) -> None:
    plan = NumberPlan(country=country)
    for number in EMERGENCIES[country]:
        text = form.format(number, cc=CODES[country])
        assert plan.is_emergency(text), text
        assert plan.normal(text) in EMERGENCIES[country]
        assert not plan.is_internal(text)


@pytest.mark.fault(45)
def test_emergency_numbers_are_known_through_the_national_and_the_international_prefix() -> None:
    assert HU.is_emergency("06112")
    assert HU.is_emergency("0036112")
    assert HU.is_emergency("1 1 2")
    assert HU.is_emergency("0,112")
    assert US.is_emergency("9911")
    assert BARE.is_emergency("112")
    assert BARE.is_emergency("911")


@pytest.mark.parametrize("text", ["2112", "1120", "11", "+36201234567", "0611234567", "", "*72112233"])
def test_other_numbers_are_no_emergency(text: str) -> None:
    assert not HU.is_emergency(text)


def test_an_extension_that_the_office_named_keeps_its_outside_digit() -> None:
    assert HU.is_emergency("9112")
    named = NumberPlan(country="HU", extensions=("_9XXX",))
    assert not named.is_emergency("9112")
    assert named.is_internal("9112")
    assert named.is_emergency("112")


def test_two_to_six_digits_are_internal_unless_set() -> None:
    assert [HU.is_internal("2" + "0" * count) for count in range(7)] == [False, True, True, True, True, True, False]
    assert not HU.is_internal("+2001")
    assert not HU.is_internal("112")
    assert not HU.is_internal("reception")
    office = NumberPlan(country="HU", extensions=("_2XXX", "9"))
    assert office.is_internal("2001")
    assert office.is_internal("9")
    assert not office.is_internal("3001")


def test_a_list_knows_numbers_and_beginnings() -> None:
    vip = HU.listed(["06201112222", "+441632960*", "2001", "00*"])
    assert vip("+36201112222")
    assert vip("00441632960123")
    assert vip("2001")
    assert not vip("2002")
    assert not vip("+36301112222")  # "00*" means what was dialled with 00, not every number
    assert not HU.listed([])("2001")


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("_NXXXXXX", ["2345678"], ["1345678", "23456789", "+2345678"]),
        ("_36[237]0.", ["36201", "36301234567"], ["3620", "36401"]),
        ("_2!", ["2", "2001"], ["3"]),
        ("_Z[13-5]", ["11", "94"], ["01", "12"]),
        ("_1-XX", ["123"], ["1-23"]),
        ("_+36.", ["+3612"], ["3612"]),
        ("_*7x", ["*71"], ["77"]),
        ("20??", ["2001"], ["201", "3001"]),
        ("*99", ["0699", "99"], ["990"]),
        ("[ab]*", ["alice", "b"], ["carol"]),
        ("2001", ["2001"], ["20011"]),
    ],
)
def test_patterns_and_globs(pattern: str, yes: list[str], no: list[str]) -> None:
    matches = pattern_predicate(pattern)
    assert [text for text in yes + no if matches(text)] == yes


@pytest.mark.parametrize("pattern", ["_", "_A", "_2[5-1]", "_[]", "_2.X", "_[-]", "_[1", "_2!!"])
def test_a_pattern_that_means_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(PatternInvalid):
        pattern_predicate(pattern)


def test_an_extension_is_a_pattern_or_a_number() -> None:
    assert phone_expression("2001") == "2001"
    with pytest.raises(PatternInvalid, match="underscore"):
        phone_expression("2XXX")


@given(st.text(st.sampled_from("XZNxzn0123456789*#+.![]-_a"), max_size=12), st.text("0123456789*#+", max_size=12))
@example("_[1-9-]", "1")
def test_a_pattern_is_refused_or_works(text: str, number: str) -> None:
    try:
        matches = pattern_predicate("_" + text)
    except PatternInvalid:
        return
    assert matches(number) in (True, False)


def test_a_plan_is_a_value() -> None:
    plan = NumberPlan(country="HU", extensions=("_2XXX",))
    plan.normal("2001")
    again = msgspec.json.decode(msgspec.json.encode(plan), type=NumberPlan)
    assert again == plan
    assert hash(again) == hash(plan)


def test_memory_for_numbers_is_bounded() -> None:
    plan = NumberPlan()
    for number in range(CACHED + 100):
        plan.normal(f"+36{number:09}")
    assert plan.normal.cache_info().currsize == CACHED  # type: ignore[attr-defined]  # lru_cache's own window


def test_countries() -> None:
    assert is_country("HU")
    assert not is_country("hu")
    assert not is_country("XX")


def test_compact() -> None:
    assert compact("(06) 20/123.45-67") == "06201234567"
    assert compact("12a") is None


def test_a_typed_beginning_stands_for_the_beginning_of_normal_forms() -> None:
    assert HU.prefixes("0620") == ("0620", "+3620")
    assert HU.prefixes("0044") == ("0044", "+44")
    assert HU.prefixes("+3620") == ("+3620",)
    assert HU.prefixes("20") == ("20",)
    assert BARE.prefixes("0620") == ("0620",)


# --- what an admin means by a beginning -----------------------------------------------------------------------------


def national(country: str) -> str:
    """An example of a number of this country, as it is dialled there, and its E.164 form behind it."""
    example = phonenumbers.example_number(country)
    assert example is not None
    return phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)


def e164(country: str) -> str:
    example = phonenumbers.example_number(country)
    assert example is not None
    return phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)


NO_TRUNK_DIGIT = sorted(
    region
    for region in phonenumbers.SUPPORTED_REGIONS
    if (metadata := phonenumbers.PhoneMetadata.metadata_for_region(region)) is not None
    and (metadata.national_prefix is None or metadata.country_code == 1)
    and phonenumbers.example_number(region) is not None
)


@pytest.mark.fault(89)
@pytest.mark.parametrize("country", NO_TRUNK_DIGIT)
def test_a_national_beginning_covers_the_number_that_is_dialled_so(country: str) -> None:
    plan = NumberPlan(country=country)
    dialled = re.sub(r"[^0-9]", "", national(country))
    listed = plan.listed([f"{dialled[:3]}*"])
    assert listed(dialled)
    assert listed(e164(country))


@pytest.mark.fault(89)
@pytest.mark.parametrize(
    "typed", ["+36 90*", "06-90*", "06 90*", "0036 90*", "00 36-90*", "3690*", "(06) 90*", "+36/90*"]
)
@pytest.mark.parametrize("number", ["+3690123456", "0690123456", "003690123456", "3690123456", "06 90 123 456"])
def test_separators_and_ways_of_dialling_do_not_count_in_a_beginning(typed: str, number: str) -> None:
    assert HU.listed([typed])(number)
    assert not HU.listed([typed])("+3620123456")


@pytest.mark.parametrize(
    ("country", "typed"),
    [("HU", "00"), ("AU", "0011"), ("US", "011"), ("HU", "0"), ("DE", "0"), ("US", "01"), ("HU", "20123456")],
)
def test_a_beginning_that_names_no_numbers_is_said(country: str, typed: str) -> None:
    assert NumberPlan(country=country).beginning_problem(typed) is not None


@pytest.mark.parametrize(
    ("country", "typed"),
    [("HU", "+"), ("HU", "06"), ("HU", "2"), ("HU", "0044"), ("AU", "001144"), ("US", "1900"), ("ES", "8")],
)
def test_a_beginning_that_names_numbers_is_taken(country: str, typed: str) -> None:
    assert NumberPlan(country=country).beginning_problem(typed) is None


def test_a_beginning_of_named_extensions_names_no_others() -> None:
    office = NumberPlan(country="ES", extensions=("_9XX", "_70."))
    assert office.prefixes("91") == ("91",)
    assert office.prefixes("701") == ("701",)
    assert office.prefixes("912345") == ("912345", "+34912345")
    assert NumberPlan(country="ES").prefixes("91") == ("91", "+3491")


def test_a_digit_for_an_outside_line_may_stand_before_a_beginning() -> None:
    office = NumberPlan(country="DE", outside_line=("0",))
    assert office.listed(["00190*"])("+49190123456")  # 0 for the line, 0190 nationally
    assert office.listed(["000 44*"])("+441632960961")
    assert NumberPlan(country="US", outside_line=("9",)).listed(["9 1 900*"])("+19002345678")


@pytest.mark.fault(89)
@pytest.mark.parametrize(
    ("country", "number"),
    [("FR", "118218"), ("FR", "3615"), ("ES", "11888"), ("CH", "1818"), ("DE", "11833"), (None, "118118")],
)
def test_public_short_numbers_are_not_internal_unless_the_office_says_so(country: str | None, number: str) -> None:
    assert not NumberPlan(country=country).is_internal(number)
    assert not NumberPlan(country=country).is_internal("0" + number[:3])
    assert NumberPlan(country=country, extensions=(number,)).is_internal(number)


# --- callers as trunks and phones tell them -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["tel:+36-1-234-5678", "sip:+3612345678@trunk.example;user=phone", '"Kovács" <sip:0612345678@10.0.0.1:5060>',
     "<tel:+3612345678;ext=12>", "+36 1 234 5678 ext. 12", "06 1 234 5678 x12", "+3612345678,12", "+3612345678@pbx",
     "tel:+3612345678;phone-context=example.com", "+36 1 234 5678 extension 12", "0,0612345678"],
)  # fmt: skip
def test_an_address_or_an_extension_around_a_number_leaves_it_the_number(text: str) -> None:
    expected = "+3612345678" if not text.startswith("0,") else HU.normal("00612345678")
    assert HU.normal(text) == expected


@pytest.mark.parametrize("text", ["sip:kovacs@example.com", "Kovács", "a@b", "<>", "tel:", "x12", "urn:service:sos"])
def test_what_holds_no_number_stays_as_it_is(text: str) -> None:
    assert HU.normal(text) == text


@pytest.mark.parametrize(
    "text",
    ["anonymous", "Anonymous", "unknown", "<unknown>", "restricted", "", " ", "sip:anonymous@anonymous.invalid",
     '"Anonymous" <sip:anonymous@anonymous.invalid>', "unavailable", "PRIVATE", "anonymous@10.0.0.1"],
)  # fmt: skip
def test_a_withheld_number_has_many_words(text: str) -> None:
    assert is_withheld(text)


@pytest.mark.parametrize("text", ["2001", "+3612345678", "Anna", '"Anonymous" <2001>', "unknown-2001"])
def test_other_callers_are_not_withheld(text: str) -> None:
    assert not is_withheld(text)
