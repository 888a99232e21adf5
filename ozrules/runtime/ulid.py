"""ULIDs: ids that sort by time and that nobody has to hand out. 48 bits of milliseconds, 80 bits of randomness."""

from typing import Final

LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [high + low for high in LETTERS for low in LETTERS]


def ulid(seconds: float, randomness: bytes) -> str:
    """The id for a moment (seconds since 1970 UTC) and ten random bytes: 26 letters and digits."""
    number = (int(seconds * 1000) & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(randomness[:10], "big")
    return "".join([_PAIRS[number >> shift & 0x3FF] for shift in range(120, -1, -10)])
