"""Opening hours held against each other: two that never meet, one that lies within the other.

Looked at as a week of minutes on the wall clock. Closed days only take away, so two weeks that never meet never meet;
that one lies within the other is said only where the other is closed on no day of its own.
"""

from typing import Final

from ozrules.rules.calendar import MIDNIGHT, DateRange, Schedule

WEEK: Final = 7 * MIDNIGHT


def never_together(one: Schedule, other: Schedule) -> bool:
    """Whether there is no moment at which both are open."""
    if one.timezone != other.timezone:
        return False
    if not _week(one, one.possible_weekdays) & _week(other, other.possible_weekdays):
        return True
    mine = [each for each in one.dates if isinstance(each, DateRange)]
    theirs = [each for each in other.dates if isinstance(each, DateRange)]
    yearly = len(mine) < len(one.dates) or len(theirs) < len(other.dates)
    over_midnight = any(each.end <= each.start for each in (*one.times, *other.times))
    if not mine or not theirs or yearly or over_midnight:
        return False
    return not any(each.first <= other.last and other.first <= each.last for each in mine for other in theirs)


def only_within(inner: Schedule, outer: Schedule) -> bool:
    """Whether ``outer`` is open at every moment at which ``inner`` is."""
    if inner.timezone != outer.timezone or outer.dates or outer.closed or outer.weeks or outer.holidays is not None:
        return False
    return _week(inner, inner.possible_weekdays) <= _week(outer, outer.weekdays)


def _week(schedule: Schedule, weekdays: frozenset[int]) -> frozenset[int]:
    """The minutes of the week, from Monday 00:00, in which it is open on these weekdays where no day is closed."""
    return frozenset(
        (day * MIDNIGHT + minute) % WEEK
        for day in weekdays
        for each in schedule.times
        for minute in range(each.start, each.end if each.end > each.start else each.end + MIDNIGHT)
    )
