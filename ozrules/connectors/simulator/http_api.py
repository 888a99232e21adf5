"""The commands of the Ozeki HTTP API, answered by a simulated phone system: exact codes and messages. No I/O.

Written from the vendor's pages alone, apart from the connector that asks: the codes of p_4235, the commands of p_4231
and their own pages, the Ozeki 10 forms of www2.ozeki.hu p_6083.
"""

import base64
import uuid
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Final, TypeAlias
from xml.sax.saxutils import escape

import msgspec

from ozrules.connectors.ozeki_http.xml import NotXml, parse
from ozrules.connectors.session_messages import Call
from ozrules.connectors.simulator.http_calls import HttpCall, HttpCalls, row
from ozrules.connectors.simulator.http_manners import HttpManners
from ozrules.connectors.simulator.switchboard import Done, Reply, Silent, Switchboard
from ozrules.engine.events import Refused
from ozrules.session.methods import Further
from ozrules.session.session import Session
from ozrules.session.state import ENDED

MESSAGES: Final[dict[int, str]] = {
    200: "Command successfully executed",
    300: "Error occured during parsing message: '{0}'",
    301: "Not implemented command: '{0}'",
    302: "Missing or invalid parameter '{0}' for command '{1}'",
    303: "Command '{0}' cannot be used here",
    304: "Authentication required",
    305: "Authentication failed, bad username or password",
    306: "User is not allowed to use API in ACL",
    307: "Use API from this address is forbidden",
    401: "API extension '{0}' unavailable, please check configuration or permissions",
    402: "Call connect to '{0}' failed with result state '{1}'",
    501: "Destination of the SMS is not found",
    601: "Call not found with ID '{0}'",
}

_MANDATORY: Final[dict[str, tuple[str, ...]]] = {
    "ListActiveCalls": (),
    "Forward": ("CallId", "Destination"),
    "ForwardCall": ("CallId", "Destination"),
    "BlindTransfer": ("CallId", "TransferorParty", "Target"),
    "AttendedTransfer": ("TransferredCallId", "TargetCallId"),
    "Hangup": ("CallId",),
    "Hold": ("CallId",),
    "Unhold": ("CallId",),
    "SendDTMF": ("CallId", "Party", "Keys"),
    "Play": ("CallId", "Party", "AudioFile"),
    "Speak": ("CallId", "Party", "Text"),
    "Record": ("CallId",),
    "Call": ("Dialed", "Url"),
    "SendSms": ("ApiExtension", "Recipient", "Message"),
    "SendEmail": ("ApiExtension", "Recipient"),
    "GenerateSecurityToken": ("AuthXml",),
}
_ABSENT: Final = {"classic": {"ForwardCall"}, "ozeki10": {"Forward", "GenerateSecurityToken"}}
_BY_EXTENSION: Final = frozenset({"Call", "SendSms", "SendEmail"})

Values: TypeAlias = dict[str, str]


class Recording(msgspec.Struct, frozen=True):
    """A recording that is finished: who wants to be told, and where it lies (ozekiphone.com p_4775)."""

    url: str
    file: str


