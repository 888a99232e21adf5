"""How the daemon stands: what readiness, ``ozrules status``, the service manager and the dashboard are told.

Ready means all of: every phone system connected and its list merged, the journal writable, the rules on disk in force.
"""

from collections.abc import Callable

import msgspec

from ozrules.runtime.ports import ConnectionState


class Health(msgspec.Struct, kw_only=True):
    """Written by the reactor and the app; read by whoever is asked. Each text says what is wrong, None is well.

    ``troubles`` are what else is wrong with connections, by their names: a token that cannot be renewed. ``journal`` is
    why it cannot be written; ``room`` says whether it has room for what would be begun now.
    """

    connections: dict[str, ConnectionState]
    journal: str | None = None
    room: Callable[[], str | None] = lambda: None
    rules: str | None = None
    troubles: dict[str, str] = {}
    stopping: bool = False

    @property
    def ready(self) -> bool:
        return not self.problems()

    def problems(self) -> list[str]:
        """Everything that is not as it should be, one clear line each."""
        found = ["stopping"] if self.stopping else []
        found += [
            f"connection {state.connection}: {state.detail}" for state in self.connections.values() if not state.ready
        ]
        journal = self.journal or self.room()
        if journal is not None:
            found.append(f"journal: {journal}")
        if self.rules is not None:
            found.append(f"rules: {self.rules}")
        found += [f"connection {name}: {text}" for name, text in self.troubles.items()]
        return found
