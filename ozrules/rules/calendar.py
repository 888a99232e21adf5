"""Calendars: when a schedule is open, and when a calendar trigger comes due. Time comes in as data, always."""

import msgspec


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """Opening hours."""


class Cron(msgspec.Struct, frozen=True, kw_only=True):
    """Moments that come again."""
