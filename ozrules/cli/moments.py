"""Moments as people type them on the command line."""

import argparse
from datetime import datetime, timedelta
from typing import Final

from ozrules.rules.spans import seconds_in
from ozrules.runtime.clock import SystemClock

HELP: Final = "a moment (2026-11-23T10:00, 2026-11-23, 10:00 today) or how long ago (30m, 12h, 7d)"

UPCOMING: Final = "a moment to come (18:00, 2026-12-24T18:00)"


def upcoming(text: str) -> float:
    """Seconds since 1970 UTC, for argparse. A time of the day that is over means tomorrow's."""
    now = SystemClock().now()
    if seconds_in(text, days=True) is not None:
        raise argparse.ArgumentTypeError(f"{text!r} is no moment; write {UPCOMING}, or --for {text}")
    found = moment(text)
    if found <= now and "-" not in text:
        local = datetime.fromtimestamp(found).astimezone()
        tomorrow = local.replace(tzinfo=None) + timedelta(days=1)
        return tomorrow.astimezone().timestamp()
    return found


def from_now(text: str) -> float:
    """Seconds since 1970 UTC of the moment so long from now, for argparse."""
    span = seconds_in(text, days=True)
    if not span:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write one such as 30m, 2h, 1d")
    return SystemClock().now() + span


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
