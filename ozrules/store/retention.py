"""Retention: what is older than its time goes, the oldest first.

A batch is small in what it looks at, not only in what it removes, because a decision waits while it runs: each walks an
index by time from its beginning, so that its cost does not grow with what is kept.
"""

from typing import Final, TypeAlias

import apsw

BATCH: Final = 500
"""Rows that one transaction removes at most."""

Step: TypeAlias = tuple[str, float]
"""A statement that removes one batch, and the moment before which things are old."""


def steps(*, decisions: float, sessions: float, now: float) -> tuple[Step, ...]:
    """Each is done until it removes no whole batch, then the next. ``now`` is on the daemon's clock, the others
    are wall clock.

    Commands stay while they have no outcome, or an `unknown` that is not old; and with them their decisions.
    """
    settled = (
        "EXISTS (SELECT 1 FROM outcomes WHERE outcomes.id = intents.id"
        " AND (outcomes.outcome <> 'unknown' OR outcomes.at < ?1))"
    )
    commanded = "SELECT 1 FROM intents WHERE intents.id = outcomes.id"
    decided = "SELECT 1 FROM intents WHERE intents.decision = decisions.number"
    return (
        # from the oldest on, up to the first that stays: numbers in the middle are never missing
        (
            "WITH oldest AS (SELECT seq, time FROM records ORDER BY seq LIMIT ?2) DELETE FROM records WHERE seq IN"
            " (SELECT seq FROM oldest) AND seq < coalesce((SELECT min(seq) FROM oldest WHERE time >= ?1), seq + 1)",
            decisions,
        ),
        (_oldest("intents", "id", "at", settled), decisions),
        (_oldest("outcomes", "id", "at", f"NOT EXISTS ({commanded})"), decisions),
        (_oldest("webhooks", "id", "at", "state <> 'pending'"), decisions),
        (_oldest("decisions", "number", "at", f"NOT EXISTS ({decided})"), decisions),
        (_oldest("recording", "n", "at", "TRUE"), sessions),
        (_oldest("tallies", "rowid", "until", "TRUE"), now),
    )


def remove(db: apsw.Cursor, step: Step) -> int:
    """One batch, in the transaction that is open. How many rows it removed."""
    statement, moment = step
    db.execute(statement, (moment, BATCH))
    return db.connection.changes()


def _oldest(table: str, key: str, time: str, may_go: str) -> str:
    chosen = f"SELECT {key} FROM {table} WHERE {time} < ?1 AND {may_go} ORDER BY {time} LIMIT ?2"  # noqa: S608  # our own words
    return f"DELETE FROM {table} WHERE {key} IN ({chosen})"  # noqa: S608  # our own words
