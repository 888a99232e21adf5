"""The why of a rule as lines for people: for `ozrules why` and for tests that failed."""

from collections.abc import Iterator

from ozrules.engine.explain import Answer
from ozrules.logs.escaping import escaped


def lines(answer: Answer) -> Iterator[str]:
    """The reason, and below it all that was not as the rule wants it."""
    by = f" {answer.by}" if answer.by else ""
    yield escaped(f"{answer.rule}: {answer.reason}{by}  ({answer.place})", 1024)
    for leaf in answer.failed:
        actual = "nothing" if leaf.actual is None else leaf.actual
        yield escaped(f"    {leaf.path}: wanted {leaf.wanted}, actual {actual}  ({leaf.at})", 1024)
    for path, value in answer.values.items():
        yield escaped(f"    read {path}: {'nothing' if value is None else value}", 1024)
    for way in answer.ways:
        yield escaped(f"    chose {way}", 1024)
