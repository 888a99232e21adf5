"""The connector for Ozeki's HTTP API against a stand-in that somebody else wrote from the vendor's pages.

One call's life, by every method that it needs, for each legal reading of what the pages leave open.
"""

import asyncio
import random
from typing import Any, Final, get_args

import pytest
from msgspec.structs import replace

from ozrules.connectors.ozeki_http import Access, OzekiHttpConnector
from ozrules.connectors.ozeki_http.client import Way
from ozrules.engine.events import Accepted, Refused, SessionSeen
from ozrules.session.methods import Operation
from ozrules.session.session import Session
from ozrules.session.state import CANCELLED, COMPLETED, IN_CALL, ON_HOLD, REDIRECTED, RINGING, TRANSFER_COMPLETED, State
from tests.fakes.clock import HastyClock
from tests.fakes.connectors import NO_ROUTES, Reading, command_for, reading
from tests.standin import ozeki_pages as pages

CUSTOMER: Final = "+36201234567"
NAME: Final = "Kovács & Őri <x> ]"
PASSWORD: Final = "p&ä=1 +%\u20ac"

READINGS: Final[dict[str, dict[str, Any]]] = {
    "obvious": {},
    **{f"xml {each}": {"xml": each} for each in get_args(pages.Xml) if each != "plain"},
    **{f"http {each}": {"http": each} for each in get_args(pages.Http) if each != "1.1"},
    **{f"start {each}": {"start": each} for each in get_args(pages.Start)},
    **{f"seconds {each}": {"seconds": each} for each in ("3.250", "3,250", "00:00:03.2500000", "")},
    **{f"label {each}": {"label": each} for each in ("number", "nothing")},
    **{f"empty {each}": {"empty": each} for each in ("<A />", "absent")},
    **{f"cells {each}": {"cells": each} for each in ("backwards", "more of them")},
    **{f"forwards {each}": {"forwards": each} for each in ("Transferred", "Completed")},
    "off the list at once": {"forwards": "Completed", "lingers": False},
    "all in one call": {"transfers": "same"},
    "who is named moves": {"moved": "argument"},
    "bare rows": {"start": "", "seconds": "", "label": "nothing"},
}


class Play:
    """A connector before the stand-in."""

    def __init__(self, system: pages.OzekiPages, way: Way) -> None:
        self.system = system
        generation = system.reading.generation
        self.connector = OzekiHttpConnector(
            "branch",
            Access(
                host="127.0.0.1",
                port=system.port,
                generation=generation,
                username=system.user,
                password=system.password,
                way=way,
            ),
            moved_party=system.reading.moved,
            ring_time=60.0,
            listening=None,
            outside_line=None,
            api_extension="9986",
            routes=NO_ROUTES,
            clock=HastyClock(),
            chance=random.Random(1),
            timezone="Europe/Budapest",
        )
        self.reader: Reading | None = None

    async def seen(self, state: State, callee: str) -> Session:
        """The latest word on a call to ``callee``, once it is in ``state``."""
        assert self.reader is not None
        wanted = (state, callee)
        await self.reader.until(
            lambda one: any((s.session.session_state, s.session.callee) == wanted for s in one.of(SessionSeen))
        )
        return next(
            each.session
            for each in reversed(self.reader.of(SessionSeen))
            if (each.session.session_state, each.session.callee) == wanted
        )

    async def do(self, session: Session, action: Operation, **more: Any) -> None:
        assert await self.connector.execute(command_for(session, action, **more), session) == Accepted()


