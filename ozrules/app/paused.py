"""Which rules an admin has paused. It outlives a restart: a rule that was stopped because it did harm stays stopped."""

from pathlib import Path
from typing import Final

import msgspec

from ozrules.store.kept import keep

ALL: Final = "*"


class PausedRules:
    """The paused rules, in a small file of the state directory that is replaced whole. None stands for all rules."""

    def __init__(self, state: Path) -> None:
        self._path = state / "paused.json"
        self.rules: set[str | None] = set()
        try:
            names = msgspec.json.decode(self._path.read_bytes(), type=list[str])
        except FileNotFoundError:
            return
        except msgspec.MsgspecError:
            names = [ALL]  # nobody can say what was paused, so nothing acts until an admin has looked
        self.rules = {None if name == ALL else name for name in names}

    def put(self, rule: str | None, *, paused: bool) -> None:
        """Keeps it on disk. Raises NotKept, and then nothing has changed."""
        rules = self.rules | {rule} if paused else self.rules - {rule}
        keep(self._path, msgspec.json.encode(_names(rules)))
        self.rules = rules

    def names(self) -> list[str]:
        """The rules' ids in order, ``*`` for all."""
        return _names(self.rules)


def _names(rules: set[str | None]) -> list[str]:
    return sorted(rule or ALL for rule in rules)
