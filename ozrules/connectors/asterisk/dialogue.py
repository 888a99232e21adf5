"""Who asked what: matches responses and lists to the actions that asked for them, sans I/O.

Every action carries an ActionID of ours. A response with it ends the question, unless it opens a list: then the list's
events are gathered until the one that completes it. All other events are news. Answers to nobody are dropped: the
question has been given up meanwhile.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from ozrules.connectors.asterisk.ami import Fields, Unreadable, encode

MAX_ITEMS: Final = 20_000
"""Items of one list that are kept; a list that is longer is not complete."""


class Answer(msgspec.Struct, frozen=True):
    """What came back for one action. ``items`` are the events of a list."""

    action_id: str
    response: Fields
    items: tuple[Fields, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether the manager accepted the action. That is not yet: did it."""
        return self.response.get("Response") == "Success"

    @property
    def message(self) -> str:
        """What the manager says about it."""
        return self.response.get("Message", "")


class News(msgspec.Struct, frozen=True):
    """An event that nobody asked for."""

    fields: Fields


class Greeting(msgspec.Struct, frozen=True):
    """The manager's first line."""

    banner: str


Heard: TypeAlias = Answer | News | Greeting | Unreadable


class Dialogue:
    """The questions that are open on one connection."""

    def __init__(self) -> None:
        self._asked = 0
        self._open: dict[str, list[Fields] | None] = {}
        self._responses: dict[str, Fields] = {}

    def ask(self, action: str, fields: Mapping[str, str]) -> tuple[str, bytes]:
        """The id of a new question, and its bytes. Raises ami.Unsafe, and then nothing was asked."""
        action_id = f"ozrules-{self._asked + 1}"
        data = encode({"Action": action, "ActionID": action_id} | dict(fields))
        self._asked += 1
        self._open[action_id] = None
        return action_id, data

    def give_up(self, action_id: str) -> None:
        """Nobody waits for this answer any more."""
        self._open.pop(action_id, None)
        self._responses.pop(action_id, None)

    def hear(self, message: Fields | Unreadable) -> Heard | None:
        """What a message means; None for a part of a list, and for an answer that nobody waits for."""
        if isinstance(message, Unreadable):
            return message
        if "Banner" in message:
            return Greeting(message["Banner"])
        action_id = message.get("ActionID", "")
        if "Event" not in message:  # asked first: the event OriginateResponse has a field Response
            if "Response" not in message:
                return Unreadable("noEvent", " ".join(message)[:120])
            return self._response(action_id, message)
        if action_id not in self._responses:
            return News(message)
        return self._item(action_id, message)

    def _response(self, action_id: str, message: Fields) -> Answer | Unreadable | None:
        if not action_id:
            return Unreadable("noActionID", " ".join(message)[:120])
        if action_id not in self._open:
            return None
        if message.get("EventList", "").lower() == "start":
            self._responses[action_id] = message
            self._open[action_id] = []
            return None
        self.give_up(action_id)
        return Answer(action_id, message)

    def _item(self, action_id: str, message: Fields) -> Answer | None:
        items = self._open[action_id]
        assert items is not None  # a response that opens a list makes it
        if message.get("EventList"):
            response = self._responses[action_id]
            complete = message["EventList"].lower() == "complete" and len(items) < MAX_ITEMS
            complete = complete and message.get("ListItems") in (None, str(len(items)))  # else one could not be read
            self.give_up(action_id)
            if not complete:
                response = response | {"Response": "Error", "Message": "the list was cancelled or is not whole"}
            return Answer(action_id, response, tuple(items))
        if len(items) < MAX_ITEMS:
            items.append(message)
        return None