@pytest.mark.parametrize("generation", ["classic", "ozeki10"])
@pytest.mark.parametrize("name", READINGS)
async def test_a_calls_life_for_each_reading_of_the_pages(generation: Any, name: str) -> None:
    read = pages.Reading(generation=generation, **READINGS[name])
    way: Way = "get" if name.startswith("xml") else "post"
    async with pages.ozeki_pages(read, "HTTP_User_1", PASSWORD) as system:
        play = Play(system, way)
        async with reading(play.connector) as play.reader:
            await play.reader.ready()
            first = system.ring(CUSTOMER, "2001", NAME)
            ringing = await play.seen(RINGING, "2001")
            await play.do(ringing, "forward", to="2010")
            onward = await play.seen(RINGING, "2010")
            if read.forwards != "same":
                await play.seen(REDIRECTED, "2001")
            system.latest.state = "InCall"
            talking = await play.seen(IN_CALL, "2010")
            await play.do(talking, "hold")
            held = await play.seen(ON_HOLD, "2010")
            await play.do(held, "unhold")
            await play.do(talking, "sendDtmf", party="callee", key="#")
            await play.do(talking, "speak", party="all", text="Hello & good-bye\r\n=+%")
            await play.do(talking, "blindTransfer", to="2020", party="callee")
            moved = await play.seen(RINGING, "2020")
            if read.transfers != "same":
                await play.seen(TRANSFER_COMPLETED, "2010")
            await play.do(moved, "hangup")
            await play.seen(CANCELLED, "2020")
    assert ringing.session_id == first.id
    assert ringing.caller == onward.caller == CUSTOMER
    assert ringing.caller_display_name == (NAME if read.label == "name" else None)
    assert moved.caller == "2010"
    id, last = talking.session_id, moved.session_id
    transferor = "callee" if read.moved == "argument" else "caller"
    party = {"transferorparty": transferor} | ({"tranferorparty": transferor} if generation == "ozeki10" else {})
    assert system.asked == [
        {"command": "Forward" if generation == "classic" else "ForwardCall", "callid": first.id, "destination": "2010"},
        {"command": "Hold", "callid": id},
        {"command": "Unhold", "callid": id},
        {"command": "SendDTMF", "callid": id, "party": "callee", "keys": "#"},
        {"command": "Speak", "callid": id, "party": "all", "text": "Hello & good-bye\r\n=+%"},
        {"command": "BlindTransfer", "callid": id, "target": "2020"} | party,
        {"command": "Hangup", "callid": last},
    ]


@pytest.mark.parametrize("generation", ["classic", "ozeki10"])
async def test_every_further_action_has_the_parameters_of_its_page(generation: Any) -> None:
    async with pages.ozeki_pages(pages.Reading(generation=generation), "u", "p") as system:
        play = Play(system, "post")
        async with reading(play.connector) as play.reader:
            await play.reader.ready()
            held, talking = system.ring("2002", "2003", NAME), system.ring("2002", "2004", NAME)
            held.state, talking.state = "Hold", "InCall"
            one, other = await play.seen(ON_HOLD, "2003"), await play.seen(IN_CALL, "2004")
            await play.do(other, "play", party="caller", file="hold & music.wav", repeat="true")
            await play.do(other, "record", format="wav", url="http://crm.example/")
            await play.do(other, "call", to="2010", url="http://ivr.example/?a=1&b=2", callerId="2001")
            await play.do(other, "sendSms", to="2010", text="&CallId=x")
            mail = replace(command_for(other, "sendEmail"), arguments={"to": "a@b.example", "text": "t"})
            assert await play.connector.execute(mail, other) == Accepted()
            await play.do(other, "attendedTransfer", other=one)
            await play.seen(TRANSFER_COMPLETED, "2003")
            await play.seen(TRANSFER_COMPLETED, "2004")
            system.latest.state = "Completed"
            await asyncio.wait_for(play.seen(COMPLETED, "2004"), 10)
    asked = {each.pop("command"): each for each in system.asked}
    assert asked["Play"] == {"callid": talking.id, "party": "caller", "audiofile": "hold & music.wav", "repeat": "true"}
    assert asked["Record"] == {"callid": talking.id, "format": "wav", "finishedurl": "http://crm.example/"}
    url = "http://ivr.example/?a=1&b=2"
    assert asked["Call"] == {"dialed": "2010", "apiextension": "9986", "url": url, "callerid": "2001"}
    assert asked["SendSms"] == {"apiextension": "9986", "recipient": "2010", "message": "&CallId=x"}
    assert asked["SendEmail"] == {"apiextension": "9986", "recipient": "a@b.example", "message": "t"}
    assert asked["AttendedTransfer"] == {"transferredcallid": held.id, "targetcallid": talking.id}


@pytest.mark.fault(27)
async def test_a_wrong_state_and_a_call_that_is_gone_are_told_apart() -> None:
    async with pages.ozeki_pages(pages.Reading()) as system:
        play = Play(system, "post")
        async with reading(play.connector) as play.reader:
            await play.reader.ready()
            call = system.ring(CUSTOMER, "2001", NAME)
            ringing = await play.seen(RINGING, "2001")
            call.state = "Hold"  # by the party itself
            late = await play.connector.execute(command_for(ringing, "forward", to="2010"), ringing)
            not_ours = await play.connector.execute(command_for(ringing, "unhold"), ringing)
            call.state = "Completed"
            gone = await play.connector.execute(command_for(ringing, "hangup"), ringing)
    assert [each.kind if isinstance(each, Refused) else each for each in (late, not_ours, gone)] == [
        "wrongState",
        "wrongState",
        "notFound",
    ]
