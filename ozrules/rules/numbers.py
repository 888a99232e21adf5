"""Phone numbers: what is internal, and the one form in which two spellings of a number are compared."""

import msgspec


class NumberPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How this office writes numbers.

    ``country`` is the ISO 3166 code by which national numbers become E.164; ``extensions`` are the phone-world
    patterns of internal numbers (2 to 6 digits unless set).
    """

    country: str | None = None
    extensions: tuple[str, ...] = ()
