"""The index may pass over rules, never over one that matches."""

from hypothesis import given
from hypothesis import strategies as st

from ozrules.engine.identity import SessionKey
from ozrules.engine.index import EXPLAIN_ALL
from ozrules.engine.live import Chain, LiveSession
from ozrules.engine.program import Program
from ozrules.engine.world import World
from ozrules.rules.condition import YES
from ozrules.rules.model import AnyOf, Condition, Not
from ozrules.session.session import Session
from ozrules.session.state import RINGING
from tests.engine.forge import HERE, enters, every, having, log, rule, rules

numbers = st.sampled_from(["2001", "2002", "+36201234567", "+36301234567", "06201234567", "+4912345", "112", "0049123"])
names = st.sampled_from(["Anna Kiss", "Eva Nagy", "Nord GmbH", "Anonymous", ""])
prefixes = st.sampled_from(["+36*", "+3620*", "20*", "0620*", "+49*"])
fields = st.sampled_from(["caller", "callee", "dialedNumber"])
leaves = st.one_of(
    st.builds(lambda field, number: having(field, "eq", number), fields, numbers),
    st.builds(lambda field, number: having(field, "ne", number), fields, numbers),
    st.builds(
        lambda field, many: having(field, "in", *many),
        fields,
        st.lists(st.one_of(numbers, prefixes), min_size=1, max_size=4),
    ),
    st.builds(lambda field, many: having(field, "notIn", *many), fields, st.lists(numbers, min_size=1, max_size=3)),
    st.builds(
        lambda field, start: having(field, "startsWith", start), fields, st.sampled_from(["+36", "20", "06", "+"])
    ),
    st.builds(
        lambda field, pattern: having(field, "matches", pattern),
        fields,
        st.sampled_from(["_36[237]0.", "_20XX", "+36*", "_NXXX", "*7", "_0620."]),
    ),
    st.builds(lambda name: having("callerDisplayName", "eq", name), names),
    st.builds(
        lambda pattern: having("callerDisplayName", "regex", pattern),
        st.sampled_from(["Anna.*", ".*GmbH", "(Eva|Anna) .*", "x"]),
    ),
    st.builds(lambda way: having("direction", "eq", way), st.sampled_from(["inbound", "internal"])),
)
trees: st.SearchStrategy[Condition] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda each: every(*each)),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: AnyOf(of=tuple(each), path="any", place=HERE)),
        inner.map(lambda each: Not(of=each, path="not", place=HERE)),
    ),
    max_leaves=5,
)
sessions = st.builds(
    lambda caller, callee, dialled, name: Session(
        session_id="s",
        session_state=RINGING,
        caller=caller,
        callee=callee,
        dialed_number=dialled,
        caller_display_name=name or None,
    ),
    st.one_of(st.none(), numbers),
    st.one_of(st.none(), numbers),
    st.one_of(st.none(), numbers),
    names,
)


@given(st.lists(trees, min_size=1, max_size=8), sessions)
def test_the_index_finds_what_trying_every_rule_finds(conditions: list[Condition], session: Session) -> None:
    padding = [
        rule(f"pad{number}", enters("Ringing"), log(), conditions=(having("callee", "eq", f"99{number:04d}"),))
        for number in range(EXPLAIN_ALL)
    ]
    made = [rule(f"r{number}", enters("Ringing"), log(), conditions=(each,)) for number, each in enumerate(conditions)]
    world = World(Program(rules(*padding, *made)), "enforce", 1)
    live = LiveSession(SessionKey("c", "", "s", ""), session, Chain("c"), 0.0, 0.0)
    bucket = world.index.entering[RINGING]
    brute = [entry.rule.id for entry in bucket.entries if entry.test(live, 0.0, world) == YES]
    found = [entry.rule.id for entry in bucket.candidates(live) if entry.test(live, 0.0, world) == YES]
    assert found == brute


def test_rules_that_the_session_rules_out_are_not_looked_at() -> None:
    made = [
        rule(f"r{number}", enters("Ringing"), log(), conditions=(having("callee", "eq", f"{number}"),))
        for number in range(1000, 3000)
    ]
    world = World(Program(rules(*made)), "enforce", 1)
    session = Session(session_id="s", session_state=RINGING, callee="1500")
    live = LiveSession(SessionKey("c", "", "s", ""), session, Chain("c"), 0.0, 0.0)
    assert [entry.rule.id for entry in world.index.entering[RINGING].candidates(live)] == ["r1500"]


def test_a_small_set_is_tried_whole_so_that_every_rule_gets_its_reason() -> None:
    made = [
        rule(f"r{number}", enters("Ringing"), log(), conditions=(having("callee", "eq", f"{number}"),))
        for number in range(EXPLAIN_ALL)
    ]
    world = World(Program(rules(*made)), "enforce", 1)
    session = Session(session_id="s", session_state=RINGING, callee="3")
    live = LiveSession(SessionKey("c", "", "s", ""), session, Chain("c"), 0.0, 0.0)
    assert len(world.index.entering[RINGING].candidates(live)) == EXPLAIN_ALL
