"""Which changes of the configuration need a restart, and which hold from a reload on."""

from typing import Final

from ozrules.settings.model import Settings

LIVE: Final = frozenset({"rules", "mode", "webhooks", "secrets", "retention"})
LIVE_IN_LOG: Final = frozenset({"level", "decisions", "pseudonyms"})
_NOT_SETTINGS: Final = frozenset({"file", "warnings"})


def needs_restart(old: Settings, new: Settings) -> tuple[str, ...]:
    """The keys whose change cannot hold before a restart, as they stand in the file: ``connections.office``."""
    changed: list[str] = []
    for name in Settings.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        if before == after or name in LIVE or name in _NOT_SETTINGS:
            continue
        if name == "connections":
            changed += _connections(old, new)
        elif name == "log":
            changed += [
                f"log.{key}"
                for key in before.__struct_fields__
                if key not in LIVE_IN_LOG and getattr(before, key) != getattr(after, key)
            ]
        else:
            changed.append(name)
    return tuple(changed)


def _connections(old: Settings, new: Settings) -> list[str]:
    before = {one.name: one for one in old.connections}
    after = {one.name: one for one in new.connections}
    names = [name for name in before | after if before.get(name) != after.get(name)]
    return [f"connections.{name}" for name in names] or ["connections"]  # their order, where nothing else changed
