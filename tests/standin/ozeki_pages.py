"""The Ozeki HTTP API a second time, written from the vendor's pages and not from our simulator, so that connector and
simulator do not merely agree by being of one mind.

What the pages leave open is a `Reading`: each is legal, and few are the obvious one. It has no office and no clock: a
test moves its calls. Sources: ozekiphone.com p_4231 (commands), p_4149 (answers), p_4235 (codes), p_4058 (list), p_4587
(states), the command pages p_4571 to p_4775; ozeki.hu p_7631 to p_7645 for Ozeki 10.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, cast
from urllib.parse import unquote_to_bytes
from xml.sax.saxutils import escape

Cell: TypeAlias = "str | list[tuple[str, Cell]]"
Row: TypeAlias = list[tuple[str, Cell]]

CODES: Final = {
    200: "Command successfully executed",
    301: "Not implemented command: '{0}'",
    302: "Missing or invalid parameter '{0}' for command '{1}'",
    303: "Command '{0}' cannot be used here",
    304: "Authentication required",
    305: "Authentication failed, bad username or password",
    601: "Call not found with ID '{0}'",
}
NEEDED: Final = {
    "listactivecalls": (),
    "forward": ("callid", "destination"),
    "forwardcall": ("callid", "destination"),
    "blindtransfer": ("callid", "target"),
    "attendedtransfer": ("transferredcallid", "targetcallid"),
    "hangup": ("callid",),
    "hold": ("callid",),
    "unhold": ("callid",),
    "senddtmf": ("callid", "party", "keys"),
    "play": ("callid", "party", "audiofile"),
    "speak": ("callid", "party", "text"),
    "record": ("callid",),
    "call": ("dialed", "apiextension", "url"),
    "sendsms": ("apiextension", "recipient", "message"),
    "sendemail": ("apiextension", "recipient"),
}
FINAL: Final = {"Error", "Cancelled", "Transferred", "Busy", "Completed"}

Xml: TypeAlias = Literal[
    "plain", "namespaces", "own namespace", "small letters", "cdata", "indented", "comments", "UTF-16", "ISO-8859-2",
    "windows-1250", "undeclared", "byte order mark", "declared UTF-16", "code last",
]  # fmt: skip
Http: TypeAlias = Literal[
    "1.1", "1.0", "until closed", "chunked", "100 first", "in pieces", "no reason", "text/xml", "small headers"
]
Start: TypeAlias = Literal["2026-11-23T10:00:00.1234567+01:00", "2026-11-23T09:00:00Z", "2026-11-23 10:00:00",
    "11/23/2026 10:00:00 AM", "2026. 11. 23. 10:00:00", ""]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How one phone system might have read the pages.

    ``label`` is what CallerId holds. ``forwards`` and ``transfers``: within the call, or as another call, where the old
    one says the given word; with ``lingers`` False ended calls are off the list at once.
    """

    generation: Literal["classic", "ozeki10"] = "classic"
    xml: Xml = "plain"
    http: Http = "1.1"
    label: Literal["name", "number", "nothing"] = "name"
    start: Start = "2026-11-23T10:00:00.1234567+01:00"
    seconds: Literal["3", "3.250", "3,250", "00:00:03.2500000", ""] = "3"
    empty: Literal["<A></A>", "<A />", "absent"] = "<A></A>"
    cells: Literal["as shown", "backwards", "more of them"] = "as shown"
    forwards: Literal["same", "Transferred", "Completed"] = "same"
    transfers: Literal["same", "Transferred"] = "Transferred"
    moved: Literal["argument", "other"] = "other"
    lingers: bool = True


@dataclass
class Call:
    """A call; ``held`` by a Hold command, which alone Unhold undoes."""

    id: str
    source: str
    name: str
    destination: str
    state: str = "Ringing"
    held: bool = False


