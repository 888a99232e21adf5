"""What a gateway's messages mean: lists before changes, changes in order, bad messages counted."""

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ozrules.connectors.gateway import conversation
from ozrules.connectors.gateway.conversation import Conversation, Unusable
from ozrules.connectors.session_messages import (
    ConnectionNews,
    ErrorResponse,
    FromGateway,
    Hello,
    Response,
    SessionNews,
    SnapshotPart,
)
from ozrules.connectors.session_protocol import encode
from ozrules.engine.events import ConnectionOpened, Gap, SessionSeen, SessionsListed
from ozrules.runtime.ports import ConnectionState, FromPhoneSystem, Malformed
from ozrules.session.state import CALLER_HUNG_UP, IN_CALL, ON_HOLD, RINGING, State
from tests.fakes.gateway import HELLO, NO_SESSIONS, changed, ringing


class Talk:
    """A conversation and what came of it."""

    def __init__(self, *messages: FromGateway | str) -> None:
        self.now = 7.0
        self.conversation = Conversation("office", "UTC", since=self.now)
        self.items: list[FromPhoneSystem] = []
        self.answers: list[Response | ErrorResponse] = []
        self.say(*messages)

    def say(self, *messages: FromGateway | str) -> list[FromPhoneSystem]:
        new: list[FromPhoneSystem] = []
        for message in messages:
            frame = message.encode() if isinstance(message, str) else encode(message)
            items, answer = self.conversation.hear(frame, self.now)
            new += items
            self.answers += [answer] if answer is not None else []
        self.items += new
        return new


def kinds(items: list[FromPhoneSystem]) -> list[str]:
    return [
        f"{type(item).__name__}:{item.kind}" if isinstance(item, Malformed) else type(item).__name__ for item in items
    ]


def states(items: list[FromPhoneSystem]) -> list[State]:
    return [item.session.session_state for item in items if isinstance(item, SessionSeen)]


def told(items: list[FromPhoneSystem]) -> list[tuple[str, State] | str]:
    """The changes and the lists, in their order."""
    said: list[tuple[str, State] | str] = []
    for item in items:
        match item:
            case SessionSeen(session=session):
                said.append((session.session_id, session.session_state))
            case SessionsListed(follow=follow):
                said += ["list", *((seen.session.session_id, seen.session.session_state) for seen in follow)]
            case _:
                pass
    return said


def listed(items: list[FromPhoneSystem]) -> list[tuple[str, ...] | None]:
    lists = [item.sessions for item in items if isinstance(item, SessionsListed)]
    return [None if each is None else tuple(session.session_id for session in each) for each in lists]


def part(number: int, *ids: str, last: bool = False, complete: bool = True) -> SnapshotPart:
    return SnapshotPart(sessions=tuple(ringing(id) for id in ids), part=number, last=last, complete=complete)


def test_hello_then_the_list_then_changes() -> None:
    talk = Talk(HELLO, NO_SESSIONS, changed())
    assert kinds(talk.items) == ["ConnectionOpened", "SessionsListed", "ConnectionState", "SessionSeen"]
    assert talk.items[0] == ConnectionOpened(at=7.0, connection="office", epoch="e1", privileges=None, zone="UTC")


def test_what_comes_before_hello_is_counted_and_not_used() -> None:
    talk = Talk(changed(), NO_SESSIONS, HELLO)
    assert kinds(talk.items) == ["Malformed:beforeHello", "Malformed:beforeHello", "ConnectionOpened"]


def test_another_version_of_the_protocol_is_refused_with_its_number() -> None:
    with pytest.raises(Unusable, match="version 2"):
        Talk(Hello(protocol=2))


@pytest.mark.fault(6)
def test_changes_before_the_list_follow_it_unless_it_shows_them() -> None:
    talk = Talk(HELLO, changed("s1", IN_CALL), part(1, "s1"), changed("s2"), part(2, "s2", last=True), changed("s3"))
    expected = ["ConnectionOpened", "SessionSeen", "SessionsListed", "ConnectionState", "SessionSeen"]
    assert kinds(talk.items) == expected
    assert listed(talk.items) == [("s1", "s2")]
    assert told(talk.items) == [("s2", RINGING), "list", ("s1", IN_CALL), ("s3", RINGING)]


@pytest.mark.fault(6)
@pytest.mark.parametrize("seq", range(5))
def test_a_numbered_list_stands_between_what_it_contains_and_what_follows(seq: int) -> None:
    """The call is in the same state twice: the state alone would not tell."""
    changes = [changed("s1", state, number) for number, state in enumerate([RINGING, IN_CALL, RINGING, IN_CALL], 1)]
    drawn = SnapshotPart(sessions=(ringing("s1", state=IN_CALL),), seq=seq)
    talk = Talk(HELLO, *changes, drawn)
    assert told(talk.items).index("list") == seq