class HttpApi:
    """Answers requests: pairs of names and values go in, XML comes out."""

    def __init__(self, switchboard: Switchboard, manners: HttpManners) -> None:
        self.manners = manners
        self.calls = HttpCalls(manners)
        self._switchboard = switchboard
        self._placed: list[tuple[str, str]] = []
        self._recorded: dict[str, Recording] = {}
        self.tokens: dict[str, bool] = {}
        """The security tokens that were given out, and whether the holder of each may change sessions."""
        absent = _ABSENT[manners.generation]
        self._commands = {name.lower(): name for name in _MANDATORY if name not in absent}

    def answer(self, pairs: Sequence[tuple[str, str]], peer: str, now: float) -> bytes | Silent:
        """The answer to a request, or that none comes."""
        values: Values = {}
        for name, value in pairs:
            values.setdefault(name.lower(), value)
        barrier = self._barrier(values, peer)
        if barrier is not None:
            return _xml(barrier)
        return self.run(values, now)

    def run(self, values: Values, now: float) -> bytes | Silent:
        """Carries out a command. The names of ``values`` are in small letters."""
        asked = values.get("command", "")
        command = self._commands.get(asked.lower())
        if not asked:
            return _xml(302, "command", "")
        if command is None:
            return _xml(301, asked)
        if "tranferorparty" in values:  # so the table of Ozeki 10 spells it
            values.setdefault("transferorparty", values["tranferorparty"])
        for name in _MANDATORY[command]:
            if not values.get(name.lower()):
                return _xml(302, name, command)
        return self._run(command, values, now)

    def answered(self, call: HttpCall) -> str | None:
        """The Url of the Call command that placed this call, once, when it is answered."""
        placed = next((each for each in self._placed if each[0] == call.session.callee), None)
        if placed is None or call.word != "Answered":
            return None
        self._placed.remove(placed)
        return placed[1]

    def recorded(self, call: HttpCall) -> "Recording | None":
        """What was recorded of this call, once, when it has ended and somebody wants to be told."""
        return self._recorded.pop(call.session.session_id, None) if call.session.session_state in ENDED else None

    def _barrier(self, values: Values, peer: str) -> int | None:
        manners = self.manners
        if manners.addresses and not any(ip_address(peer) in ip_network(each) for each in manners.addresses):
            return 307
        if not manners.users:
            return None
        user, password = values.get("username"), values.get("password")
        if not user or not password:
            return 304
        if manners.users.get(user) != password:
            return 305
        return 306 if user in manners.barred else None

    def _run(self, command: str, values: Values, now: float) -> bytes | Silent:
        if command == "ListActiveCalls":
            rows = self.calls.listed(self._switchboard.phones.sessions(now), now)
            return _xml(200, inside=f"<ActiveCalls>{''.join(row(each, self.manners) for each in rows)}</ActiveCalls>")
        if command == "GenerateSecurityToken":
            return self._token(values["authxml"])
        for name, allowed in (("transferorparty", _PARTIES), ("party", (*_PARTIES, "all"))):
            if name in values and values[name].lower() not in allowed:
                return _xml(302, "TransferorParty" if name == "transferorparty" else "Party", command)
        board, id = self._switchboard, values.get("callid", "")
        extension, known = values.get("apiextension"), self.manners.api_extensions
        if command in _BY_EXTENSION and extension and known is not None and extension not in known:
            return _xml(401, extension)
        if command in _FURTHER:
            operation, names = _FURTHER[command]
            reply = board.ask_further(
                operation,
                id or values.get("transferredcallid"),
                now,
                other=values.get("targetcallid"),
                arguments={ours: values[theirs] for theirs, ours in names.items() if values.get(theirs)},
            )
            if command == "Call" and isinstance(reply, Done):
                self._placed.append((values["dialed"], values["url"]))
            if command == "Record" and isinstance(reply, Done) and values.get("finishedurl"):
                self._recorded[id] = Recording(values["finishedurl"], f"HttpRecordings/{id}.{_format(values)}")
            return self._replied(command, values, reply)
        session = self._session(id, now)
        if session is None:
            return _xml(601, id)
        if command == "SendDTMF":
            return self._replied(command, values, self._press(session, values, now))
        return self._replied(command, values, board.ask(_call(command, session, values), now))

    def _token(self, rights: str) -> bytes:
        try:
            root = parse(rights.encode())
        except NotXml:
            return _xml(302, "AuthXml", "GenerateSecurityToken")
        modifies = root.child("AllowSessionModification")
        said = modifies.text.lower() if modifies is not None else ""
        if root.name != "SecurityToken" or said not in ("true", "false"):
            return _xml(302, "AuthXml", "GenerateSecurityToken")
        token = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")  # 22 characters, as in the samples
        self.tokens[token] = said == "true"
        return _xml(200, inside=f"<SecurityToken>{token}</SecurityToken>")

    def _session(self, id: str, now: float) -> Session | None:
        return next((each for each in self._switchboard.phones.sessions(now) if each.session_id == id), None)

    def _press(self, session: Session, values: Values, now: float) -> Reply:
        party = values["party"].lower()
        reply: Reply = Done()
        for key in values["keys"]:
            for number in (session.caller, session.callee) if party == "all" else (_number(session, party),):
                call = Call(id=0, method="sendDtmf", session_id=session.session_id, key=key, phone_number=number)
                reply = self._switchboard.ask(call, now)
                if not isinstance(reply, Done):
                    return reply
        return reply

    def _replied(self, command: str, values: Values, reply: Reply) -> bytes | Silent:
        match reply:
            case Silent():
                return reply
            case Done():
                return _xml(200, inside=f"<SmsId>{uuid.uuid4()}</SmsId>" if command == "SendSms" else "")
            case Refused(kind="notFound"):
                return _xml(601, values.get("callid") or values.get("transferredcallid", ""))
            case Refused(kind="wrongState"):
                code = self.manners.wrong_state
                return _xml(code, values.get("callid", "") if code == 601 else command)
            case Refused(kind="invalid") if command == "Call":
                return _xml(402, values["dialed"], "NotFound")
            case Refused(kind="invalid") if command == "SendSms":
                return _xml(501)
            case Refused(kind="invalid"):
                return _xml(302, _MANDATORY[command][-1], command)
            case Refused():
                return _xml(self.manners.refusal, command)


