"""Answers and lists find the question that asked for them; everything else is news."""

from hypothesis import given
from hypothesis import strategies as st

from ozrules.connectors.asterisk.ami import Decoder, Unreadable
from ozrules.connectors.asterisk.dialogue import Answer, Dialogue, Greeting, News


def test_a_response_ends_its_question() -> None:
    dialogue = Dialogue()
    first, data = dialogue.ask("Ping", {})
    assert Decoder().feed(data) == [{"Action": "Ping", "ActionID": first}]
    second, _ = dialogue.ask("Ping", {})
    answer = dialogue.hear({"Response": "Error", "ActionID": second, "Message": "No such channel"})
    assert isinstance(answer, Answer)
    assert (answer.action_id, answer.succeeded, answer.message) == (second, False, "No such channel")
    assert dialogue.hear({"Response": "Success", "ActionID": second}) is None


def test_a_list_is_gathered_until_it_is_complete() -> None:
    dialogue = Dialogue()
    asked, _ = dialogue.ask("CoreShowChannels", {})
    assert dialogue.hear({"Response": "Success", "ActionID": asked, "EventList": "start"}) is None
    assert dialogue.hear({"Event": "CoreShowChannel", "ActionID": asked, "Channel": "PJSIP/1"}) is None
    assert dialogue.hear({"Event": "Hangup"}) == News({"Event": "Hangup"})
    answer = dialogue.hear({"Event": "CoreShowChannelsComplete", "ActionID": asked, "EventList": "Complete"})
    assert isinstance(answer, Answer)
    assert answer.succeeded
    assert [item["Channel"] for item in answer.items] == ["PJSIP/1"]


def test_a_cancelled_list_is_no_success() -> None:
    dialogue = Dialogue()
    asked, _ = dialogue.ask("CoreShowChannels", {})
    dialogue.hear({"Response": "Success", "ActionID": asked, "EventList": "start"})
    answer = dialogue.hear({"Event": "CoreShowChannelsComplete", "ActionID": asked, "EventList": "cancelled"})
    assert isinstance(answer, Answer)
    assert not answer.succeeded


def test_the_event_of_an_asynchronous_action_is_news() -> None:
    dialogue = Dialogue()
    asked, _ = dialogue.ask("Originate", {"Async": "true"})
    dialogue.hear({"Response": "Success", "ActionID": asked})
    event = {"Event": "OriginateResponse", "ActionID": asked, "Response": "Failure"}
    assert dialogue.hear({"Event": "Newchannel"}) == News({"Event": "Newchannel"})
    assert dialogue.hear(event) == News(event)


def test_what_was_given_up_is_dropped() -> None:
    dialogue = Dialogue()
    asked, _ = dialogue.ask("Ping", {})
    dialogue.give_up(asked)
    assert dialogue.hear({"Response": "Success", "ActionID": asked}) is None


FIELDS = st.dictionaries(
    st.sampled_from(["Event", "Response", "ActionID", "EventList", "Banner", "Message"]),
    st.sampled_from(["", "ozrules-1", "start", "Complete", "Success", "x"]),
)


@given(st.lists(FIELDS))
def test_any_messages_are_understood_or_dropped(messages: list[dict[str, str]]) -> None:
    dialogue = Dialogue()
    dialogue.ask("CoreShowChannels", {})
    for message in messages:
        heard = dialogue.hear(message)
        assert heard is None or isinstance(heard, Answer | News | Greeting | Unreadable)


def test_a_list_that_is_not_whole_is_no_success() -> None:
    """One of its items could not be read, and is missing."""
    dialogue = Dialogue()
    asked, _ = dialogue.ask("CoreShowChannels", {})
    dialogue.hear({"Response": "Success", "ActionID": asked, "EventList": "start"})
    dialogue.hear({"Event": "CoreShowChannel", "ActionID": asked, "Channel": "PJSIP/1"})
    end = {"Event": "CoreShowChannelsComplete", "ActionID": asked, "EventList": "Complete", "ListItems": "2"}
    answer = dialogue.hear(end)
    assert isinstance(answer, Answer)
    assert not answer.succeeded


def test_an_answer_that_names_no_question_is_told() -> None:
    assert Dialogue().hear({"Response": "Success"}) == Unreadable("noActionID", "Response")