@pytest.mark.fault(6)
@pytest.mark.parametrize("at", range(5))
def test_a_dated_list_stands_between_what_happened_before_it_and_after(at: int) -> None:
    changes = [
        SessionNews("stateChanged", ringing("s1", state=state), moment)
        for moment, state in [(0.5, RINGING), (1.5, IN_CALL), (2.5, RINGING), (3.5, IN_CALL)]
    ]
    talk = Talk(HELLO, *changes, SnapshotPart(sessions=(ringing("s1", state=IN_CALL),), at=float(at)))
    assert told(talk.items).index("list") == at


@pytest.mark.fault(6)
def test_a_list_without_number_and_time_contains_what_led_to_the_state_that_it_shows() -> None:
    drawn = SnapshotPart(sessions=(ringing("s1", state=ON_HOLD),))
    talk = Talk(HELLO, changed("s1", IN_CALL), changed("s1", ON_HOLD), changed("s1", IN_CALL), drawn)
    assert told(talk.items) == [("s1", IN_CALL), ("s1", ON_HOLD), "list", ("s1", IN_CALL)]


@pytest.mark.fault(6)
def test_another_callee_in_the_same_state_is_not_what_the_list_shows() -> None:
    forwarded = SessionNews("stateChanged", replace(ringing("s1"), callee="2010"))
    talk = Talk(HELLO, forwarded, SnapshotPart(sessions=(ringing("s1"),)))
    assert told(talk.items) == ["list", ("s1", RINGING)]


@pytest.mark.fault(6)
@pytest.mark.parametrize("complete", [True, False])
def test_an_end_that_was_told_before_a_complete_list_without_the_call_is_in_it(complete: bool) -> None:
    ended = SessionNews("closed", ringing("s1", state=CALLER_HUNG_UP))
    talk = Talk(HELLO, ended, SnapshotPart(sessions=(), complete=complete))
    assert told(talk.items) == ([("s1", CALLER_HUNG_UP), "list"] if complete else ["list", ("s1", CALLER_HUNG_UP)])


@pytest.mark.fault(8)
def test_what_comes_after_a_list_that_contains_it_is_not_told_again() -> None:
    talk = Talk(HELLO, SnapshotPart(sessions=(ringing("s1", state=IN_CALL),), seq=7))
    assert kinds(talk.say(changed("s1", RINGING, 7), changed("s1", IN_CALL, 8))) == [
        "Malformed:outOfOrder",
        "SessionSeen",
    ]


def test_what_a_list_contains_was_heard_when_it_came_and_what_follows_is_not_earlier_than_the_list() -> None:
    talk = Talk(HELLO, changed("s1", RINGING, 1), changed("s1", IN_CALL, 2))
    talk.now += 3.0
    talk.say(SnapshotPart(sessions=(ringing("s1"),), seq=1))
    assert [item.at for item in talk.items if isinstance(item, SessionSeen | SessionsListed)] == [7.0, 10.0]
    assert [seen.at for item in talk.items if isinstance(item, SessionsListed) for seen in item.follow] == [10.0]


@pytest.mark.fault(5)
def test_a_list_is_as_late_as_the_link_is_old_or_as_the_question_for_it() -> None:
    talk = Talk(HELLO)
    talk.now = 9.0
    talk.say(NO_SESSIONS)
    talk.conversation.asks(1, 20.0)
    talk.conversation.asks(2, 30.0)
    talk.now = 31.0
    talk.say(Response(2, NO_SESSIONS), Response(1, SnapshotPart(sessions=(), complete=False)))
    talk.say(replace(part(1), answers=1), replace(part(2, last=True), answers=1), NO_SESSIONS)
    assert [item.late for item in talk.items if isinstance(item, SessionsListed)] == [2.0, 1.0, 11.0, 24.0]


def test_questions_for_a_list_that_nobody_answers_are_forgotten() -> None:
    talk = Talk(HELLO, NO_SESSIONS)
    for id in range(100):
        talk.conversation.asks(id, 7.0 + id)
    talk.now = 200.0
    talk.say(Response(0, NO_SESSIONS), Response(99, NO_SESSIONS))
    assert [item.late for item in talk.items if isinstance(item, SessionsListed)] == [0.0, 193.0, 94.0]


