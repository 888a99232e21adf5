"""The front of the simulated phone system: where commands arrive and changes leave, each noted, some of them spoilt.

The ledger is the phone system's own word on what it was asked to do, beside which any other account can be laid.
`Conduct` is how it misbehaves when told to: by method for commands, by share for changes.
"""

import random
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from ozrules.connectors.session_messages import Call, SessionNews
from ozrules.connectors.simulator.phone_system import PhoneSystem
from ozrules.engine.events import RefusalKind, Refused
from ozrules.session.methods import Further, Operation

Misdeed = Literal["refuse", "silence", "close", "idle", "lie", "mute"]
"""refuse: an error, not done · silence: no answer, not done · close: the connection ends, not done ·
idle: accepted, not done · lie: done, but answered with an error · mute: done, no answer."""


class Conduct(msgspec.Struct, frozen=True, kw_only=True):
    """How commands and changes are treated. Shares are between 0 and 1; all that is not said is honest.

    ``lie``: the error that stands in the answer to what was done all the same.
    """

    methods: Mapping[Operation, Misdeed] = {}
    lie: RefusalKind = "wrongState"
    duplicate: float = 0.0
    reorder: float = 0.0
    drop: float = 0.0


HONEST: Final = Conduct()


class Done(msgspec.Struct, frozen=True):
    """Carried out, as far as the phone system says."""


class Silent(msgspec.Struct, frozen=True):
    """No answer will come; ``closes``: and the connection ends."""

    closes: bool


Reply = Done | Refused | Silent


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A command that arrived: when, what, on what, and what became of it; ``performed``: the call was touched."""

    at: float
    method: Operation
    session_id: str
    phone_number: str | None = None
    transferor: str | None = None
    key: str | None = None
    arguments: dict[str, str] = {}
    result: str
    performed: bool


class Switchboard:
    """One phone system with its ledger."""

    def __init__(self, phones: PhoneSystem, *, seed: int) -> None:
        self.phones = phones
        self.conduct = HONEST
        self.ledger: list[LedgerEntry] = []
        self._chance = random.Random(seed)  # noqa: S311 - a model, no secret
        self._kept_back: list[SessionNews] = []

    def ask(self, call: Call, now: float) -> Reply:
        """A command arrives."""
        reply, performed = self._treated(
            call.method,
            lambda: self.phones.call(
                call.method,
                call.session_id,
                now=now,
                phone_number=call.phone_number,
                transferor=call.transferor,
                key=call.key,
            ),
        )
        self.ledger.append(
            LedgerEntry(
                at=now,
                method=call.method,
                session_id=call.session_id,
                phone_number=call.phone_number,
                transferor=call.transferor,
                key=call.key,
                result=_result(reply),
                performed=performed,
            )
        )
        return reply

    def ask_further(
        self, operation: Further, session_id: str | None, now: float, *, other: str | None, arguments: dict[str, str]
    ) -> Reply:
        """A command beyond the ten methods arrives."""
        reply, performed = self._treated(
            operation,
            lambda: self.phones.further(operation, session_id, now=now, other=other, arguments=arguments),
        )
        entry = LedgerEntry(
            at=now,
            method=operation,
            session_id=session_id or "",
            arguments=arguments,
            result=_result(reply),
            performed=performed,
        )
        self.ledger.append(entry)
        return reply

    def _treated(self, method: Operation, perform: Callable[[], Refused | None]) -> tuple[Reply, bool]:
        misdeed = self.conduct.methods.get(method)
        refused: Refused | None = None
        performed = False
        if misdeed in (None, "lie", "mute"):
            refused = perform()
            performed = refused is None
        return _reply(misdeed, refused, self.conduct.lie), performed

    def changes(self, now: float) -> list[SessionNews]:
        """What is to be told now."""
        conduct, chance = self.conduct, self._chance
        told: list[SessionNews] = []
        for news in self.phones.advance(now):
            if conduct.drop and chance.random() < conduct.drop:
                continue
            if conduct.reorder and chance.random() < conduct.reorder:
                self._kept_back.append(news)
                continue
            told.append(news)
            told += self._kept_back
            self._kept_back = []
            if conduct.duplicate and chance.random() < conduct.duplicate:
                told.append(news)
        if self.phones.next_due() is None:
            told += self._kept_back
            self._kept_back = []
        return told


def _reply(misdeed: Misdeed | None, refused: Refused | None, lie: RefusalKind) -> Reply:
    match misdeed:
        case None:
            return refused or Done()
        case "refuse":
            return Refused("denied", "the phone system refuses")
        case "lie":
            return Refused(lie, "something went wrong")
        case "idle":
            return Done()
        case "silence" | "mute":
            return Silent(closes=False)
        case "close":
            return Silent(closes=True)


def _result(reply: Reply) -> str:
    match reply:
        case Done():
            return "done"
        case Refused(kind=kind):
            return kind
        case Silent(closes=closes):
            return "closed" if closes else "silent"