_PARTIES: Final = ("caller", "callee")


def _format(values: Values) -> str:
    return "wav" if values.get("format", "").lower() == "wav" else "mp3"


def _number(session: Session, party: str) -> str | None:
    return session.caller if party == "caller" else session.callee


def _call(command: str, session: Session, values: Values) -> Call:
    match command:
        case "Forward" | "ForwardCall":
            return Call(id=0, method="forward", session_id=session.session_id, phone_number=values["destination"])
        case "BlindTransfer":
            return Call(
                id=0,
                method="blindTransfer",
                session_id=session.session_id,
                transferor=_number(session, values["transferorparty"].lower()),
                phone_number=values["target"],
            )
        case "Hold":
            return Call(id=0, method="hold", session_id=session.session_id)
        case "Unhold":
            return Call(id=0, method="unhold", session_id=session.session_id)
        case _:
            return Call(id=0, method="hangup", session_id=session.session_id)


_FURTHER: Final[dict[str, tuple[Further, dict[str, str]]]] = {
    "AttendedTransfer": ("attendedTransfer", {}),
    "Play": ("play", {"party": "party", "audiofile": "file", "repeat": "repeat"}),
    "Speak": ("speak", {"party": "party", "text": "text"}),
    "Record": ("record", {"format": "format", "finishedurl": "url"}),
    "Call": (
        "call",
        {
            "dialed": "to",
            "url": "url",
            "apiextension": "apiExtension",
            "callerid": "callerId",
            "callerdisplayname": "callerDisplayName",
        },
    ),
    "SendSms": ("sendSms", {"recipient": "to", "message": "text", "apiextension": "apiExtension", "sender": "sender"}),
    "SendEmail": (
        "sendEmail",
        {
            "recipient": "to",
            "subject": "subject",
            "message": "text",
            "apiextension": "apiExtension",
            "sender": "sender",
        },
    ),
}
"""Commands beyond the methods of a session, and their parameters in the words of the rule language."""


def _xml(code: int, *filled_in: str, inside: str = "") -> bytes:
    message = MESSAGES[code].format(*filled_in) if filled_in else MESSAGES[code]
    head = '<?xml version="1.0" encoding="utf-8"?>'
    return f"{head}<Response><Code>{code}</Code><Message>{escape(message)}</Message>{inside}</Response>".encode()
