"""Commands of the HTTP API: their names and parameters in either generation, and how they are written. No I/O.

Sources: ozekiphone.com p_4231 and the page of each command (p_4571 to p_4579, p_4591, p_4610, p_4774, p_4775);
www2.ozeki.hu p_6083, p_7631 to p_7645. The Ozeki 10 table of BlindTransfer spells its party ``TranferorParty``; both
spellings are sent there. What the Ozeki 10 pages do not show is asked for as in the classic generation.
"""

import re
from typing import Final, Literal, TypeAlias
from urllib.parse import urlencode

import msgspec

from ozrules.connectors.gateway.requests import MovedParty, transferor_of
from ozrules.engine.effects import Command
from ozrules.engine.events import Refused
from ozrules.session.methods import APART, METHODS, OPERATIONS, Method, Operation
from ozrules.session.session import Session
from ozrules.session.state import HELD

Generation: TypeAlias = Literal["classic", "ozeki10"]
Pair: TypeAlias = tuple[str, str]

ABSENT: Final[frozenset[Method]] = frozenset({"startListen", "stopListen"})
"""What the Session class can do and the HTTP API cannot. Its close is a Hangup here, as closeWithHangup is."""

POSSIBLE: Final[frozenset[Operation]] = frozenset(OPERATIONS) - ABSENT

_TARGET: Final = re.compile(r"\+?[0-9*#]{1,20}", re.ASCII)


class Request(msgspec.Struct, frozen=True):
    """A command and its parameters, in the order in which they are written."""

    command: str
    parameters: tuple[Pair, ...] = ()


LIST: Final = Request("ListActiveCalls")


class Unsendable(ValueError):
    """A parameter holds what must not stand in a request; the text names the parameter, not its value."""


def request_for(
    command: Command,
    session: Session,
    *,
    other_is_held: bool,
    generation: Generation,
    moved_party: MovedParty | None,
    api_extension: str | None,
) -> Request | Refused:
    """The request for ``command`` on ``session``, or why there can be none.

    ``other_is_held``: the second call of an attended transfer is the one on hold, which is transferred.
    ``api_extension`` makes calls and sends texts where the rule names none.
    """
    action, call = command.action, ("CallId", session.session_id)
    if action in METHODS and action in ABSENT:
        return Refused("denied", f"the HTTP API has no {action}; a web client's connection has")
    if action in ("forward", "blindTransfer", "call", "sendSms") and not _TARGET.fullmatch(command.to or ""):
        return Refused("invalid", f"{action} needs a number to go to: digits, *, # and a leading + are one")
    if action in ("sendDtmf", "play", "speak") and command.party is None:
        return Refused("invalid", f"{action} needs the party that hears it")
    to, party, given = command.to or "", command.party or "", command.arguments
    if action in APART and api_extension is not None:
        given = {"apiExtension": api_extension} | given
    match action:
        case "forward":
            return Request("Forward" if generation == "classic" else "ForwardCall", (call, ("Destination", to)))
        case "blindTransfer":
            transferor = transferor_of(command, moved_party)
            if isinstance(transferor, Refused):
                return transferor
            names = ("TransferorParty",) if generation == "classic" else ("TransferorParty", "TranferorParty")
            return Request("BlindTransfer", (call, *((name, transferor) for name in names), ("Target", to)))
        case "attendedTransfer":
            if command.other is None:
                return Refused("invalid", "attendedTransfer needs the second call")
            calls = (session.session_id, command.other.session_id)
            held, talking = reversed(calls) if other_is_held and session.session_state not in HELD else calls
            return Request("AttendedTransfer", (("TransferredCallId", held), ("TargetCallId", talking)))
        case "hangup" | "close" | "closeWithHangup":
            return Request("Hangup", (call,))
        case "hold":
            return Request("Hold", (call,))
        case "unhold":
            return Request("Unhold", (call,))
        case "sendDtmf":
            if not isinstance(command.key, str):
                return Refused("invalid", "sendDtmf needs a key")
            return Request("SendDTMF", (call, ("Party", party), ("Keys", command.key)))
        case "play":
            repeat = _taken(given, repeat="Repeat")
            return Request("Play", (call, ("Party", party), ("AudioFile", given.get("file", "")), *repeat))
        case "speak":
            return Request("Speak", (call, ("Party", party), ("Text", given.get("text", ""))))
        case "record":
            told = _taken(given, url="FinishedURL" if generation == "classic" else "FinishedUrl")
            return Request("Record", (call, *_taken(given, format="Format"), *told))
        case "call":
            caller = _taken(given, apiExtension="ApiExtension", url="Url", callerId="CallerId")
            return Request("Call", (("Dialed", to), *caller, *_taken(given, callerDisplayName="CallerDisplayName")))
        case "sendSms":
            sender = _taken(given, apiExtension="ApiExtension", sender="Sender")
            return Request("SendSms", (*sender, ("Recipient", to), ("Message", given.get("text", ""))))
        case "sendEmail":
            sender = _taken(given, apiExtension="ApiExtension", sender="Sender")
            text = _taken(given, subject="Subject", text="Message")
            return Request("SendEmail", (*sender, ("Recipient", given.get("to", "")), *text))
        case _:
            return Refused("denied", f"the HTTP API has no {action}")


def _taken(given: dict[str, str], **names: str) -> tuple[Pair, ...]:
    """Those of the arguments that a rule gives, under the vendor's names."""
    return tuple((theirs, given[ours]) for ours, theirs in names.items() if ours in given)


def encode(request: Request, username: str | None, password: str | None) -> str:
    """The request as ``application/x-www-form-urlencoded``, for a body or a query. Raises Unsendable.

    Line breaks may stand in texts that are read or spoken; every other control character is refused anywhere.
    """
    pairs = [("command", request.command), *request.parameters]
    if username is not None:
        pairs += [("Username", username), ("Password", password or "")]
    for name, value in pairs:
        allowed = "\r\n\t" if name in ("Text", "Message") else ""
        if any((ord(character) < 32 or ord(character) == 127) and character not in allowed for character in value):
            raise Unsendable(f"{name} holds a control character")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unsendable(f"{name} cannot be written as UTF-8") from None
    return urlencode(pairs)