@pytest.mark.fault(6)
@given(st.permutations([changed("s1", RINGING, 1), changed("s1", IN_CALL, 2), NO_SESSIONS, part(1, "s1", last=True)]))
def test_in_whatever_order_they_come_the_last_state_is_the_newest(messages: list[FromGateway]) -> None:
    talk = Talk(HELLO, NO_SESSIONS, *messages)
    assert states(talk.items)[-1] == IN_CALL


@pytest.mark.fault(5)
def test_a_later_list_replaces_and_says_ready_only_once() -> None:
    talk = Talk(HELLO, NO_SESSIONS, part(1, "s1", last=True))
    assert listed(talk.items) == [(), ("s1",)]
    assert sum(isinstance(item, ConnectionState) for item in talk.items) == 1


def test_a_list_that_lacks_some_is_not_complete() -> None:
    talk = Talk(HELLO, part(1, "s1", complete=False), part(2, "s2", last=True))
    lists = [item for item in talk.items if isinstance(item, SessionsListed)]
    assert [each.complete for each in lists] == [False]


@pytest.mark.fault(14)
def test_a_session_that_cannot_be_read_makes_the_list_incomplete_and_is_counted() -> None:
    text = '{"jsonrpc":"2.0","method":"sessions.snapshot","params":{"sessions":[{"id":"s1","state":"Ringing"},{}]}}'
    talk = Talk(HELLO, text)
    assert kinds(talk.items)[1:3] == ["Malformed:notASession", "SessionsListed"]
    assert listed(talk.items) == [("s1",)]


@pytest.mark.parametrize("order", list(permutations([1, 2, 3]))[1:])
def test_parts_out_of_order_make_no_list(order: tuple[int, ...]) -> None:
    talk = Talk(HELLO, *(part(number, f"s{number}", last=number == 3) for number in order))
    assert listed(talk.items) == []
    assert talk.conversation.awaited_part is not None
    talk.say(part(1, "s1"), part(2, "s2", last=True))
    assert listed(talk.items) == [("s1", "s2")]


def test_a_whole_list_overtakes_one_in_parts() -> None:
    talk = Talk(HELLO, part(1, "s1"), NO_SESSIONS)
    assert listed(talk.items) == [()]
    assert talk.conversation.awaited_part is None


def test_a_gateway_that_cannot_list_is_ready_at_once() -> None:
    talk = Talk(Hello(protocol=1, snapshot=False), changed())
    assert kinds(talk.items) == ["ConnectionOpened", "SessionsListed", "ConnectionState", "SessionSeen"]
    assert listed(talk.items) == [None]


def test_the_answer_to_a_question_for_the_list_is_a_list() -> None:
    talk = Talk(HELLO, NO_SESSIONS, Response(3, part(1, "s1", last=True)))
    assert listed(talk.items) == [(), ("s1",)]
    assert [answer.id for answer in talk.answers] == [3]


@pytest.mark.fault(20)
def test_a_phone_system_that_is_away_is_a_gap_and_not_ready_until_the_next_list() -> None:
    talk = Talk(HELLO, NO_SESSIONS)
    lost = ConnectionNews(state="CONNECTION_CLOSED", detail="bye\n")
    assert kinds(talk.say(lost, lost)) == ["Gap", "ConnectionState"]
    assert talk.items[-1] == ConnectionState(
        at=7.0, connection="office", ready=False, detail="CONNECTION_CLOSED: bye\\n"
    )
    assert talk.conversation.away
    assert kinds(talk.say(ConnectionNews(state="ACCESS_DENIED"))) == ["ConnectionState"]
    assert talk.say(changed("s1")) == []
    assert talk.say(ConnectionNews(state="ACCESS_GRANTED")) == []
    assert kinds(talk.say(NO_SESSIONS)) == ["SessionsListed", "ConnectionState"]
    assert told(talk.items)[-2:] == ["list", ("s1", RINGING)]


def test_a_gateway_without_lists_is_ready_again_when_access_is_granted_again() -> None:
    talk = Talk(Hello(protocol=1, snapshot=False), ConnectionNews(state="CONNECTION_FAILED"))
    assert kinds(talk.say(ConnectionNews(state="ACCESS_GRANTED"))) == ["SessionsListed", "ConnectionState"]


@pytest.mark.fault(7, 8)
def test_numbered_changes_pass_only_in_rising_order() -> None:
    talk = Talk(HELLO, NO_SESSIONS, changed("s1", RINGING, 4), changed("s1", IN_CALL, 6))
    assert kinds(talk.say(changed("s1", IN_CALL, 6))) == ["Malformed:duplicate"]
    assert kinds(talk.say(changed("s1", RINGING, 5))) == ["Malformed:outOfOrder"]
    assert kinds(talk.say(changed("s2", RINGING, 1))) == ["SessionSeen"]


