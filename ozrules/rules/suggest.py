"""Did you mean: the name that a misspelt one was most likely meant to be."""

from collections.abc import Iterable
from typing import Final

from ozrules.rules.diagnostics import Edit
from ozrules.rules.model import Place

_SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    word: tuple(meant.split())
    for words, meant in {
        "when event": "trigger",
        "on": "trigger active",
        "if where match": "conditions",
        "then do action steps": "actions",
        "name": "id",
        "unless except": "exceptions",
        "after": "for",
        "or anyof oneof": "any in",
        "and allof": "all",
        "is equals equal = ==": "eq",
        "isnot notequals notequal != <>": "ne",
        "contains like glob": "matches",
        "> greater greaterthan morethan above": "gt",
        ">= atleast min minimum": "gte",
        "< less lessthan below under": "lt",
        "<= atmost max maximum": "lte",
        "begins beginswith prefix": "startsWith",
        "ends suffix": "endsWith",
        "regexp pattern": "regex",
        "present defined": "exists",
        "noneof": "notIn",
        "from ani clid": "caller",
        "to called extension": "callee",
        "did dnis dialled dialed": "dialedNumber",
        "state status": "sessionState",
        "callername": "callerDisplayName",
        "calleename": "calleeDisplayName",
        "duration": "talkDuration for",
        "waittime ringtime": "ringDuration",
        "transfer refer": "blindTransfer",
        "redirect divert": "forward",
        "drop end reject terminate disconnect": "hangup",
        "park": "hold",
        "resume retrieve": "unhold",
        "sleep delay pause": "wait",
        "http post notify": "webhook",
        "mail email": "sendEmail",
        "sms": "sendSms",
        "dtmf": "sendDtmf",
        "note print": "log",
        "ringgroup": "hunt",
        "say tts": "speak",
        "monitor spy": "startListen",
        "ring alerting ringback": "Ringing",
        "up talk talking connected established bridged incall": "InCall",
        "hungup disconnected terminated finished": "ended",
        "noanswer unanswered missed": "NotAnswered NoAnswer",
        "transferred transfered": "TransferCompleted",
        "canceled": "Cancelled",
        "enabled true": "active",
        "off false": "disabled",
        "dryrun test": "shadow",
    }.items()
    for word in words.split()
}
"""What other systems call it, in small letters without dashes; of several the first that can stand there."""


def closest(word: str, names: Iterable[str]) -> str | None:
    """The one of ``names`` that ``word`` is a slip of, or None where none is near or two are equally near.

    A word by which other systems know the same thing comes first. Another case, and words glued with ``-`` or ``_``,
    are the nearest kind of slip; else at most one letter in three may be wrong (added, dropped, swapped or changed),
    two in a word of five. One that is equally near to two names is no clear suggestion: `nearest` tells them all.
    """
    found = nearest(word, names)
    return found[0] if len(found) == 1 else None


def nearest(word: str, names: Iterable[str]) -> list[str]:
    """All of ``names`` that ``word`` is a slip of, where none of them is nearer than the others."""
    if not word or len(word) > 64:
        return []
    best: list[str] = []
    limit = max(1 + (len(word) > 4), len(word) // 3) + 1
    plain = _plain(word)
    known = sorted(set(names))
    for meant in _SYNONYMS.get(plain, ()):
        if meant in known:
            return [meant]
    for name in known:
        if _plain(name) == plain:
            distance = 0
        elif abs(len(name) - len(word)) >= limit + 1:
            continue
        else:
            distance = min(_distance(word, name), _distance(plain, _plain(name)) + 1)
        if distance < limit:
            best, limit = [name], distance
        elif distance == limit and best:
            best.append(name)
    return best or [name for name in known if len(plain) > 3 and len(name) > 3 and _within(plain, _plain(name))]


def _within(word: str, name: str) -> bool:
    """Whether one is the other with something left out before or behind: ``cond``, ``within``, ``caller_number``."""
    return name.startswith(word) or name.endswith(word) or word.startswith(name)


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
