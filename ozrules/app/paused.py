"""Which rules an admin has paused. It outlives a restart: a rule that was stopped because it did harm stays stopped."""

import os
from pathlib import Path
from typing import Final

import msgspec

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
        """Keeps it on disk."""
        (self.rules.add if paused else self.rules.discard)(rule)
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(self.names()))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def names(self) -> list[str]:
        """The rules' ids in order, ``*`` for all."""
        return sorted(rule or ALL for rule in self.rules)
