"""The page in a real browser, on every way in which the vendor's pages say that its API speaks."""

import asyncio

import pytest

from ozrules.engine.events import Accepted, Refused, SessionSeen, SessionsListed
from ozrules.session.methods import METHODS, Method
from ozrules.session.session import MAX_TEXT, PROPERTIES, Session
from ozrules.session.state import is_known, state_from
from tests.connectors.webclient.linked import TOKEN, Linked
from tests.fakes import seventeen
from tests.standin.webphone import ALL_STATES, Called, Connected, spelled

ARGUMENTS: dict[Method, dict[str, str]] = {
    "forward": {"to": "2010"},
    "blindTransfer": {"to": "2010", "party": "callee"},
    "sendDtmf": {"key": "#", "party": "caller"},
}
AS_CALLED: dict[Method, tuple[str, ...]] = {
    "forward": ("2010",),
    "blindTransfer": ("2001", "2010"),
    "sendDtmf": ("#", "+36201234567"),
}


def test_a_ringing_call_is_seen_with_all_its_properties(runner: asyncio.Runner, office: Linked) -> None:
    session = runner.run(office.ring(caller="+36301112222"))
    shown = {field: getattr(session, attribute) for field, attribute in zip(PROPERTIES, _attributes(), strict=True)}
    assert shown["caller"] == "+36301112222"
    assert shown["sessionState"] == "Ringing"
    assert all(shown.values())
    assert session.extra is None


def test_each_of_the_seventeen_but_durations_arrives_as_itself(runner: asyncio.Runner, office: Linked) -> None:
    told = seventeen.WIRE | {"sessionId": f"seventeen-{id(office)}", "sessionState": "Ringing"}
    session = runner.run(office.ring(**told))
    shown = {field: getattr(session, attribute) for field, attribute in zip(PROPERTIES, _attributes(), strict=True)}
    # a duration is told only where it was seen to move; one that comes with a call that begins was not
    assert shown == told | {"stateDuration": None, "talkDuration": None}


def _attributes() -> list[str]:
    return ["".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name) for name in PROPERTIES]


@pytest.mark.parametrize("method", METHODS)
def test_each_method_arrives_once(runner: asyncio.Runner, office: Linked, method: Method) -> None:
    async def use() -> tuple[object, list[Called]]:
        session = await office.ring()
        receipt = await office.call(method, session, **ARGUMENTS.get(method, {}))  # type: ignore[arg-type]  # a table
        await office.phone.until(lambda phone: [call for call in phone.ledger if call.session_id == session.session_id])
        return receipt, [call for call in office.phone.ledger if call.session_id == session.session_id]

    receipt, calls = runner.run(use())
    assert receipt == Accepted()
    assert [(call.method, call.args, call.refused) for call in calls] == [(method, AS_CALLED.get(method, ()), None)]


@pytest.mark.fault(17)
@pytest.mark.parametrize("state", ALL_STATES)
def test_each_state_is_understood(runner: asyncio.Runner, office: Linked, state: str) -> None:
    async def change() -> Session:
        session = await office.ring()
        await office.phone.change(session.session_id, state)
        return await office.seen(session.session_id, "stateChanged")

    shown = runner.run(change()).session_state
    assert shown == state_from(spelled(state, office.phone.options.state_spelling))
    assert is_known(shown)


@pytest.mark.fault(17)
def test_a_state_that_no_page_names_is_kept_as_its_text(runner: asyncio.Runner, office: Linked) -> None:
    async def change() -> Session:
        session = await office.ring()
        await office.phone.change(session.session_id, "Whispering")
        return await office.seen(session.session_id, "stateChanged")

    assert runner.run(change()).session_state.lower() == "other:whispering"


@pytest.mark.fault(18)
def test_what_the_phone_system_leaves_empty_is_absent(runner: asyncio.Runner, office: Linked) -> None:
    session = runner.run(office.ring(caller="", callerDisplayName=""))
    assert session.caller is None
    assert session.caller_display_name is None
    assert session.callee == "2001"