@dataclass
class OzekiPages:
    """Serves its calls, and keeps the parameters of every command but ListActiveCalls, names in small letters."""

    reading: Reading
    user: str | None = None
    password: str = ""
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    def ring(self, source: str, destination: str, name: str) -> Call:
        """A call begins."""
        call = Call(f"c{len(self.calls)}XdZ", source, name, destination)
        self.calls.append(call)
        return call

    @property
    def latest(self) -> Call:
        return self.calls[-1]

    # --- commands ---------------------------------------------------------------------------------------------------

    def answer(self, path: str, given: dict[str, str]) -> bytes | None:
        """The answer to a request; None where nothing is served at that path."""
        if path != ("/" if self.reading.generation == "classic" else "/api"):
            return None
        if self.user is not None or self.reading.generation == "ozeki10":
            if "username" not in given or "password" not in given:
                return self._write(304)
            if self.user is not None and (given["username"], given["password"]) != (self.user, self.password):
                return self._write(305)
        asked = given.get("command", "")
        command = asked.lower()
        absent = {"classic": "forwardcall", "ozeki10": "forward"}[self.reading.generation]
        if command not in NEEDED or command == absent:
            return self._write(301, asked)
        for name in NEEDED[command]:
            if not given.get(name):
                return self._write(302, name, asked)
        if command == "listactivecalls":
            return self._list()
        self.asked.append({name: text for name, text in given.items() if name not in ("username", "password")})
        return self._do(command, asked, given)

    def _do(self, command: str, asked: str, given: dict[str, str]) -> bytes:
        ids = [given[name] for name in ("callid", "transferredcallid", "targetcallid") if name in given]
        found = [call for id in ids for call in self.calls if call.id == id and call.state not in FINAL]
        if len(found) < len(ids):
            return self._write(601, ids[0])
        if "party" in given and given["party"].lower() not in ("caller", "callee", "all"):
            return self._write(302, "Party", asked)
        if not found:
            return self._write(200)
        call = found[0]
        legal = {"forward": ("Ringing",), "forwardcall": ("Ringing",), "blindtransfer": ("InCall", "Hold"),
                 "hold": ("InCall",), "unhold": ("Hold",), "senddtmf": ("InCall",)}  # fmt: skip
        if call.state not in legal.get(command, (call.state,)) or (command == "unhold" and not call.held):
            return self._write(303, asked)
        match command:
            case "forward" | "forwardcall":
                self._onward(call, call.source, given["destination"], self.reading.forwards)
            case "blindtransfer":
                party = given.get("transferorparty", given.get("tranferorparty", "")).lower()
                if party not in ("caller", "callee"):
                    return self._write(302, "TransferorParty", asked)
                moves = party if self.reading.moved == "argument" else {"caller": "callee", "callee": "caller"}[party]
                who = call.source if moves == "caller" else call.destination
                self._onward(call, who, given["target"], self.reading.transfers)
            case "attendedtransfer":
                other = found[1]
                call.state = other.state = "Transferred"
                self.ring(call.destination, other.destination, "").state = "InCall"
            case "hangup":
                call.state = "Cancelled" if call.state == "Ringing" else "Completed"
            case "hold" | "unhold":
                call.held = command == "hold"
                call.state = "Hold" if call.held else "InCall"
        return self._write(200)

    def _onward(self, call: Call, source: str, target: str, how: str) -> None:
        if how == "same":
            call.source, call.destination, call.state = source, target, "Ringing"
            return
        call.state = how
        self.ring(source, target, call.name)

    def _list(self) -> bytes:
        rows: Row = [
            ("CallInfo" if self.reading.generation == "classic" else "Call", self._row(call))
            for call in self.calls
            if self.reading.lingers or call.state not in FINAL
        ]
        if not rows and self.reading.empty == "absent":
            return self._write(200)
        return self._write(200, more=[("ActiveCalls", rows)])

    def _row(self, call: Call) -> Row:
        reading = self.reading
        label = {"name": call.name, "number": call.source, "nothing": ""}[reading.label]
        row: Row = [("CallState", call.state), ("CallId", call.id), ("Source", call.source), ("CallerId", label),
                    ("Destination", call.destination), ("StartTime", reading.start),
                    ("RingDuration", reading.seconds), ("TalkDuration", reading.seconds)]  # fmt: skip
        if reading.generation == "ozeki10":
            row = [*row[1:5], ("CallerDialed", call.destination), ("CelleeDialed", call.destination), *row[5:], row[0]]
        if reading.cells == "backwards":
            row.reverse()
        if reading.cells == "more of them":
            row = [("Legs", [("Leg", [("CallId", "leg1"), ("CallState", "Error")])]), ("Codec", "PCMU"), *row]
        return row

    # --- XML --------------------------------------------------------------------------------------------------------

    def _write(self, code: int, *filled_in: str, more: Row | None = None) -> bytes:
        form, inside = self.reading.xml, more or []
        told: Row = [("Code", str(code)), ("Message", CODES[code].format(*filled_in))]
        told = [*inside, *reversed(told)] if form == "code last" else [*told, *inside]
        spaces = {
            "namespaces": ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
            ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"',
            "own namespace": ' xmlns="http://ozeki.example/api"',
        }.get(form, "")
        name = self._name("Response")
        text = f"<{name}{spaces}>{''.join(self._element(*each) for each in told)}</{name}>"
        declared = {"declared UTF-16": "UTF-16"}.get(form, form if form[:3] in ("UTF", "ISO", "win") else "")
        if form != "undeclared":
            text = f'<?xml version="1.0"{f" encoding={chr(34)}{declared}{chr(34)}" if declared else ""}?>' + text
        if form in ("UTF-16", "ISO-8859-2", "windows-1250"):
            return text.encode(form)
        return text.encode("utf-8-sig" if form == "byte order mark" else "utf-8")

    def _name(self, name: str) -> str:
        return name.lower() if self.reading.xml == "small letters" else name

    def _element(self, name: str, cell: Cell) -> str:
        name, form = self._name(name), self.reading.xml
        if isinstance(cell, list):
            if not cell and self.reading.empty == "<A />":
                return f"<{name} />"
            return f"<{name}>{''.join(self._element(*each) for each in cell)}</{name}>"
        text = escape(cell)
        if form == "cdata":
            text = f"<![CDATA[{cell}]]>"
        if form == "indented":
            text = f"\r\n\t{text}\r\n"
        if form == "comments" and cell.isalnum():
            text = f"{cell[:1]}<!-- - -->{cell[1:]}<?pi?>"
        return f"<{name}>{text}</{name}>"

    # --- HTTP -------------------------------------------------------------------------------------------------------

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection, request after request."""
        task = cast(asyncio.Task[None], asyncio.current_task())
        self.serving.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self.serving.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
        _, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode("ascii")
        path, _, query = target.partition("?")
        pairs = [pair.partition("=") for pair in f"{query}&{body}".split("&") if pair]
        given = {_plain(name).lower(): _plain(value) for name, _, value in pairs}
        answer = self.answer(path, given)
        if answer is None:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return True
        return await self._say(writer, answer)

    async def _say(self, writer: asyncio.StreamWriter, body: bytes) -> bool:
        """The answer in the form of HTTP that it has; whether the connection stays."""
        how = self.reading.http
        kind = "text/xml; charset=utf-8" if how == "text/xml" else "application/xml"
        told = f"Content-Type: {kind}\r\nServer: Microsoft-HTTPAPI/2.0\r\nDate: Mon, 01 Jul 2013 10:00:00 GMT\r\n"
        length = f"Content-Length: {len(body)}\r\n"
        match how:
            case "1.0" | "until closed":
                start = "HTTP/1.0" if how == "1.0" else "HTTP/1.1"
                ends = "" if how == "1.0" else "Connection: close\r\n"
                writer.write(f"{start} 200 OK\r\n{told}{ends}\r\n".encode() + body)
            case "chunked":
                writer.write(f"HTTP/1.1 200 OK\r\n{told}Transfer-Encoding: chunked\r\n\r\n".encode())
                for at in range(0, len(body), 7):
                    writer.write(b"%X\r\n%b\r\n" % (len(body[at : at + 7]), body[at : at + 7]))
                writer.write(b"0\r\n\r\n")
            case "small headers":
                writer.write(f"HTTP/1.1 200 OK\r\n{(told + length).lower()}\r\n".encode() + body)
            case _:
                reason = "" if how == "no reason" else "OK"
                first = b"HTTP/1.1 100 Continue\r\n\r\n" if how == "100 first" else b""
                whole = first + f"HTTP/1.1 200 {reason}\r\n{told}{length}\r\n".encode() + body
                for at in range(0, len(whole), 100 if how == "in pieces" else len(whole)):
                    writer.write(whole[at : at + (100 if how == "in pieces" else len(whole))])
                    await writer.drain()
                    await asyncio.sleep(0)
        await writer.drain()
        return how not in ("1.0", "until closed")


def _plain(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")


@asynccontextmanager
async def ozeki_pages(reading: Reading, user: str | None = None, password: str = "") -> AsyncIterator[OzekiPages]:
    """Such a phone system on loopback."""
    system = OzekiPages(reading, user, password)
    server = await asyncio.start_server(system.accept, "127.0.0.1", 0)
    system.port = server.sockets[0].getsockname()[1]
    try:
        yield system
    finally:
        server.close()
        for task in list(system.serving):
            task.cancel()
        if system.serving:
            await asyncio.wait(system.serving)
