"""Did you mean: the name that a misspelt one was most likely meant to be."""

from collections.abc import Iterable

from ozrules.rules.diagnostics import Edit
from ozrules.rules.model import Place


def closest(word: str, names: Iterable[str]) -> str | None:
    """The one of ``names`` that ``word`` is a slip of, or None where none is near or two are equally near.

    Another case, and words glued with ``-`` or ``_``, are the nearest kind of slip; else at most one letter in three
    may be wrong (added, dropped, swapped or changed). One that is equally near to two names is no clear suggestion.
    """
    if not word or len(word) > 64:
        return None
    best: list[str] = []
    nearest = max(1, len(word) // 3) + 1
    plain = _plain(word)
    for name in sorted(set(names)):
        if _plain(name) == plain:
            distance = 0
        elif abs(len(name) - len(word)) >= nearest + 1:
            continue
        else:
            distance = min(_distance(word, name), _distance(plain, _plain(name)) + 1)
        if distance < nearest:
            best, nearest = [name], distance
        elif distance == nearest and best:
            best.append(name)
    return best[0] if len(best) == 1 else None


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")


def _distance(left: str, right: str) -> int:
    """How many letters to add, drop, change, or swap with their neighbour."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, one in enumerate(left, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (one != other))
            if i > 1 and j > 1 and one == right[j - 2] and left[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def misspelt_edit(place: Place, length: int, typed: str, meant: str | None) -> Edit | None:
    """The repair of a misspelt name, where it is certain: the same letters in another writing, or one slip.

    A slip in a short word may as well be another word, so those are only suggested.
    """
    if meant is None or not length:
        return None
    certain = _plain(typed) == _plain(meant) or (len(meant) >= 4 and _distance(typed, meant) <= 1 + (len(meant) > 7))
    return Edit(place, length, meant) if certain else None
