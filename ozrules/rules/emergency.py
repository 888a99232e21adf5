"""Emergency numbers of the whole world, and the spellings in which one can be dialled.

A call for help may come from a guest's phone, a roaming phone or a branch abroad, so every country's numbers count
everywhere. To protect one call too many costs a rule that does not act; to miss one can cost a life. That is why this
module reads generously what a number could mean, while destinations are read strictly elsewhere.

`OF_LIBPHONENUMBER` is what Google's libphonenumber (ShortNumberMetadata.xml, "emergency") lists for any region, written
out here so that no start has to compile 240 countries' patterns; a test holds it against the library. `FURTHER` are
numbers for police, fire, ambulance and rescue that the library does not class as emergency numbers, each with its
source.
"""

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

EVERYWHERE: Final = frozenset({"000", "08", "110", "112", "118", "119", "911", "999"})
"""What a mobile phone without a SIM card takes for an emergency number (3GPP TS 22.101, 10.1.1)."""

OF_LIBPHONENUMBER: Final = frozenset(
    """
    01 02 03 13 14 15 16 17 18 19 90 91 92 93 94 000 001 002 003 011 019 022 033 050 060 065 066 068 080 085
    088 100 101 102 103 104 105 106 107 108 110 111 112 113 114 115 116 117 118 119 120 122 123 124 125 127
    128 129 130 131 132 133 140 144 150 151 152 153 154 155 156 157 158 159 160 166 170 171 172 175 177 180
    188 190 191 192 193 194 195 197 198 199 211 311 333 355 511 555 666 819 888 901 902 903 911 912 913 917
    919 922 933 939 955 977 990 991 992 993 994 995 996 997 998 999 1122 1220 1298 1444 1669 1730 2611 9999
    10111 10177 90000 124422 127799 201606 201917 202099 202914 320221 723141
    """.split()  # noqa: SIM905 (a list of 150 texts would fill two pages)
) | frozenset(str(number) for number in range(1300, 1400))

_WORLD: Final = "Wikipedia, List of emergency telephone numbers"
FURTHER: Final[dict[str, str]] = {
    "061": "ES, ambulance: Ministerio de Sanidad",
    "062": "ES, Guardia Civil: Ministerio del Interior",
    "091": "ES, national police: Ministerio del Interior",
    "092": "ES, local police: Ministerio del Interior",
    "121": f"LS, ambulance: {_WORLD}",
    "126": f"EG, tourist police; AL, traffic police: {_WORLD}",
    "141": f"PY, ambulance: {_WORLD}",
    "185": f"CI, ambulance: {_WORLD}",
    "777": f"SD, SO, traffic police: {_WORLD}",
    "811": f"TT, ambulance: {_WORLD}",
    "907": f"ET, ambulance: {_WORLD}",
    "910": f"FJ, ambulance: {_WORLD}",
    "945": f"ET, traffic police: {_WORLD}",
    "988": f"US, CA, suicide and crisis line: FCC 20-100; SB, fire: {_WORLD}",
    "1055": f"DZ, gendarmerie: {_WORLD}",
    "1414": "CH, air rescue: Rega",
    "1422": f"PK, tourist police: {_WORLD}",
    "1515": f"LY, all services; SN, fire; IT, forest fires: {_WORLD}",
    "1530": "IT, coast guard: Guardia Costiera",
    "1548": f"DZ, police: {_WORLD}",
    "1777": f"SG, ambulance that is not urgent: {_WORLD}",
    "1880": f"MM, highway police: {_WORLD}",
    "1915": f"PK, traffic police: {_WORLD}",
    "1990": "LK, ambulance: Suwa Seriya Foundation",
    "3600": f"MG, traffic police: {_WORLD}",
    "8119": f"KP, fire: {_WORLD}",
    "8200": f"TG, ambulance: {_WORLD}",
    "14112": f"MD, ambulance: {_WORLD}",
    "19222": "DE, ambulance transport: Integrierte Leitstellen",
}
"""Number to: countries (ISO 3166), service, source."""

NUMBERS: Final = EVERYWHERE | OF_LIBPHONENUMBER | FURTHER.keys()
"""Every emergency number of any country."""

SOS: Final = "sos"
"""What `readings` gives for an emergency service that is named and not dialled (RFC 5031, ``urn:service:sos``)."""

LONGEST: Final = 256  # characters of an address that are looked at; a phone system shows no longer one

_URN: Final = re.compile(r"urn:service:sos(?![a-z0-9])", re.IGNORECASE)
_CHANNEL: Final = re.compile(r"[/&|:=^]")  # PJSIP/112, SIP/trunk/112, sip:112, 112:5060
_PAUSE: Final = re.compile(r"[,pPwW!~]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_NOT_DIALLED: Final = re.compile(r"[^0-9*#+]+")


def readings(text: str) -> frozenset[str]:
    """What may be dialled by this callee or destination: texts of ASCII digits, ``*``, ``#`` and a leading ``+``.

    Read are angle brackets behind a display name, ``sip:`` and ``tel:`` addresses without host and parameters,
    percent-encoding (twice at the most), channels such as ``PJSIP/112@trunk``, digits of every script, and digits with
    anything between them that is no letter, visible or not. What follows a pause is not dialled, but for a digit or two
    before it, which ask for an outside line. `SOS` stands for a service that is named and not dialled.
    """
    plain = text[:LONGEST]
    for _ in range(2):
        if "%" in plain:
            plain = unquote(plain)
    plain = _ascii_digits(plain)
    if _URN.search(plain):
        return frozenset({SOS})
    within = plain.rpartition("<")[2]
    user = re.split(r"[@;?>]", within if re.search(r"\d", within) else plain, maxsplit=1)[0]
    found = set() if _LETTER.search(user) else {_dialled(user)}
    for part in _CHANNEL.split(user):
        pieces = [piece for piece in _PAUSE.split(part) if piece.strip()]
        if pieces and _LETTER.search(pieces[0]) is None:
            first = _dialled(pieces[0])
            found.add(first)
            if len(first) <= 2 and len(pieces) > 1:
                found.add(first + _dialled(pieces[1]))
    return frozenset(found - {""})


def _dialled(piece: str) -> str:
    keys = _NOT_DIALLED.sub("", piece)
    return keys[:1] + keys[1:].replace("+", "")


def _ascii_digits(text: str) -> str:
    """With the digits of every script as 0 to 9, and without what nobody can see."""
    if text.isascii():
        return text
    parts: list[str] = []
    for character in unicodedata.normalize("NFKC", text):
        digit = unicodedata.digit(character, None)
        if digit is not None:
            parts.append(str(digit))
        elif unicodedata.category(character) not in ("Cf", "Mn", "Me", "Cc"):
            parts.append(character)
    return "".join(parts)
