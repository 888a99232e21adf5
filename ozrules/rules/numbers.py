"""Phone numbers: what is internal, and the one form in which two spellings of a number are compared.

A phone system shows a caller as its trunk delivers it: ``06 20 123 4567``, ``0036201234567``, ``+36201234567``. All of
these have one normal form. What cannot be a number (``anonymous``, a letter, a digit of another script) has none and
stays as it is: it equals only itself, and it is never dialled.

Emergency numbers come first in everything: ``112`` stays ``112`` in whatever form it is dialled, and is never internal.
Those of the office's country have a normal form; those of all countries are protected (see `ozrules.rules.emergency`).
Source of numbering plans: Google's libphonenumber, through phonenumberslite.

Matching is generous (NFKC, spaces and dashes do not count); a destination is not: see `NumberPlan.destination`.
"""

import fnmatch
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Final

import msgspec
import phonenumbers
from phonenumbers import (
    CountryCodeSource,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    shortnumberinfo,
)

from ozrules.rules.emergency import EVERYWHERE, NUMBERS, SOS, readings

CACHED: Final = 16384  # numbers kept for each plan; the engine asks for the same few on every event
ANY_EXTENSION: Final = "_[0-9]X", "_[0-9]XX", "_[0-9]XXX", "_[0-9]XXXX", "_[0-9]XXXXX"
"""What may be an extension where the office does not say: 2 to 6 digits."""
OUTSIDE_LINE: Final = ("0", "9")
"""Digits that ask for an outside line where the office does not say which."""

