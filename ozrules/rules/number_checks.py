"""What a rule set says of numbers as a whole: whether the office's own are known, and which calls stay untouched.

Both are warnings: the rules work, but not as an admin would expect who never thought of it.
"""

from collections.abc import Iterable
from typing import Final

from ozrules.rules.condition import leaves
from ozrules.rules.diagnostics import Findings, Span
from ozrules.rules.model import AttendedTransfer, BlindTransfer, Compare, Forward, Hunt, Rule
from ozrules.rules.nesting import every_action
from ozrules.rules.numbers import NumberPlan
from ozrules.rules.quoting import shown

_CALLED: Final = frozenset({"callee", "dialedNumber"})


def check_numbers(rules: Iterable[Rule], numbers: NumberPlan, findings: Findings) -> None:
    """Warn once where internal numbers are a guess, and of each condition that asks for an emergency number."""
    guessed = numbers.country is None and not numbers.extensions
    for rule in rules:
        if guessed and any(_sends_on(action) for action in every_action(rule.actions)):
            guessed = False
            findings.warning(
                "no-extensions",
                Span(rule.place, len(rule.id)),
                "Rules send calls on, and nothing says which numbers are internal: any 2 to 6 digits are taken for it.",
                suggestion='Add defaults: {country: HU, extensions: ["_2XXX"]}, with your country and your extensions.',
            )
        for leaf in leaves(rule.condition):
            if isinstance(leaf, Compare) and leaf.field in _CALLED and leaf.op in ("eq", "in"):
                for text in leaf.texts:
                    if numbers.is_emergency(text):
                        findings.warning(
                            "emergency-number",
                            Span(leaf.place),
                            f"Calls to {shown(text)} are never touched: it is an emergency number of some country.",
                            suggestion="If it is an extension, name it: defaults: {country: …, extensions: […]}.",
                        )


def _sends_on(action: object) -> bool:
    return isinstance(action, Forward | Hunt | BlindTransfer | AttendedTransfer)
