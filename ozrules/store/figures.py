"""What the record says of one rule, and searching it: for the dashboard, beside the writing daemon.

The counting is done inside SQLite, which does not hold up the daemon's own thread, and is given up after `WITHIN`
seconds: a page is not worth more.
"""

from pathlib import Path
from typing import Final

import msgspec

from ozrules.runtime.clock import stopwatch
from ozrules.store.reading import Reader
from ozrules.store.state_directory import StateUnusable

WITHIN: Final = 5.0
LOOK_EVERY: Final = 50_000
"""Steps of SQLite's machine between two looks at the watch."""
MOST_SEARCHED: Final = 500_000
"""Records, the newest first, that a search for a text looks at."""


_SAYS: Final = "EXISTS (SELECT 1 FROM json_tree(body) AS each WHERE instr(lower(each.atom), lower(?)) > 0)"
"""That a text is in what a record says, not in the names under which it says it."""


class ReasonFigure(msgspec.Struct, frozen=True):
    """How often a reason was given for a rule, and when last, wall clock."""

    reason: str
    count: int
    last: float


class PlaceFigure(msgspec.Struct, frozen=True):
    """How often something at a place (``file:line:column``) came about, and what: ``stopped`` or ``acted``."""

    place: str
    what: str
    count: int


class TooDear(Exception):
    """It took too long."""


class Figures(Reader):
    """The journal, to be counted. One for each question: it gives up `WITHIN` seconds after it was opened."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        ends = stopwatch() + WITHIN
        self._late = False

        def give_up() -> bool:
            self._late = stopwatch() > ends
            return self._late

        self._db.set_progress_handler(give_up, LOOK_EVERY)

    def reasons(self, rule: str, since: float) -> list[ReasonFigure]:
        """Each reason that was given for the rule, the most frequent first."""
        rows = self._rows(
            "SELECT json_extract(body, '$.reason'), count(*), max(time) FROM records"
            " WHERE type = 'decision' AND rule = ?1 AND time >= ?2 GROUP BY 1 ORDER BY 2 DESC",
            rule,
            since,
        )
        return [ReasonFigure(str(row[0]), int(str(row[1])), float(str(row[2]))) for row in rows]

    def triggers(self, rule: str, since: float, revision: str) -> dict[str, int]:
        """How often each trigger of the rule matched, by its id, under this revision of the rules."""
        rows = self._rows(
            "SELECT json_extract(body, '$.trigger'), count(*) FROM records"
            " WHERE type = 'decision' AND rule = ?1 AND time >= ?2"
            " AND json_extract(body, '$.revision') = ?3 GROUP BY 1",
            rule,
            since,
            revision,
        )
        return {str(row[0]): int(str(row[1])) for row in rows}

    def places(self, rule: str, since: float, revision: str) -> list[PlaceFigure]:
        """How often each condition stopped the rule, and each action was begun, under this revision of the rules."""
        found = []
        for what, part, at in (("stopped", "$.failed", "$.at"), ("acted", "$.actions", "$.at")):
            rows = self._rows(
                "SELECT json_extract(each.value, ?5), count(*) FROM records, json_each(records.body, ?4) AS each"
                " WHERE records.type = 'decision' AND records.rule = ?1 AND records.time >= ?2"
                " AND json_extract(records.body, '$.revision') = ?3 GROUP BY 1",
                rule,
                since,
                revision,
                part,
                at,
            )
            found += [PlaceFigure(str(row[0]), what, int(str(row[1]))) for row in rows]
        return found

    def search(self, *, text: str, rule: str, reason: str, before: int | None, limit: int) -> list[str]:
        """Lines of the record, newest first, that have all that is asked for. Capitals do not matter in ``text``."""
        where = ["seq > (SELECT coalesce(max(seq), 0) FROM records) - ?1", "type <> 'event'"]
        values: list[str | float] = [MOST_SEARCHED]
        for condition, value in (
            ("seq < ?", before),
            ("rule = ?", rule or None),
            ("json_extract(body, '$.reason') = ?", reason or None),
            ("instr(lower(body), lower(?)) > 0", text or None),  # quick, and sorts out most
            # in what is said, not in the names under which it is said
            (
                "EXISTS (SELECT 1 FROM json_tree(body) AS each WHERE instr(lower(each.atom), lower(?)) > 0)",
                text or None,
            ),
        ):
            if value is not None:
                values.append(value)
                where.append(condition.replace("?", f"?{len(values)}"))
        values.append(limit)
        rows = self._rows(
            f"SELECT body FROM records WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?{len(values)}",  # noqa: S608  # our own words
            *values,
        )
        return [str(row[0]) for row in rows]

    def rule_files(self) -> dict[str, bytes]:
        """The rule files in force."""
        rows = self._rows("SELECT name, data FROM rule_files")
        return {str(row[0]): row[1] for row in rows if isinstance(row[1], bytes)}

    def _rows(self, statement: str, *values: str | float) -> "list[tuple[object, ...]]":
        try:
            return list(self._fetch(statement, values))
        except StateUnusable:
            if self._late:
                raise TooDear(f"the record is too long for an answer within {WITHIN:.0f} s") from None
            raise