_DIRECTORY: Final = ("118",)  # public information services in most of Europe (CEPT ECTRA/REC(97)01)
_ABROAD: Final = ("00", "011", "0011", "810", "001")
_CODES: Final = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
_SEPARATORS: Final = str.maketrans("", "", " -./(),")  # a comma is a pause while dialling
_ADDRESS: Final = re.compile(
    r"""\s*(?:[^<>]*<\s*)?                    # "Name" <
        (?:(?:sips?|tel):)?
        (?P<user>[^@;?<>:]*)
        (?:[@;?][^<>]*)?                      # host, parameters
        >?\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_EXTENSION: Final = re.compile(r"\s*(?:ext(?:ension)?\.?|x)\s*[0-9]{1,8}\s*$", re.IGNORECASE | re.ASCII)
_LINE_DIGITS: Final = 2  # at most so many ask for an outside line, before a pause
_WITHHELD: Final = frozenset(
    {"", "anonymous", "unknown", "restricted", "private", "unavailable", "withheld", "blocked"}
)
_NUMBER: Final = re.compile(r"\+?[0-9*#]{1,32}", re.ASCII)
_DESTINATION: Final = re.compile(r"\+?[0-9*#]{1,20}", re.ASCII)
_PATTERN: Final = re.compile(r"(?:[0-9*#+XxZzNn-]|\[[0-9*#-]+\])*[.!]?", re.ASCII)
_ANYTHING: Final = (".+", ".*")
_LONGEST_EXTENSION: Final = 6
_NORTH_AMERICA: Final = "1"  # its numbers are dialled with the digit before national numbers, or without
_LETTER_SETS: Final = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": ".+", "!": ".*", "-": "", "+": r"\+", "*": r"\*"}


class PatternInvalid(ValueError):
    """A pattern that no phone number could be compared with. The text says what is wrong with it."""


class NumberPlan(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """How this office writes numbers.

    ``country`` is the ISO 3166 code by which national numbers become E.164; ``extensions`` are the phone-world
    patterns of internal numbers; ``outside_line`` are the digits that are dialled for an outside line.

    Where no extensions are set, internal are numbers of 2 to 6 digits that do not begin with 0, are no emergency number
    of any country, and no public short number of this country.
    """

    country: str | None = None
    extensions: tuple[str, ...] = ()
    outside_line: tuple[str, ...] = ()

    @cached_property
    def normal(self) -> Callable[[str], str]:
        """``normal(text)``: the form in which numbers are compared. A second asking costs one look-up.

        E.164 where the country's plan makes that possible, the dialled form for extensions, short numbers and key
        codes, the bare number for an emergency number. Of an address (RFC 3261, 3966) the number counts, without host,
        parameters and extension: ``tel:+36-1-234-5678;ext=12``, ``06 1 234 5678 ext. 12``, ``+3612345678,12``. A text
        that is no number comes back unchanged.
        """
        return lru_cache(CACHED)(self._normal)

    @cached_property
    def is_internal(self) -> Callable[[str], bool]:
        """``is_internal(text)``: whether this is one of the office's own extensions. Never for an emergency number."""
        return lru_cache(CACHED)(self._is_internal)

    @cached_property
    def is_emergency(self) -> Callable[[str], bool]:
        """``is_emergency(text)``: whether this callee or destination, in any spelling, may call for help anywhere.

        Generous: all countries' numbers count. Of an extension that the office has named only the emergency numbers of
        its own country and those of every mobile phone do.
        """
        return lru_cache(CACHED)(lambda text: any(map(self._calls_for_help, readings(text))))

    def destination(self, text: str) -> str | None:
        """The normal form of ``text`` as a place to send a call to, or None where it can be none.

        Only ASCII ``+``, digits, ``*`` and ``#``, at most 20 of them. Codes (``*72…``, ``#21#``) set features of the
        phone system, and a key inside a number could hide it from the lists of the guards: all of these are refused.
        """
        if _DESTINATION.fullmatch(text) is None or "*" in text or "#" in text:
            return None
        return self.normal(text)

    def listed(self, entries: Iterable[str]) -> Callable[[str], bool]:
        """Whether a number is on a list: equal to an entry in normal form, or beginning with one that ends in ``*``.

        A prefix may be written as nationally dialled: ``0690*`` is ``+3690*`` too.
        """
        texts = tuple(entries)
        exact = frozenset(self.normal(text) for text in texts if not text.endswith("*"))
        prefixes = tuple(start for text in texts if text.endswith("*") for start in self.prefixes(text[:-1]))

        def on_list(text: str) -> bool:
            number = self.normal(text)
            return number in exact or (bool(prefixes) and (text.startswith(prefixes) or number.startswith(prefixes)))

        return on_list

    def prefixes(self, start: str) -> tuple[str, ...]:
        """The beginnings of numbers that a typed beginning stands for; separators do not count.

        In Hungary ``06 20`` is ``+3620`` too, and so are ``00 36 20`` and ``3620``. Where a country dials no digit
        before a national number, as Spain and the USA do not need to, ``806`` is ``+34806`` too.
        """
        typed = compact(start) or start
        return tuple(dict.fromkeys((typed, *self._prefixes(typed))))

    def beginning_problem(self, start: str) -> str | None:
        """Why a typed beginning cannot say which numbers it means, and what to write; None where it can."""
        typed = compact(start)
        if typed is None or self._metadata is None or not typed.isdecimal():
            return None
        metadata = self._metadata
        abroad = metadata.international_prefix or "$^"
        trunk = metadata.national_prefix or ""
        if re.fullmatch(abroad, typed):
            return f"every number abroad begins with {typed}: write +, then the country's code, as in +44*"
        if any(re.fullmatch(abroad, each) and each.startswith(typed) for each in _ABROAD) or (
            trunk.startswith(typed) and typed != trunk
        ):
            return f"no number is told by {typed} alone: write what follows it too"
        if len(typed) > _LONGEST_EXTENSION and not any(self._prefixes(typed)):
            return f"no number of {self.country} begins with {typed}: write +{metadata.country_code}, then the number"
        return None

    @cached_property
    def _extension(self) -> re.Pattern[str]:
        return re.compile("|".join(phone_expression(each) for each in self.extensions or ANY_EXTENSION), re.ASCII)

    @cached_property
    def _metadata(self) -> PhoneMetadata | None:
        return PhoneMetadata.metadata_for_region(self.country) if self.country else None

    def _normal(self, text: str) -> str:
        number = compact(_number_in(text))
        if number is None:
            return text
        emergency = self._emergency(number)
        if emergency is not None:
            return emergency
        if self._extension.fullmatch(number) or "*" in number or "#" in number or self._metadata is None:
            return number
        return self._e164(number, self._metadata)

    def _is_internal(self, text: str) -> bool:
        number = compact(text)
        if number is None or self._extension.fullmatch(number) is None or self.is_emergency(text):
            return False
        return bool(self.extensions) or not (number.startswith(("0", *_DIRECTORY)) or self._is_public(number))

    def _is_public(self, number: str) -> bool:
        """Whether the public network of the country has such a short number: an information service, say."""
        if self._metadata is None or self.country is None:
            return False
        parsed = PhoneNumber(country_code=self._metadata.country_code, national_number=int(number))
        return shortnumberinfo.is_valid_short_number_for_region(parsed, self.country)

    def _is_named(self, number: str) -> bool:
        return bool(self.extensions) and self._extension.fullmatch(number) is not None

    def _e164(self, number: str, metadata: PhoneMetadata) -> str:
        try:
            parsed = phonenumbers.parse(number, self.country, keep_raw_input=True)
        except NumberParseException:
            return number
        international = parsed.country_code_source in (
            CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN,
            CountryCodeSource.FROM_NUMBER_WITH_IDD,
        )
        if international or phonenumbers.is_valid_number(parsed):
            return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
        # dialled as a national number and too long or short for one: still a call that leaves the office
        trunk = metadata.national_prefix
        if trunk and number.startswith(trunk) and number != trunk:
            return f"+{metadata.country_code}{number.removeprefix(trunk)}"
        return number

    def _prefixes(self, typed: str) -> Iterator[str]:
        """A dialled beginning as beginnings of normal forms, besides itself."""
        metadata = self._metadata
        if metadata is None or not typed.isdecimal() or self._may_begin_an_extension(typed):
            return
        code = str(metadata.country_code)
        trunk = metadata.national_prefix
        for lead in ("", *self.outside_line):
            dialled = typed.removeprefix(lead)
            if not typed.startswith(lead) or not dialled:
                continue
            abroad = re.match(metadata.international_prefix or "$^", dialled)
            if abroad:
                if abroad.end() < len(dialled):
                    yield "+" + dialled[abroad.end() :]
                continue
            if dialled.startswith(code) and dialled != code:
                yield "+" + dialled
            if trunk and dialled.startswith(trunk):
                yield f"+{code}{dialled.removeprefix(trunk)}"
            elif not trunk or code == _NORTH_AMERICA:
                yield f"+{code}{dialled}"

    def _may_begin_an_extension(self, typed: str) -> bool:
        """Whether an extension that the office has named may begin with these digits."""
        return any(_may_begin(phone_parts(each), typed) for each in self.extensions)

    def _emergency(self, number: str | None) -> str | None:
        """The emergency number that ``number`` dials, or None.

        Whatever stands before it: plus, country code, trunk prefix, the digit for an outside line, a code that hides
        the caller. An extension that the office has named itself keeps its first digit.
        """
        if number is None or len(number) > 16:
            return None
        digits = number.rstrip("#")
        if digits.startswith(("*", "#")):
            return next((digits[-n:] for n in (2, 3, 4, 5, 6) if len(digits) > n and self._helps(digits[-n:])), None)
        digits = digits.removeprefix("+")
        forms = [digits]
        if digits[:1] in (self.outside_line or OUTSIDE_LINE) and not self._is_named(digits):
            forms.append(digits[1:])
        if self._metadata is not None:
            code = str(self._metadata.country_code)
            abroad = re.match(self._metadata.international_prefix or "$^", digits)
            national = digits[abroad.end() :] if abroad else digits
            forms += [national, national.removeprefix(code), digits.removeprefix(self._metadata.national_prefix or "")]
        return next((form for form in forms if self._helps(form)), None)

    def _helps(self, digits: str) -> bool:
        """Whether this is an emergency number of the office's own country, or one of every mobile phone's two."""
        if not 2 <= len(digits) <= 6 or not digits.isdecimal():
            return False
        if self.country is None:
            return digits in ("112", "911")
        return digits == "112" or shortnumberinfo.is_emergency_number(digits, self.country)

    def _calls_for_help(self, dialled: str) -> bool:
        """Whether these keys may reach an emergency service of any country; ``dialled`` is one of `readings`."""
        if dialled == SOS or self._emergency(dialled) is not None:
            return True
        keys = dialled.rstrip("*#")
        if self._is_named(keys):
            return keys in EVERYWHERE
        if keys.startswith(("*", "#")):
            return any(len(keys) > n + 2 and keys[-n:] in NUMBERS for n in (3, 4, 5, 6))  # *67112, and not *100
        digits = keys.removeprefix("+")
        return digits in NUMBERS or any(len(rest) > 2 and rest in NUMBERS for rest in self._without_lead(keys, digits))

    def _without_lead(self, keys: str, digits: str) -> Iterator[str]:
        """``digits`` without what may be dialled before them: digits for a line, for abroad, a country's code."""
        if keys.startswith("+"):
            yield from _without_code(digits)
            return
        trunk = (self._metadata.national_prefix or "") if self._metadata is not None else ""
        for lead in dict.fromkeys(("", trunk, *(self.outside_line or OUTSIDE_LINE))):
            if digits.startswith(lead):
                rest = digits.removeprefix(lead)
                yield rest
                for prefix in _ABROAD:
                    if rest.startswith(prefix):
                        yield from _without_code(rest.removeprefix(prefix))


def _without_code(digits: str) -> Iterator[str]:
    """An international number as it is, and without the code of its country."""
    yield digits
    yield from (
        digits[n:] for n in (1, 2, 3) if digits[:1] != "0" and digits[:n].isdecimal() and int(digits[:n]) in _CODES
    )


def compact(text: str) -> str | None:
    """A number without its separators, in ASCII, or None where the text is no number."""
    number = text
    if not text.isascii():
        number = unicodedata.normalize("NFKC", text)
    number = number.translate(_SEPARATORS)
    return number if _NUMBER.fullmatch(number) else None


def _number_in(text: str) -> str:
    """The number of an address, a display name before it or not; the text itself where it holds no such thing."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return text
    user = _EXTENSION.sub("", found["user"])
    before, pause, _ = user.partition(",")
    return before if pause and sum(character.isdecimal() for character in before) > _LINE_DIGITS else user


@lru_cache(CACHED)
def is_withheld(caller: str) -> bool:
    """Whether a caller shows no number, in any of the words for it: ``anonymous``, ``<unknown>``, ``Restricted``."""
    found = _ADDRESS.fullmatch(caller)
    return (found["user"] if found is not None else caller).strip(" \"'<>").lower() in _WITHHELD


def is_country(code: str) -> bool:
    """Whether ``code`` is an ISO 3166 country whose numbering plan is known."""
    return code in phonenumbers.SUPPORTED_REGIONS


def phone_expression(pattern: str) -> str:
    """The regular expression of a phone-world pattern, such as ``_36[237]0.``, or of a plain number.

    X is 0 to 9, Z 1 to 9, N 2 to 9, brackets a choice; ``.`` at the end is one or more of anything, ``!`` none or more;
    a dash outside brackets is for the eye only. Raises PatternInvalid.
    """
    return "".join(phone_parts(pattern))


def phone_parts(pattern: str) -> list[str]:
    """The regular expression of each key that a phone-world pattern stands for. Raises PatternInvalid."""
    if not pattern.startswith("_"):
        if _NUMBER.fullmatch(pattern):
            return [re.escape(key) for key in pattern]
        raise PatternInvalid(f"{pattern!r} is no number; a pattern begins with an underscore, as in _2XXX")
    body = pattern[1:]
    if not body:
        raise PatternInvalid("a pattern needs something after its underscore, as in _2XXX")
    if _PATTERN.fullmatch(body) is None:
        raise PatternInvalid(
            f"{pattern!r} is no phone pattern: after the underscore stand digits, X, Z, N, choices in brackets, "
            "and . or ! at the end"
        )
    parts = re.findall(r"\[[^\]]*\]|.", body)
    return [_choice(part) if part[0] == "[" else _LETTER_SETS.get(part.upper(), part) for part in parts]


def _may_begin(parts: list[str], typed: str) -> bool:
    keys = [part for part in parts if part]
    fixed = [part for part in keys if part not in _ANYTHING]
    longer = len(fixed) < len(keys)
    return (longer or len(typed) <= len(fixed)) and all(
        re.fullmatch(part, key) for part, key in zip(fixed, typed, strict=False)
    )


def _choice(part: str) -> str:
    """``[13-5*]`` as it stands, once it is known to offer something."""
    inner = part[1:-1]
    if not inner.strip("-"):
        raise PatternInvalid(f"{part} offers no choice")
    for low, high in re.findall(r"(.)-(.)", inner):
        if not (low.isdecimal() and high.isdecimal() and low <= high):
            raise PatternInvalid(f"in {part} the range {low}-{high} goes nowhere")
    return part


@lru_cache(maxsize=4096)
def pattern_predicate(pattern: str) -> Callable[[str], bool]:
    """What ``matches`` asks: a phone-world pattern where it begins with an underscore, else a glob (``* ? [..]``).

    Upper and lower case differ. Raises PatternInvalid.
    """
    expression = phone_expression(pattern) if pattern.startswith("_") else fnmatch.translate(pattern)
    # fnmatch makes each star possessive, so a glob takes linear time
    compiled = re.compile(expression, re.DOTALL)
    return lambda text: compiled.fullmatch(text) is not None
