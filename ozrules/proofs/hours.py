"""Opening hours held against each other: two that never meet, one that lies within the other.

Looked at as a week of minutes on the wall clock. Closed days only take away, so two weeks that never meet never meet;
that one lies within the other is said only where the other is closed on no day of its own.
"""

from typing import Final

from ozrules.rules.calendar import MIDNIGHT, Schedule

WEEK: Final = 7 * MIDNIGHT


def never_together(one: Schedule, other: Schedule) -> bool:
    """Whether there is no moment at which both are open."""
    if one.timezone != other.timezone:
        return False
    if not _week(one) & _week(other):
        return True
    if not one.dates or not other.dates:
        return False
    over_midnight = any(each.end <= each.start for each in (*one.times, *other.times))
    return not over_midnight and not any(
        mine.first <= theirs.last and theirs.first <= mine.last for mine in one.dates for theirs in other.dates
    )


def only_within(inner: Schedule, outer: Schedule) -> bool:
    """Whether ``outer`` is open at every moment at which ``inner`` is."""
    if inner.timezone != outer.timezone or outer.dates or outer.closed or outer.holidays is not None:
        return False
    return _week(inner) <= _week(outer)


def _week(schedule: Schedule) -> frozenset[int]:
    """The minutes of the week, from Monday 00:00, in which it is open where no day is closed."""
    return frozenset(
        (day * MIDNIGHT + minute) % WEEK
        for day in schedule.weekdays
        for each in schedule.times
        for minute in range(each.start, each.end if each.end > each.start else each.end + MIDNIGHT)
    )
