"""Small rule sets, and what analysis says of them."""

from ozrules.proofs.checking import check
from ozrules.rules.document import Source


def found(rules: str, head: str = "") -> list[tuple[str, str, str]]:
    """Severity, code and the line's text of each finding."""
    text = f"ozrules: 1\ndefaults: {{country: HU, timezone: UTC}}\n{head}rules:\n{rules}"
    lines = text.split("\n")
    return [
        (each.severity, each.code, lines[each.place.line - 1].partition("id: ")[2].partition(",")[0])
        for each in check([Source("f", text.encode())])[1]
    ]


def rule(name: str, rest: str) -> str:
    return f"  - {{id: {name}, {rest}}}\n"
