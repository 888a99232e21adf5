"""What Asterisk shows of keys and listeners, which leave no trace in a session's state.

It listens to what the methods send, and to the manager's events. A key is shown by DTMFBegin or DTMFEnd with Direction
Sent on the very channel that it was sent to, unless the other party pressed the same key, which Asterisk passes on in
the same words. PlayDTMF answers when the key has been played, so what shows it has come by then, or comes within
`GRACE`. Asterisk 16 and 22 raise no such event for PlayDTMF: there a key is accepted, and nothing more is known.
A listener is shown by ChanSpyStart with the channel that we made and the leg that it hears, and its end by ChanSpyStop
or by the end of that channel. DTMF events are of the manager's class dtmf, the others of class call.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ozrules.connectors.asterisk.actions import Ask
from ozrules.connectors.asterisk.ami import Fields, whole_number
from ozrules.connectors.asterisk.dialogue import Answer
from ozrules.engine.effects import Command
from ozrules.engine.events import Accepted, CommandShown, Refused, Unanswered
from ozrules.engine.identity import CommandId
from ozrules.runtime.ports import Clock

GRACE: Final = 0.25
"""Seconds after the answer in which a key may still be shown."""
PASSED_ON: Final = 1.0
"""Seconds within which a key sent is the one that the other party pressed."""
MOST: Final = 256
"""Listeners, keys sent and keys pressed that are remembered."""

Done: TypeAlias = Accepted | Refused | Unanswered


@dataclass(eq=False)
class _Key:
    channel: str
    digit: str
    since: float
    shown: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class _Listener:
    command: CommandId
    begins: bool
    spyer: str
    """Its channel's id where it begins, its channel's name where it ends."""
    spyee: str = ""
    asked: str = ""


class Evidence:
    """What was asked for of one Asterisk and may still be shown."""

    def __init__(self, connection: str, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._keys: list[_Key] = []
        self._listeners: list[_Listener] = []
        self._pressed: dict[tuple[str, str], float] = {}

    def watching(self, link: Ask, command: Command) -> "Watching":
        """The link, with an eye on what this command sends over it."""
        return Watching(self, link, command)

    def hear(self, fields: Fields, at: float) -> list[CommandShown]:
        """One event of the manager: what it shows of a command that has been answered."""
        match fields.get("Event"):
            case "DTMFBegin" | "DTMFEnd":
                self._key(fields, at)
            case "ChanSpyStart":
                spyer, spyee = fields.get("SpyerUniqueid", ""), fields.get("SpyeeChannel", "")
                for one in self._listeners:
                    if one.begins and (one.spyer, one.spyee) == (spyer, spyee):
                        return [self._show(one, at, True, "ChanSpyStart")]
            case "ChanSpyStop":
                return self._over(fields.get("SpyerChannel", ""), at, "ChanSpyStop")
            case "Hangup":
                return self._over(fields.get("Channel", ""), at, "Hangup")
            case "OriginateResponse" if fields.get("Response") == "Failure":
                for one in self._listeners:
                    if one.begins and one.asked and one.asked == fields.get("ActionID"):
                        return [self._show(one, at, False, "the supervisor was not reached, or did not answer")]
        return []

    def _show(self, one: _Listener, at: float, done: bool, message: str) -> CommandShown:
        self._listeners.remove(one)
        return CommandShown(at=at, connection=self._connection, command=one.command, done=done, message=message)

    def _over(self, channel: str, at: float, message: str) -> list[CommandShown]:
        ended = [one for one in self._listeners if not one.begins and one.spyer == channel]
        return [self._show(one, at, True, message) for one in ended]

    def _key(self, fields: Fields, at: float) -> None:
        call, digit = fields.get("Linkedid", ""), fields.get("Digit", "")
        if fields.get("Direction") != "Sent":
            self._pressed.pop((call, digit), None)
            self._pressed[call, digit] = at
            if len(self._pressed) > MOST:
                del self._pressed[next(iter(self._pressed))]
            return
        began = at - whole_number(fields, "DurationMs") / 1000
        pressed = self._pressed.get((call, digit))
        for one in self._keys:
            mine = (one.channel, one.digit) == (fields.get("Channel"), digit) and began >= one.since
            if mine and (pressed is None or began - pressed > PASSED_ON):
                one.shown.set()

    # -- what `Watching` tells

    def sends(self, action: str, fields: Mapping[str, str], command: Command) -> "_Key | _Listener | None":
        """An action is about to be sent for the command."""
        if action == "PlayDTMF":
            key = _Key(fields["Channel"], fields["Digit"], self._clock.now())
            self._keys.append(key)
            del self._keys[:-MOST]
            return key
        listener: _Listener | None = None
        if command.action == "startListen" and action == "Originate":
            listener = _Listener(command.id, True, fields["ChannelId"], fields["Data"].rpartition(",")[0])
        elif command.action == "stopListen" and action == "Hangup":
            listener = _Listener(command.id, False, fields["Channel"])
        if listener is not None:
            self._listeners.append(listener)
            del self._listeners[:-MOST]
        return listener

    async def weigh(self, sent: "_Key | _Listener | None", done: Done) -> Done:
        """The answer, with what was seen of it or may be."""
        match sent:
            case _Key() as key:
                try:
                    if isinstance(done, Accepted) and not key.shown.is_set():
                        async with asyncio.timeout(GRACE):
                            await key.shown.wait()
                except TimeoutError:
                    pass
                finally:
                    if key in self._keys:
                        self._keys.remove(key)
                return Accepted("seen") if key.shown.is_set() and not isinstance(done, Refused) else done
            case _Listener() if isinstance(done, Accepted):
                return Accepted("follows")
            case _Listener() if isinstance(done, Refused) and sent in self._listeners:
                self._listeners.remove(sent)
        return done


class Watching:
    """A link that tells `Evidence` what one command sends over it."""

    def __init__(self, evidence: Evidence, link: Ask, command: Command) -> None:
        self._evidence = evidence
        self._link = link
        self._command = command
        self._sent: _Key | _Listener | None = None

    async def ask(self, action: str, fields: Mapping[str, str], within: float) -> Answer:
        """As `Link.ask`."""
        sent = self._evidence.sends(action, fields, self._command)
        self._sent = sent or self._sent
        answer = await self._link.ask(action, fields, within)
        if isinstance(sent, _Listener):
            sent.asked = answer.action_id
        return answer

    def tell(self, action: str, fields: Mapping[str, str]) -> str:
        """As `Link.tell`."""
        return self._link.tell(action, fields)

    async def weighed(self, done: Done) -> Done:
        """The method's answer, with what Asterisk has shown of it."""
        return await self._evidence.weigh(self._sent, done)
