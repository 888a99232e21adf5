"""Emergency calls: every country's numbers, in every spelling. The oracle is libphonenumber's own list of patterns."""

import re
from urllib.parse import quote

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from ozrules.rules.emergency import EVERYWHERE, FURTHER, NUMBERS, OF_LIBPHONENUMBER
from ozrules.rules.numbers import NumberPlan

BARE = NumberPlan()
HU = NumberPlan(country="HU")
NAMED = NumberPlan(country="HU", extensions=("_1XX", "_13XX", "_9XXX"))

numbers = st.sampled_from(sorted(NUMBERS))
three_digits = st.sampled_from(sorted(each for each in NUMBERS if len(each) >= 3))


def test_the_table_is_what_libphonenumber_lists_for_all_regions() -> None:
    patterns: set[str] = set()
    for region in phonenumbers.SUPPORTED_REGIONS:
        metadata = PhoneMetadata.short_metadata_for_region(region)
        if metadata is not None and metadata.emergency is not None and metadata.emergency.national_number_pattern:
            patterns.add(metadata.emergency.national_number_pattern)
    any_region = re.compile("|".join(f"(?:{pattern})" for pattern in sorted(patterns)))
    listed = {
        digits
        for length in range(2, 7)
        for number in range(10**length)
        if any_region.fullmatch(digits := str(number).zfill(length))
    }
    assert listed == OF_LIBPHONENUMBER


def test_what_we_add_is_not_in_the_library_and_names_its_country_and_source() -> None:
    for number, source in FURTHER.items():
        assert number not in OF_LIBPHONENUMBER
        assert re.match(r"[A-Z]{2}, ", source), source
        assert ": " in source


@given(numbers, st.sampled_from([None, "HU", "US", "JP", "ES"]))
def test_each_countrys_number_is_protected_in_each_country(number: str, country: str | None) -> None:
    assert NumberPlan(country=country).is_emergency(number)
    assert not NumberPlan(country=country).is_internal(number)


SPELLINGS = [
    "{}", "sip:{}@pbx", "<sip:{}@pbx;user=phone>", '"Name" <{}>', '"Room 7" <sip:{}@pbx.example:5060>', "tel:{}",
    "sips:{}@10.0.0.1", "PJSIP/{}@trunk", "SIP/trunk/{}", "Local/{}@from-internal/n", "DAHDI/g0/{}", "{}@pbx", "{}*",
    "{}#", "{}p", "{},1", "{}w5", "0,{}", "9p{}", "9{}", "0{}", "*67{}", "#31#{}", "+{}", "+36{}", "0036{}", "{};ext=1",
    " {} ", "\u202a{}\u202c",
]  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(three_digits)
def test_in_every_spelling(spelling: str, number: str) -> None:
    assert HU.is_emergency(spelling.format(number))
    assert BARE.is_emergency(spelling.format(number))


@given(three_digits, st.sampled_from(" -./()\u00a0\u200b\u00ad\u2011'"), st.sampled_from([0x660, 0x966, 0xFF10]))
def test_with_anything_between_and_in_every_script(number: str, between: str, zero: int) -> None:
    assert HU.is_emergency(between.join(number))
    assert HU.is_emergency("".join(chr(zero + int(digit)) for digit in number))
    encoded = "".join(f"%{ord(digit):02x}" for digit in number)
    assert HU.is_emergency(f"sip:{encoded}@pbx")
    assert HU.is_emergency(f"sip:{quote(encoded)}@pbx")


@pytest.mark.parametrize(
    "text",
    ["urn:service:sos", "URN:SERVICE:SOS", "urn:service:sos.police", "<urn:service:sos.fire>", "urn:service%3Asos"],
)
def test_a_service_that_is_named_and_not_dialled(text: str) -> None:
    assert BARE.is_emergency(text)


@pytest.mark.parametrize(
    "text",
    ["2001", "+36201234567", "0036201234567", "sip:2001@10.0.0.112", "sip:2001@pbx110.example:5060", "2001,112",
     "2001;ext=112", "PJSIP/trunk112/2001", "urn:service:sostenuto", "anonymous", "", "*97", "voicemail",
     '"Room 112" <sip:2001@pbx>', "+3611234567"],
)  # fmt: skip
def test_what_calls_for_nobodys_help(text: str) -> None:
    assert not HU.is_emergency(text)


def test_an_extension_that_the_office_has_named_is_one() -> None:
    assert not NAMED.is_emergency("101")  # police elsewhere
    assert not NAMED.is_emergency("1310")
    assert not NAMED.is_emergency("9101")
    assert NAMED.is_internal("101")
    assert NAMED.is_emergency("104")  # ambulance in Hungary
    for number in EVERYWHERE:
        assert NAMED.is_emergency(number)
        assert not NAMED.is_internal(number)
    unknown = NumberPlan(extensions=("_1XX",))
    assert not unknown.is_internal("110")


def test_digits_for_an_outside_line_can_be_named() -> None:
    office = NumberPlan(country="HU", outside_line=("8",))
    assert office.is_emergency("8112")
    assert office.is_emergency("8,999")
    assert not office.is_emergency("9101")
