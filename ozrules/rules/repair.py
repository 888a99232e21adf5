"""Certain repairs, made in the text: a misspelt name with one clear meaning, quotation marks that are missing."""

from collections.abc import Iterable

from ozrules.rules.diagnostics import Diagnostic


def repaired(text: str, diagnostics: Iterable[Diagnostic]) -> tuple[str, int]:
    """``text``, the file that all of ``diagnostics`` speak of, with their repairs, and how many were made.

    Of two repairs at one place only the first is made; reading the file again shows whether the other is still needed.
    """
    edits = sorted(
        {each.edit for each in diagnostics if each.edit is not None},
        key=lambda edit: (edit.place.line, edit.place.column, edit.length),
    )
    lines = text.split("\n")
    made = 0
    after = (len(lines) + 1, 0)  # where the repair behind this one begins
    for edit in reversed(edits):
        line, start = edit.place.line, edit.place.column - 1
        if (line, start + edit.length) > after or line > len(lines) or start + edit.length > len(lines[line - 1]):
            continue
        whole = lines[line - 1]
        lines[line - 1] = whole[:start] + edit.text + whole[start + edit.length :]
        after = (line, start)
        made += 1
    return "\n".join(lines), made
