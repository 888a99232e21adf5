"""Which endpoints are phones of the office. Everything else leads outside.

A trunk, a guest or a scanner can send any caller number, so only the endpoint says who is inside: the part of a
channel's name before the last ``-``. What protects is generous: whatever ``trunks`` names is outside. What permits is
strict: inside is only what ``phones`` names; where that is not set, a PJSIP endpoint that bears the number of an
extension, provided that its calls begin where the phones dial as far as Asterisk tells. Nothing else can be told from
a name: chan_sip names the channel of an unknown caller after a text that the caller sends.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from ozrules.connectors.asterisk.legs import Leg

_EXTENSION: Final = re.compile(r"PJSIP/([0-9]{2,6})")
_NUMBER: Final = re.compile(r"[0-9]{2,15}")
_TOLD_OF: Final = ("PJSIP/", "SIP/", "IAX2/", "DAHDI/", "SCCP/", "Skinny/", "MGCP/", "Motif/")
_LOOKED_UP: Final = "-xfer"
"""FreePBX has from-internal, where phones dial, look numbers up in from-internal-xfer: so `context` is called there."""
_NAMED: Final = 8
"""So many endpoints are named in a line for people; the others are counted."""


class Outside:
    """Who is outside, by the patterns of the configuration and by what Asterisk says of its endpoints.

    ``trunks`` and ``phones`` are patterns of endpoints (``PJSIP/10??``) or of channels (``PJSIP/trunk-*``).
    """

    def __init__(self, trunks: Sequence[str], phones: Sequence[str] = (), context: str = "") -> None:
        self._trunks = tuple(trunks)
        self._phones = tuple(phones)
        self._context = context
        self._contexts: dict[str, str] = {}

    @classmethod
    def of(cls, trunks: Sequence[str], phones: Sequence[str] = (), context: str = "") -> "Outside":
        """From the configuration. ``context`` is where phones dial."""
        return cls(trunks, phones, context)

    def learn(self, contexts: Mapping[str, str]) -> None:
        """Takes over where the calls of each endpoint begin, as Asterisk says it now."""
        self._contexts = dict(contexts)

    def holds(self, leg: Leg) -> bool:
        """Whether this leg leads outside."""
        return not self._is_phone(leg.endpoint, leg.channel)

    def is_named(self, endpoint: str) -> bool:
        """Whether the configuration or Asterisk says of this endpoint what it is."""
        channel = f"{endpoint}-0"
        return _matches(self._trunks, endpoint, channel) or self._is_phone(endpoint, channel)

    def _is_phone(self, endpoint: str, channel: str) -> bool:
        if _matches(self._trunks, endpoint, channel):
            return False
        if self._phones:
            return _matches(self._phones, endpoint, channel)
        return _EXTENSION.fullmatch(endpoint) is not None and self._dials_inside(endpoint)

    def _dials_inside(self, endpoint: str) -> bool:
        begins = self._contexts.get(endpoint, self._context)
        return not self._context or begins in (self._context, self._context.removesuffix(_LOOKED_UP))

    def classed(self, endpoints: Iterable[str]) -> str:
        """For people: which of these endpoints count as what, and what to do about those that nothing names."""
        phones: list[str] = []
        trunks: list[str] = []
        unnamed: list[str] = []
        for endpoint in sorted(set(endpoints)):
            if not endpoint.startswith(_TOLD_OF):
                continue
            if self._is_phone(endpoint, f"{endpoint}-0"):
                phones.append(endpoint)
            elif self.is_named(endpoint):
                trunks.append(endpoint)
            else:
                unnamed.append(self._with_reason(endpoint))
        parts = [f"phones: {_some(phones)}"] if phones else []
        parts += [f"trunks: {_some(trunks)}"] if trunks else []
        if unnamed:
            parts.append(f"named nowhere, so their calls count as from outside: {_some(unnamed)}; {ADVICE}")
        return "; ".join(parts)

    def _with_reason(self, endpoint: str) -> str:
        return endpoint if self._dials_inside(endpoint) else f"{endpoint} (dials in {self._contexts[endpoint]})"


ADVICE: Final = "name them under phones or trunks"


def extension_of(leg: Leg) -> str | None:
    """The number that a phone has by its endpoint's name, whatever number the dialplan lets it show; None: it has none.

    Where it has none, that is the number with which the phone was first seen.
    """
    name = leg.endpoint.partition("/")[2]
    return name if _NUMBER.fullmatch(name) else leg.own_number


def is_endpoint(device: str) -> bool:
    """Whether this device's calls can be anybody's, and not a queue's or a mailbox's."""
    return device.startswith(_TOLD_OF)


def _matches(patterns: Sequence[str], endpoint: str, channel: str) -> bool:
    return any(fnmatchcase(endpoint, pattern) or fnmatchcase(channel, pattern) for pattern in patterns)


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
