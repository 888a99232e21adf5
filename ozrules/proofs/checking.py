"""Rule files read, and the whole set proven: what `check` shows and the daemon asks before it takes rules over."""

from collections.abc import Iterable

from ozrules.proofs.analysis import analyse
from ozrules.proofs.matching import Stopwatch, check_matching
from ozrules.rules import loader
from ozrules.rules.diagnostics import Diagnostic, Findings
from ozrules.rules.document import Source
from ozrules.rules.model import RuleSet


def check(
    sources: Iterable[Source], secrets: frozenset[str] | None = None, *, stopwatch: Stopwatch | None = None
) -> tuple[RuleSet | None, tuple[Diagnostic, ...]]:
    """The rule set, or None where there are errors; and every finding, warnings too.

    What is proven of the set comes only where each file by itself is free of errors. With a ``stopwatch`` the time that
    its patterns take is measured too.
    """
    rules, read = loader.check(sources, secrets)
    if rules is None:
        return None, read
    findings = Findings(read)
    if stopwatch is not None:
        check_matching(rules, stopwatch, findings)
    analyse(rules, findings)
    return (None if findings.errors else rules), findings.all
