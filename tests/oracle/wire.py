"""The manager's text, read by a parser of the oracle's own: blocks of ``Key: value`` lines with an empty line between.

It shares nothing with the product's decoder, so that a fault of the one is not a fault of the other. Of a key that
comes twice the first value counts.
"""

from collections.abc import Iterable
from typing import TypeAlias

Event: TypeAlias = dict[str, str]


def events(text: bytes) -> list[Event]:
    """All complete events in what the manager sent, in order; answers to actions, and actions, are left out."""
    lines = text.replace(b"\r\n", b"\n").decode("utf-8", "replace").split("\n")
    return [block for block in _blocks(lines[:-1]) if "Event" in block]


def moment_of(event: Event) -> float:
    """When Asterisk raised it, in seconds since 1970 UTC."""
    return float(event["Timestamp"])


def _blocks(lines: Iterable[str]) -> Iterable[Event]:
    block: Event = {}
    for line in lines:
        if not line:
            yield block
            block = {}
            continue
        key, colon, value = line.partition(":")
        if colon:
            block.setdefault(key, value.removeprefix(" "))