@pytest.mark.fault(10)
def test_an_id_that_comes_back_counts_anew() -> None:
    closed = SessionNews("closed", ringing(state=CALLER_HUNG_UP), None, 9)
    created = SessionNews("created", ringing(), None, 1)
    talk = Talk(HELLO, NO_SESSIONS, changed("s1", RINGING, 8), closed, created, changed("s1", IN_CALL, 2))
    assert [item.kind for item in talk.items if isinstance(item, SessionSeen)] == [
        "stateChanged",
        "closed",
        "created",
        "stateChanged",
    ]


@pytest.mark.fault(11)
def test_a_second_hello_begins_again() -> None:
    talk = Talk(HELLO, NO_SESSIONS, changed("s1", IN_CALL, 9), Hello(protocol=1, epoch="e2"), changed("s1", RINGING, 1))
    assert talk.conversation.awaited_part is not None
    assert kinds(talk.say(NO_SESSIONS)) == ["SessionsListed", "ConnectionState"]
    assert told(talk.items)[-2:] == ["list", ("s1", RINGING)]


@pytest.mark.fault(14, 92)
def test_a_sample_of_a_bad_message_is_short_and_harmless() -> None:
    (bad,) = Talk("\x1b[2J\r\n‮" + "x" * 5000).items
    assert isinstance(bad, Malformed)
    assert bad.kind == "notJson"
    assert len(bad.sample) < 300
    assert bad.sample.isascii()
    assert bad.sample.isprintable()


@pytest.mark.fault(12)
def test_changes_that_wait_for_a_list_that_never_comes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_HELD", 3)
    with pytest.raises(Unusable, match="3 changes"):
        Talk(HELLO, *(changed(f"s{number}") for number in range(4)))


def test_a_list_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_LISTED", 3)
    with pytest.raises(Unusable, match="more than 3"):
        Talk(HELLO, part(1, "a", "b"), part(2, "c", "d"))


@given(
    st.lists(
        st.one_of(
            st.just(HELLO),
            st.just(NO_SESSIONS),
            st.builds(part, st.integers(1, 3), st.sampled_from("abc"), last=st.booleans()),
            st.builds(
                changed, st.sampled_from("abc"), st.sampled_from([RINGING, IN_CALL]), st.none() | st.integers(0, 5)
            ),
            st.sampled_from(["ACCESS_GRANTED", "CONNECTION_CLOSED"]).map(
                lambda state: json.dumps({"jsonrpc": "2.0", "method": "gateway.connection", "params": {"state": state}})
            ),
            st.text(max_size=5),
        ),
        max_size=20,
    )
)
def test_whatever_a_gateway_says_no_change_is_told_before_a_list(messages: list[FromGateway | str]) -> None:
    has_list = False
    for item in Talk(*messages).items:
        match item:
            case SessionsListed():
                has_list = True
            case ConnectionOpened() | Gap():
                has_list = False
            case SessionSeen():
                assert has_list
            case _:
                pass


@pytest.mark.fault(5)
def test_an_answer_that_announces_a_list_in_parts_is_no_list_yet() -> None:
    """Nothing may act on it: what lived before is not confirmed by it."""
    talk = Talk(HELLO, Response(1, SnapshotPart(sessions=(), complete=False)))
    assert listed(talk.items) == []
    assert talk.conversation.awaited_part is not None
    talk.say(
        SnapshotPart(sessions=(ringing("s1"),), part=1, last=False), SnapshotPart(sessions=(ringing("s2"),), part=2)
    )
    assert listed(talk.items) == [("s1", "s2")]


@pytest.mark.parametrize("complete", [True, False])
def test_what_was_announced_before_a_list_never_follows_it(complete: bool) -> None:
    """It is a part of a list itself, and older: what has ended since does not come back."""
    announced = SessionNews("created", ringing("s2"), announced=True)
    talk = Talk(HELLO, announced, SnapshotPart(sessions=(ringing("s1"),), complete=complete))
    assert told(talk.items) == [("s2", RINGING), "list"]
    assert [item.announced for item in talk.items if isinstance(item, SessionSeen)] == [True]


def test_a_list_says_the_phone_systems_time_and_the_link_since_when_it_is_up() -> None:
    talk = Talk()
    talk.now += 2.0
    talk.say(HELLO, SnapshotPart(sessions=(), at=1795424400.0))
    (opened,) = (item for item in talk.items if isinstance(item, ConnectionOpened))
    (whole,) = (item for item in talk.items if isinstance(item, SessionsListed))
    assert (opened.since, whole.reported_at) == (7.0, 1795424400.0)
