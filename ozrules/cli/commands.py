"""What commands there are: the one line that help says of each, and the module of this folder that it lies in.

They stand here so that help on all of them needs none of them to be loaded.
"""

from typing import Final

ABOUT: Final = {
    "run": "the daemon, in the foreground",
    "demo": "the daemon at work on a simulated phone system",
    "simulate": "the simulated phone system alone, in its own process",
    "webclient": "the browser side of ozeki-webclient connections",
    "check": "what is wrong with rule files and configurations",
    "test": "run rule tests in virtual time",
    "replay": "what rules would decide on recorded calls",
    "why": "why each rule did, or did not, act on a call",
    "decisions": "the decision record",
    "init": "first configuration and rules, and a try of the connection",
    "token": "a security token for a web client",
    "backup": "a consistent copy of the state",
    "export": "recorded sessions, for replay",
    "schema": "the JSON Schema of rules, configuration, tests or the record",
    "status": "health, and what is wrong",
    "sessions": "the calls that the daemon sees",
    "reload": "read configuration and rules again",
    "pause": "let a rule, or all, act no more",
    "resume": "let a paused rule, or all, act again",
    "override": "switch a schedule open or closed by hand, or say what is switched",
    "forget": "take a number out of all that is kept",
    "cancel": "end a waiting timer",
    "trust-clock": "say that the clock is right, so that old records are removed again",
}
"""Every command, in the order of the help."""

_ASKING: Final = frozenset(
    {"status", "sessions", "reload", "pause", "resume", "override", "cancel", "forget", "trust-clock"}
)


def module_of(command: str) -> str:
    """The module that adds the command to the command line; one module adds all that ask the running daemon."""
    return "asking" if command in _ASKING else command
