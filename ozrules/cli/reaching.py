"""`ozrules check --connect`: reaches each phone system once, as the daemon would, and shows what it says of itself."""

from ozrules.logs.escaping import MAX_DETAIL, escaped
from ozrules.settings.model import ConnectionSettings


def reach(connections: tuple[ConnectionSettings, ...]) -> tuple[list[str], bool]:
    """A line for each connection, and whether all were reached."""
    import asyncio  # nobody who only checks needs that, nor the connectors

    from ozrules.app.trial import attempt
    from ozrules.runtime.clock import SystemClock

    async def all_at_once() -> list[tuple[str, bool]]:
        found = await asyncio.gather(*(attempt(each, SystemClock(), connections) for each in connections))
        return [
            (one.detail if one.problem is None else f"not reached: {one.problem}", one.problem is None) for one in found
        ]

    said = asyncio.run(all_at_once())
    lines = [f"{each.name}: {escaped(text, MAX_DETAIL)}" for each, (text, _) in zip(connections, said, strict=True)]
    return lines, all(reached for _, reached in said)
