"""E-mail addresses as rules may name them: one plain address, nothing that a mail program could take for more.

Narrower than RFC 5321 on purpose: no quoted parts, no comments, no lists, nothing but ASCII. What a caller could have
chosen must not become a second recipient or a header.
"""

import re
from typing import Final

_ADDRESS: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
_DOMAIN: Final = re.compile(r"\*@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")


def is_address(text: str) -> bool:
    """Whether this is one address."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def is_pattern(text: str) -> bool:
    """Whether this is one address, or ``*@DOMAIN`` for all of a domain."""
    return is_address(text) or _DOMAIN.fullmatch(text) is not None


def covers(pattern: str, address: str) -> bool:
    """Whether ``pattern`` stands for ``address``; capital letters make no difference."""
    pattern, address = pattern.lower(), address.lower()
    return address.endswith(pattern[1:]) if pattern.startswith("*@") else address == pattern
