"""Moments as people type them on the command line."""

import argparse
from datetime import datetime
from typing import Final

from ozrules.rules.spans import seconds_in
from ozrules.runtime.clock import SystemClock

HELP: Final = "a moment (2026-11-23T10:00, 2026-11-23, 10:00 today) or how long ago (30m, 12h, 7d)"


def moment(text: str) -> float:
    """Seconds since 1970 UTC, for argparse. A moment without a zone is this host's."""
    now = SystemClock().now()
    ago = seconds_in(text, days=True)
    if ago is not None:
        return now - ago
    today = datetime.fromtimestamp(now).astimezone()
    try:
        if ":" in text and "-" not in text.partition(":")[0]:
            text = f"{today.date()}T{text}"
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo is not None else read.astimezone()).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no moment; write {HELP}") from error