def test_a_long_name_is_cut_by_characters(runner: asyncio.Runner, office: Linked) -> None:
    name = "x" + "\U0001f600" * 2000
    session = runner.run(office.ring(callerDisplayName=name))
    assert session.caller_display_name == name[:MAX_TEXT]


def test_half_a_character_of_the_phone_system_costs_no_call(runner: asyncio.Runner, office: Linked) -> None:
    session = runner.run(office.ring(callerDisplayName="Anna \ud83d"))
    assert session.caller_display_name == "Anna \ufffd"


def test_a_call_that_ends_is_closed_with_what_was_last_known(runner: asyncio.Runner, office: Linked) -> None:
    async def end() -> Session:
        session = await office.ring(caller="+36303334444")
        await office.phone.close(session.session_id, "CallerHungUp")
        return await office.seen(session.session_id, "closed")

    assert runner.run(end()).caller == "+36303334444"


def test_a_list_that_is_asked_for_holds_the_live_calls(runner: asyncio.Runner, office: Linked) -> None:
    async def ask() -> tuple[Session, Session, SessionsListed]:
        ended, live = await office.ring(), await office.ring()
        await office.phone.close(ended.session_id, "CallerHungUp")
        await office.seen(ended.session_id, "closed")
        before = len(office.items)
        await office.connector.request_list()
        if office.phone.options.helper:
            return ended, live, await office.until(SessionsListed, lambda item: item.complete, after=before)
        return ended, live, await office.until(SessionsListed, after=before)

    ended, live, listed = runner.run(ask())
    assert listed.complete == office.phone.options.helper  # without one, there is nobody who knows them all
    ids = {session.session_id for session in listed.sessions or ()}
    assert live.session_id in ids
    assert ended.session_id not in ids


def test_an_id_that_comes_back_is_the_new_call(runner: asyncio.Runner, office: Linked) -> None:
    async def again() -> tuple[object, list[Called]]:
        first = await office.ring()
        await office.phone.close(first.session_id, "CallerHungUp")
        await office.seen(first.session_id, "closed")
        before = len(office.items)
        await office.phone.create(sessionId=first.session_id, startTime="2026-11-23T11:00:00.000")
        second = (await office.until(SessionSeen, after=before)).session
        assert second.start_time == "2026-11-23T11:00:00.000"
        return await office.call("hold", second), office.phone.ledger[-1:]

    receipt, calls = runner.run(again())
    assert receipt == Accepted()
    assert [call.method for call in calls] == ["hold"]


def test_a_call_that_is_gone_is_not_found(runner: asyncio.Runner, office: Linked) -> None:
    async def too_late() -> object:
        session = await office.ring()
        await office.phone.close(session.session_id, "CallerHungUp")
        await office.seen(session.session_id, "closed")
        before = len(office.phone.ledger)
        receipt = await office.call("hangup", session)
        assert len(office.phone.ledger) == before
        return receipt

    assert runner.run(too_late()) == Refused("notFound", "the web client has no such session", handed_over=True)


def test_only_documented_members_are_used(office: Linked) -> None:
    assert office.phone.undocumented == []


def test_the_page_connects_once_with_the_token_alone(office: Linked) -> None:
    assert office.phone.connects == [Connected("127.0.0.1", TOKEN, {})]


def test_an_argument_that_the_phone_system_refuses_is_invalid(runner: asyncio.Runner, office: Linked) -> None:
    async def refuse() -> object:
        session = await office.ring()
        await office.phone.change(session.session_id, "InCall", caller="+36309999999")
        await office.seen(session.session_id, "stateChanged")
        return await office.call("sendDtmf", session, key="1", party="caller")  # the caller as it was

    receipt = runner.run(refuse())
    assert isinstance(receipt, Refused)
    assert receipt.kind == "invalid"
