"""How the daemon stands: what readiness, ``ozrules status``, the service manager and the dashboard are told.

Ready means all of: every phone system connected and its list merged, the journal writable, the rules on disk in force.
"""

import msgspec

from ozrules.runtime.ports import ConnectionState


class Health(msgspec.Struct, kw_only=True):
    """Written by the reactor and the app; read by whoever is asked. Each text says what is wrong, None is well."""

    connections: dict[str, ConnectionState]
    journal: str | None = None
    rules: str | None = None
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
        if self.journal is not None:
            found.append(f"journal: {self.journal}")
        if self.rules is not None:
            found.append(f"rules: {self.rules}")
        return found
