"""Phone numbers: what is internal, and the one form in which two spellings of a number are compared.

A phone system shows a caller as its trunk delivers it: ``06 20 123 4567``, ``0036201234567``, ``+36201234567``. All of
these have one normal form. What cannot be a number (``anonymous``, a letter, a digit of another script) has none and
stays as it is: it equals only itself, and it is never dialled.

Emergency numbers come first in everything: ``112`` stays ``112`` in whatever form it is dialled, and is never internal.
Source of numbering plans and emergency numbers: Google's libphonenumber, through phonenumberslite.

Matching is generous (NFKC, spaces and dashes do not count); a destination is not: see `NumberPlan.destination`.
"""

import fnmatch
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Final

import msgspec
import phonenumbers
from phonenumbers import CountryCodeSource, NumberParseException, PhoneMetadata, PhoneNumberFormat, shortnumberinfo

CACHED: Final = 16384  # numbers kept for each plan; the engine asks for the same few on every event
ANY_EXTENSION: Final = "_[0-9]X", "_[0-9]XX", "_[0-9]XXX", "_[0-9]XXXX", "_[0-9]XXXXX"
"""What is internal where the office does not say: 2 to 6 digits."""
WITHOUT_COUNTRY: Final = frozenset({"112", "911"})
"""Emergency numbers of any mobile phone without a network of its own (3GPP TS 22.101, 10.1.1)."""

_SEPARATORS: Final = str.maketrans("", "", " -./(),")  # a comma is a pause while dialling
_ADDRESS: Final = re.compile(r"(?:sips?:|tel:)?([^@;?]*)(?:[@;?].*)?", re.IGNORECASE | re.DOTALL)
_NUMBER: Final = re.compile(r"\+?[0-9*#]{1,32}", re.ASCII)
_DESTINATION: Final = re.compile(r"\+?[0-9*#]{1,20}", re.ASCII)
_PATTERN: Final = re.compile(r"(?:[0-9*#+XxZzNn-]|\[[0-9*#-]+\])*[.!]?", re.ASCII)
_LETTER_SETS: Final = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": ".+", "!": ".*", "-": "", "+": r"\+", "*": r"\*"}


class PatternInvalid(ValueError):
    """A pattern that no phone number could be compared with. The text says what is wrong with it."""


class NumberPlan(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """How this office writes numbers.

    ``country`` is the ISO 3166 code by which national numbers become E.164; ``extensions`` are the phone-world
    patterns of internal numbers (2 to 6 digits unless set).
    """

    country: str | None = None
    extensions: tuple[str, ...] = ()

    @cached_property
    def normal(self) -> Callable[[str], str]:
        """``normal(text)``: the form in which numbers are compared. A second asking costs one look-up.

        E.164 where the country's plan makes that possible, the dialled form for extensions, short numbers and key
        codes, the bare number for an emergency number. A text that is no number comes back unchanged.
        """
        return lru_cache(CACHED)(self._normal)

    @cached_property
    def is_internal(self) -> Callable[[str], bool]:
        """``is_internal(text)``: whether this is one of the office's own extensions. Never for an emergency number."""
        return lru_cache(CACHED)(self._is_internal)

    @cached_property
    def is_emergency(self) -> Callable[[str], bool]:
        """``is_emergency(text)``: whether dialling this, in any of its forms, calls for help."""
        return lru_cache(CACHED)(lambda text: self._emergency(compact(text)) is not None)

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
        """The beginnings of numbers that a typed beginning stands for: ``0620`` is ``+3620`` too, in Hungary."""
        return tuple(dict.fromkeys((start, self._prefix(start))))

    @cached_property
    def _extension(self) -> re.Pattern[str]:
        return re.compile("|".join(phone_expression(each) for each in self.extensions or ANY_EXTENSION), re.ASCII)

    @cached_property
    def _metadata(self) -> PhoneMetadata | None:
        return PhoneMetadata.metadata_for_region(self.country) if self.country else None

    def _normal(self, text: str) -> str:
        number = compact(text)
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
        return number is not None and self._extension.fullmatch(number) is not None and self._emergency(number) is None

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

    def _prefix(self, start: str) -> str:
        """A dialled beginning as the beginning of normal forms. The bare international prefix stays as it is."""
        metadata = self._metadata
        if metadata is None or start.startswith("+"):
            return start
        abroad = re.match(metadata.international_prefix or "$^", start)
        if abroad:
            return "+" + start[abroad.end() :] if abroad.end() < len(start) else start
        trunk = metadata.national_prefix
        if trunk and start.startswith(trunk):
            return f"+{metadata.country_code}{start.removeprefix(trunk)}"
        return start

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
        if digits[:1] in ("0", "9") and not (self.extensions and self._extension.fullmatch(digits)):
            forms.append(digits[1:])
        if self._metadata is not None:
            code = str(self._metadata.country_code)
            abroad = re.match(self._metadata.international_prefix or "$^", digits)
            national = digits[abroad.end() :] if abroad else digits
            forms += [national, national.removeprefix(code), digits.removeprefix(self._metadata.national_prefix or "")]
        return next((form for form in forms if self._helps(form)), None)

    def _helps(self, digits: str) -> bool:
        if not 2 <= len(digits) <= 6 or not digits.isdecimal():
            return False
        if self.country is None:
            return digits in WITHOUT_COUNTRY
        return digits == "112" or shortnumberinfo.is_emergency_number(digits, self.country)


def compact(text: str) -> str | None:
    """A number without its separators, in ASCII, or None where the text is no number."""
    number = text
    if not text.isascii():
        number = unicodedata.normalize("NFKC", text)
    number = number.translate(_SEPARATORS)
    return number if _NUMBER.fullmatch(number) else None


def user_part(text: str) -> str:
    """Whom an address names: ``112`` of ``sip:112@pbx;user=phone``, ``tel:112`` and ``112@pbx`` (RFC 3261, 3966)."""
    return _ADDRESS.sub(r"\1", text.strip(), count=1)


def is_country(code: str) -> bool:
    """Whether ``code`` is an ISO 3166 country whose numbering plan is known."""
    return code in phonenumbers.SUPPORTED_REGIONS


def phone_expression(pattern: str) -> str:
    """The regular expression of a phone-world pattern, such as ``_36[237]0.``, or of a plain number.

    X is 0 to 9, Z 1 to 9, N 2 to 9, brackets a choice; ``.`` at the end is one or more of anything, ``!`` none or more;
    a dash outside brackets is for the eye only. Raises PatternInvalid.
    """
    if not pattern.startswith("_"):
        if _NUMBER.fullmatch(pattern):
            return re.escape(pattern)
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
    return "".join(_choice(part) if part[0] == "[" else _LETTER_SETS.get(part.upper(), part) for part in parts)


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
