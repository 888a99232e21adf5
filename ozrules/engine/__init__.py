"""The engine: `step(event) -> effects`, synchronous, total and deterministic.

It never reads a clock, a file or a socket. `events` is all that it can be told, `effects` all that it can ask for.
"""
