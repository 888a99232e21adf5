"""What was not as it should be and was tolerated: counted always, logged once for each kind and detail.

A phone system that sends the same odd thing ten times a second must not fill the log, nor this memory: after
`MOST` different details only the counts go on.
"""

from collections import Counter
from typing import Final

from ozrules.engine.effects import Notice
from ozrules.runtime.ports import Log, Malformed
from ozrules.session.durations import is_moment, seconds_from
from ozrules.session.session import Session

MOST: Final = 500


class Notices:
    """The counts, by kind, and what has been logged already."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._said: set[tuple[str, str, str]] = set()
        self.counts: Counter[str] = Counter()

    def take(self, notice: Notice | Malformed) -> None:
        """Counts it, and logs it where it is new."""
        self.counts[notice.kind] += 1
        match notice:
            case Notice():
                self._once(notice.kind, notice.connection, notice.detail, notice.detail)
            case Malformed():
                self._once(f"malformed {notice.kind}", notice.connection, "", notice.sample)

    def look_at_times(self, connection: str, session: Session) -> None:
        """Counts the times of a session that cannot be read, and says it once of each property, with its text."""
        for name, text in (
            ("startTime", session.start_time),
            ("stateDuration", session.state_duration),
            ("talkDuration", session.talk_duration),
        ):
            if text is not None and not is_moment(text) and (name == "startTime" or seconds_from(text) is None):
                self.counts["unreadableTime"] += 1
                shown = text[:80].encode("unicode_escape").decode("ascii")
                self._once("unreadableTime", connection, name, f"{name} cannot be read and counts as missing: {shown}")

    def _once(self, kind: str, connection: str, key: str, detail: str) -> None:
        if (kind, connection, key) in self._said or len(self._said) >= MOST:
            return
        self._said.add((kind, connection, key))
        self._log.warning(
            "tolerated; further ones like it are only counted", kind=kind, connection=connection, detail=detail
        )
