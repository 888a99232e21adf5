"""How long all patterns of a set take, at worst, with one name that somebody made to hurt.

A caller chooses the name that is shown, up to the longest text that is kept. Regular expressions and globs take linear
time here, but the factor can be large, and it adds up over a set: while patterns are matched no call is seen. So each
pattern is tried, once, with names made from its own letters, and the worst of them counts.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from ozrules.rules.condition import compile_regex
from ozrules.rules.diagnostics import Findings, Span
from ozrules.rules.fields import kind_of
from ozrules.rules.model import Compare, RuleSet
from ozrules.rules.numbers import pattern_predicate
from ozrules.session.session import MAX_TEXT

MOST: Final = 0.020
"""Seconds for all patterns together."""
_ROUNDS: Final = 2
_FORMS: Final = 3  # a number is tried as it came, in its normal form, and without its plus

Stopwatch = Callable[[], float]
"""Seconds of computing, of this thread alone."""


def check_matching(rules: RuleSet, stopwatch: Stopwatch, findings: Findings) -> None:
    """Notes an error where a name can take longer than `MOST`, at the pattern that takes most of it."""
    patterns = {(one.op, one.texts[0], _weight(one)): one for one in _patterns(rules)}
    for _ in range(_ROUNDS):  # what only once took too long was something else
        total, dearest = 0.0, 0.0
        for (_, _, weight), one in patterns.items():
            cost = weight * _cost(one, stopwatch)
            total += cost
            if cost > dearest:
                dearest, place, text = cost, one.place, one.texts[0]
            if total > MOST:
                break
        if total <= MOST:
            return
    findings.error(
        "slow-patterns",
        Span(place, len(text)),
        f"A name made to hurt can take more than {MOST * 1000:.0f} ms in the patterns of these rules: most in this.",
        suggestion="Say it with startsWith, endsWith or a list, with a shorter pattern, or with fewer of them.",
    )


def _patterns(part: object) -> Iterator[Compare]:
    """Every comparison with a pattern, wherever it stands in the set."""
    match part:
        case Compare(op="matches" | "regex"):
            yield part
        case msgspec.Struct():
            for name in part.__struct_fields__:
                yield from _patterns(getattr(part, name))
        case tuple() | list():
            for each in part:
                yield from _patterns(each)
        case dict():
            yield from _patterns(list(part.values()))


def _weight(one: Compare) -> int:
    return _FORMS if kind_of(one.field) == "number" else 1


def _cost(one: Compare, stopwatch: Stopwatch) -> float:
    pattern = one.texts[0]
    holds = compile_regex(pattern, keep=False) if one.op == "regex" else pattern_predicate(pattern)
    worst = 0.0
    for name in names_for(pattern):
        began = stopwatch()
        holds(name)
        worst = max(worst, stopwatch() - began)
    return worst


def names_for(pattern: str) -> Iterator[str]:
    """Names of the longest kind that make this pattern work hard: of its commonest letters, and of all in disorder."""
    found = Counter(letter for letter in pattern if letter.isalnum() or letter == " ")
    letters = [letter for letter, _ in found.most_common()] or ["a"]
    for letter in letters[:3]:
        yield letter * MAX_TEXT
    several = "".join(letters[:8]) + ("" if len(letters) > 1 else "~")
    yield (several * MAX_TEXT)[:MAX_TEXT]
    state = 1
    mixed = []
    for _ in range(MAX_TEXT):
        state = (state * 1_103_515_245 + 12_345) & 0x7FFF_FFFF  # the generator of C's standard: the same at each run
        mixed.append(several[(state >> 16) % len(several)])
    yield "".join(mixed)
    yield "~" * MAX_TEXT
