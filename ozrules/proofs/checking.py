"""Rule files read, and the whole set proven: what `check` shows and the daemon asks before it takes rules over."""

from collections.abc import Iterable

from ozrules.proofs.analysis import analyse
from ozrules.rules import loader
from ozrules.rules.diagnostics import Diagnostic, Findings
from ozrules.rules.document import Source
from ozrules.rules.model import RuleSet


def check(
    sources: Iterable[Source], secrets: frozenset[str] | None = None
) -> tuple[RuleSet | None, tuple[Diagnostic, ...]]:
    """The rule set, or None where there are errors; and every finding, warnings too.

    What is proven of the set comes only where each file by itself is free of errors.
    """
    rules, read = loader.check(sources, secrets)
    if rules is None:
        return None, read
    findings = Findings(read)
    analyse(rules, findings)
    return (None if findings.errors else rules), findings.all
