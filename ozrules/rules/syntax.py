"""What the YAML parser complains of, in the words of the person who typed it.

The parser says what it expected where it gave up; what went wrong mostly stands before that: a quotation mark or a
bracket that is not closed, a telephone code that was not quoted. The source text is looked at for those.
"""

import re
from collections.abc import Sequence
from typing import Final

from ozrules.rules import quoting
from ozrules.rules.diagnostics import Edit, Findings, Related, Span
from ozrules.rules.model import Place

_GLUED: Final = re.compile(r"\s*(?:- +)*(?P<key>[A-Za-z]\w*):[^\s/:]\S*\s*$", re.ASCII)
_LOOK_BACK: Final = 20  # lines
_CONTEXTS: Final = {
    "while scanning a quoted scalar": "This quotation mark is never closed.",
    "while parsing a flow sequence": "The list that begins with this [ is not closed, or lacks a comma.",
    "while parsing a flow mapping": "The mapping that begins with this { is not closed, or lacks a comma.",
}
_PROBLEMS: Final = {
    "mapping values are not allowed in this context": (
        "A second colon on this line, or wrong indentation, makes this no YAML.",
        "Quote a text that holds a colon and a space; indent keys of one mapping alike.",
    ),
    "did not find expected key": (
        "A key is expected here; the line is indented differently from its neighbours, or goes on after a value.",
        "Indent keys of one mapping alike, and quote a value as a whole.",
    ),
    "did not find expected '-' indicator": (
        "An item of the list above, with a -, is expected here.",
        "Indent the list's items alike, and what does not belong to it like the list's own key.",
    ),
    "could not find expected ':'": (
        "A key stands here without a colon after it.",
        "Write KEY: VALUE, or quote a text that goes over several lines.",
    ),
    "found unknown escape character": (
        "This escape is unknown inside double quotation marks.",
        "Use single quotation marks: backslashes in them are just backslashes.",
    ),
    "did not find expected <document start>": (
        "This line is indented less than the first one.",
        "Begin the file's keys in the first column.",
    ),
}


def explain(
    name: str,
    lines: Sequence[str],
    findings: Findings,
    *,
    context: str | None,
    context_at: tuple[int, int] | None,
    problem: str,
    at: tuple[int, int],
) -> None:
    """Note why the text is no YAML. Positions are line and column from 0, as the parser gives them."""
    back = _LOOK_BACK if "flow" in (context or "") else 1
    for number in range(max(at[0] - back, 0), at[0] + 1):
        bent = quoting.bent_token(lines[number]) if number < len(lines) else None
        if bent is not None:
            column, token = bent
            place = Place(name, number + 1, column + 1)
            findings.error(
                "quote-this",
                Span(place, len(token)),
                f"YAML keeps {token[0]} at the beginning of a value for itself.",
                suggestion=f'Quote this: "{token}".',
                edit=quoting.quoting_edit(place, token),
            )
            return
    stopped = Span(_place(name, lines, at), 1)
    if "tag" in (context or "") and context_at is not None:
        findings.error(
            "tag",
            Span(_place(name, lines, context_at), 1),
            "A ! at the beginning of a value is a YAML tag; rules have none.",
            suggestion="Quote the value if the ! belongs to it.",
        )
        return
    glued = _glued(lines, at[0]) if "mapping values" in problem or "':'" in problem else None
    if glued is not None:
        number, column, key = glued
        place = Place(name, number + 1, column + 1)
        findings.error(
            "not-yaml",
            Span(place, 1),
            f"A space is missing after the colon of {key}.",
            suggestion=f"Write {key}: and then the value.",
            edit=Edit(place, 1, ": "),
        )
        return
    same_line = context_at is not None and context_at[0] == at[0]
    if same_line and "flow mapping" in (context or "") and lines[min(at[0], len(lines) - 1)][at[1] : at[1] + 1] == ":":
        findings.error(
            "not-yaml",
            stopped,
            "A second colon in this value makes this no YAML.",
            suggestion="Quote a text that holds a colon and a space.",
        )
        return
    known = _PROBLEMS.get(problem)
    if known is not None:
        findings.error("not-yaml", stopped, known[0], suggestion=known[1])
    elif context in _CONTEXTS and context_at is not None:
        related = Related(stopped.place, "the reading stopped here")
        findings.error("not-yaml", Span(_place(name, lines, context_at), 1), _CONTEXTS[context], related=(related,))
    else:
        findings.error("not-yaml", stopped, f"This is no YAML: {problem}.")


def _glued(lines: Sequence[str], last: int) -> tuple[int, int, str] | None:
    """The nearest line up to ``last`` that is a key and a value without a space between: line and column from 0."""
    for number in range(last, max(last - 3, -1), -1):
        found = _GLUED.match(lines[number]) if number < len(lines) else None
        if found is not None:
            return number, found.end("key"), found["key"]
    return None


def _place(name: str, lines: Sequence[str], at: tuple[int, int]) -> Place:
    line, column = at
    if line >= len(lines):
        line, column = len(lines) - 1, len(lines[-1])
    return Place(name, line + 1, column + 1)
