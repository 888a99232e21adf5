"""A phone system as a pure discrete-event model: no clock, no I/O, and chance only from its seed.

Everything that will happen lies in one heap by its moment. `advance` lets happen what is due and gives the changes;
`call` is the ten methods of the Session class. A step belongs to a state of a call: when the call leaves that state by
another way (an answer, a forward, a hangup), the step does not happen any more.

It is one file, and a long one, because it is one machine: entering a state, what follows from it, what is asked about
it, and the methods that cut across.
"""

import functools
import heapq
import itertools
import random
from collections.abc import Callable, Iterator
from typing import Final, Literal, assert_never

from ozrules.connectors.session_messages import SessionNews
from ozrules.connectors.simulator.behaviour import Behaviour, Key, Question, Wish
from ozrules.connectors.simulator.callers import CallPlan, Hold, Party, Transfer
from ozrules.connectors.simulator.live_call import LiveCall
from ozrules.connectors.simulator.office import Office, Phone
from ozrules.engine.events import Refused
from ozrules.rules.model import Routing
from ozrules.session.methods import Further, Method, is_legal
from ozrules.session.session import Session
from ozrules.session.state import (
    ABORTED,
    BUSY,
    CALLEE_HUNG_UP,
    CALLER_HUNG_UP,
    CANCELLED,
    CREATED,
    ENDED,
    ERROR,
    HELD,
    IN_CALL,
    NOT_ANSWERED,
    NOT_FOUND,
    REDIRECTED,
    RINGING,
    SETUP,
    TRANSFER_COMPLETED,
    TRANSFER_FAILED,
    TRANSFER_REQUESTED,
    TRANSFER_SETUP,
    TRANSFERRING,
    State,
)

DIALLING: Final = 0.05  # seconds from created to set up
ROUTING: Final = 0.25  # from set up to the first ring
DECIDING: Final = 0.3  # from a transfer's request to its start
MOVING: Final = 0.5  # from a transfer's start to its end
RECOVERING: Final = 1.0  # from a failed transfer back to the call
KEYS: Final = frozenset("0123456789*#ABCD")
ROUTED: Final = 90.0  # seconds for which a number rings that an answer about routing names
_ASKED: Final[dict[State, Routing]] = {NOT_ANSWERED: "NoAnswer", BUSY: "Busy", NOT_FOUND: "NotFound"}
"""Ends of which the phone system may be talked out, and how it calls them when it asks."""


class PhoneSystem:
    """Sessions, from their creation to their end."""

    def __init__(self, office: Office, behaviour: Behaviour, *, start: float, seed: int) -> None:
        self.behaviour = behaviour
        self.keys: list[Key] = []
        self.wishes: list[Wish] = []
        self.epoch = "e1"
        self._office = office
        self._seed = seed
        self._now = start
        self._live: dict[str, LiveCall] = {}
        self._due: list[tuple[float, int, LiveCall | None, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._seq = 0
        self._numbers = itertools.count(1)
        self._changes: list[SessionNews] = []
        self._questions: list[Question] = []
        self._asked: dict[int, tuple[LiveCall, int, State | None]] = {}
        self._numbers_of_questions = itertools.count(1)

    # --- time -----------------------------------------------------------------------------------------------------

    def place(self, plan: CallPlan, at: float) -> None:
        """A call will begin at ``at``."""
        self._later(at, None, functools.partial(self._begin, plan))

    def expect(self, arrivals: Iterator[tuple[float, CallPlan]]) -> None:
        """Calls will begin at these moments, which rise. They are taken one by one: there may be very many."""
        for at, plan in arrivals:
            self._later(at, None, functools.partial(self._arrive, plan, arrivals))
            break

    def advance(self, now: float) -> list[SessionNews]:
        """Let happen what is due by ``now``. Gives every change since it was last asked."""
        self._run(now)
        changes, self._changes = self._changes, []
        return changes

    def next_due(self) -> float | None:
        """When there will be something to see; None: never, unless somebody calls."""
        if self._changes or self._questions:
            return self._now
        while self._due and _is_stale(self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def sessions(self, now: float) -> tuple[Session, ...]:
        """All that live now. Changes that nobody has taken yet are in it."""
        self._run(now)
        return tuple(call.seen(now) for call in self._live.values())

    @property
    def latest(self) -> int:
        """The number of the last change that there has been."""
        return self._seq

    def listened(self) -> frozenset[str]:
        """The sessions that are listened in to."""
        return frozenset(id for id, call in self._live.items() if call.listening)

    def restart(self, now: float) -> None:
        """A crash and a new start: all calls are gone without a word, and ids are given anew."""
        self._run(now)
        self._changes.clear()
        self._live.clear()
        self._questions.clear()
        self._due = [each for each in self._due if each[2] is None]
        heapq.heapify(self._due)
        self._numbers = itertools.count(1)
        self.epoch = f"e{int(self.epoch[1:]) + 1}"

    def shut_down(self, now: float) -> None:
        """An orderly stop: every call is aborted, and it is said."""
        self._run(now)
        for call in list(self._live.values()):
            self._enter(call, ABORTED)

    def _run(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            entry = heapq.heappop(self._due)
            if not _is_stale(entry):
                self._now = max(self._now, entry[0])
                entry[4]()
        self._now = max(self._now, now)

    def _later(self, at: float, call: LiveCall | None, step: Callable[[], object]) -> None:
        heapq.heappush(self._due, (at, next(self._order), call, call.generation if call else 0, step))

    # --- the life of a call ---------------------------------------------------------------------------------------

    def _arrive(self, plan: CallPlan, others: Iterator[tuple[float, CallPlan]]) -> None:
        self.expect(others)
        self._begin(plan)

    def _begin(self, plan: CallPlan, *, state: State = CREATED, master: str | None = None, hop: int = 0) -> LiveCall:
        caller, callee = self._office.find(plan.caller), self._office.find(plan.callee)
        id = self._new_id()
        from_outside, to_outside = caller is None or caller.outside, callee is not None and callee.outside
        call = LiveCall(
            id=id,
            master=master or id,
            plan=plan,
            caller=plan.caller,
            callee=plan.callee,
            caller_name=plan.caller_name or _name(caller),
            callee_name=_name(callee),
            direction=("transit" if to_outside else "inbound")
            if from_outside
            else "outbound"
            if to_outside
            else "internal",
            source=self._office.outside_line if from_outside else plan.caller,
            destination=self._office.outside_line if to_outside else plan.callee,
            dialed=plan.callee,
            state=state,
            started=self._now,
            since=self._now,
            hop=hop,
        )
        self._live[id] = call
        self._say("created", call)
        self._plan_next(call)
        return call

    def _new_id(self) -> str:
        if self.behaviour.reuse_ids:
            return next(id for number in itertools.count(1) if (id := f"s{number}") not in self._live)
        return f"s{next(self._numbers)}"

    def _enter(self, call: LiveCall, state: State) -> None:
        call.talked = call.talk_until(self._now)
        call.generation += 1
        call.state, call.since = state, self._now
        self._say("stateChanged", call)
        if state in ENDED:
            del self._live[call.id]
            self._say("closed", call)
        else:
            self._plan_next(call)

    def _say(self, kind: Literal["created", "stateChanged", "closed"], call: LiveCall) -> None:
        self._seq += 1
        self._changes.append(SessionNews(kind, call.seen(self._now), self._now, self._seq))

    def _then(self, call: LiveCall, after: float, state: State) -> None:
        self._later(self._now + after, call, lambda: self._reach(call, state))

    def _reach(self, call: LiveCall, state: State) -> None:
        if self.behaviour.asks_routing is not None and state in _ASKED:
            self._ask(call, _ASKED[state], state)
        else:
            self._enter(call, state)

    def _plan_next(self, call: LiveCall) -> None:
        """What the people on the call, or the phone system, will do if nothing else happens."""
        plan = call.plan
        if call.state == CREATED:
            self._then(call, DIALLING, SETUP)
        elif call.state == SETUP and self.behaviour.asks_routing is not None:
            self._ask(call, "Calling", None)
        elif call.state in (SETUP, TRANSFER_SETUP):
            self._route(call)
        elif call.state == RINGING:
            endings = [
                (plan.answers_after, IN_CALL),
                (plan.rejects_after, BUSY),
                (plan.gives_up_after, CANCELLED),
                (call.ring_time or self.behaviour.ring_timeout, NOT_ANSWERED),
            ]
            after, state = min(
                ((after, state) for after, state in endings if after is not None), key=lambda each: each[0]
            )
            self._then(call, after, state)
        elif call.state == IN_CALL:
            self._plan_talk(call)
        elif call.state in HELD:
            for party, until in call.releases.items():
                if until is not None:
                    self._later(max(until, self._now), call, functools.partial(self._release, call, party))
            self._then(call, self.behaviour.hold_timeout, CALLER_HUNG_UP)
        elif call.state == TRANSFER_FAILED:
            self._later(self._now + RECOVERING, call, lambda: self._enter(call, call.hold_state()))

    def _route(self, call: LiveCall) -> None:
        known = self._office.find(call.callee) is not None
        failure = call.plan.fails or (None if known else "NotFound")
        states: dict[str | None, State] = {None: RINGING, "NotFound": NOT_FOUND, "Error": ERROR}
        self._then(call, ROUTING, states[failure])

    def _plan_talk(self, call: LiveCall) -> None:
        plan = call.plan
        act = plan.acts[call.acts_done] if call.acts_done < len(plan.acts) else None
        if act is not None and act.after <= plan.talk:
            self._later(self._now + max(0.0, act.after - call.talked), call, lambda: self._do(call, act))
        else:
            ending = CALLER_HUNG_UP if plan.hangs_up == "caller" else CALLEE_HUNG_UP
            self._then(call, max(0.0, plan.talk - call.talked), ending)

    def _do(self, call: LiveCall, act: Hold | Transfer) -> None:
        call.acts_done += 1
        match act:
            case Hold(by=by, seconds=seconds):
                call.releases[by] = None if seconds is None else self._now + seconds
                self._enter(call, call.hold_state())
            case Transfer(by=by, to=to):
                self._transfer(call, "callee" if by == "caller" else "caller", to)
            case _:
                assert_never(act)

    def _release(self, call: LiveCall, party: Party) -> None:
        del call.releases[party]
        self._enter(call, call.hold_state())

    def _onward(self, call: LiveCall, caller: str, caller_name: str | None, target: str) -> CallPlan:
        """How the call goes on at ``target``: a chance of its own, whatever else is going on."""
        chance = random.Random(f"{self._seed}/{call.master}/{call.hop}/{target}")  # noqa: S311 - a model, no secret
        phone = self._office.find(target)
        answers = phone.answers_after if phone is not None else None
        return CallPlan(
            caller=caller,
            caller_name=caller_name,
            callee=target,
            answers_after=answers and answers * chance.uniform(0.7, 1.3),
            gives_up_after=chance.uniform(25.0, 45.0),
            talk=chance.uniform(20.0, 90.0) / self.behaviour.speed,
            hangs_up=chance.choice(("caller", "callee")),
        )

    def _transfer(self, call: LiveCall, moved: Party, target: str) -> None:
        self._enter(call, TRANSFER_REQUESTED)

        def decide() -> None:
            if self._office.find(target) is None:
                self._enter(call, TRANSFER_FAILED)
                return
            self._enter(call, TRANSFERRING)
            who, name = (call.caller, call.caller_name) if moved == "caller" else (call.callee, call.callee_name)
            plan = self._onward(call, who, name, target)
            self._begin(plan, state=TRANSFER_SETUP, master=call.master, hop=call.hop + 1)
            self._then(call, MOVING, TRANSFER_COMPLETED)

        self._later(self._now + DECIDING, call, decide)

    # --- questions about routing ----------------------------------------------------------------------------------

    def questions(self, now: float) -> list[Question]:
        """What is to be asked now; each is asked once."""
        self._run(now)
        questions, self._questions = self._questions, []
        return questions

    def answer(self, question: int, to: str | None, ring: float | None, now: float) -> None:
        """Where the call goes: None leaves it to the dial plan, "" turns the caller away. Too late, nothing happens."""
        self._run(now)
        call, generation, state = self._asked.pop(question, (None, 0, None))
        if call is None or call.generation != generation or call.id not in self._live:
            return
        if to == "":
            self._enter(call, BUSY)
        elif to is not None:
            if to != call.callee:
                call.plan = self._onward(call, call.caller, call.caller_name, to)
                call.callee, call.callee_name = to, _name(self._office.find(to))
            call.ring_time = ring or ROUTED
            self._route(call)
        elif state is not None:
            self._enter(call, state)
        else:
            self._route(call)

    def _ask(self, call: LiveCall, kind: Routing, state: State | None) -> None:
        assert self.behaviour.asks_routing is not None, "it asks only where it is set to"
        call.generation += 1  # while it asks, nothing else happens
        number = next(self._numbers_of_questions)
        self._asked[number] = (call, call.generation, state)
        self._questions.append(Question(number, kind, call.seen(self._now)))
        due = self._now + self.behaviour.asks_routing
        self._later(due, call, lambda: self.answer(number, None, None, due))

    # --- what there is beyond them --------------------------------------------------------------------------------

    def further(
        self, operation: Further, session_id: str | None, *, now: float, other: str | None, arguments: dict[str, str]
    ) -> Refused | None:
        """Something beyond the ten methods: None where it was carried out, or why not."""
        self._run(now)
        call = self._live.get(session_id or "")
        if operation in ("attendedTransfer", "play", "record", "speak"):
            if call is None:
                return Refused("notFound", "no such session")
            if not is_legal(operation, call.state):
                return Refused("wrongState", f"{operation} does not work in state {call.state}")
            if operation == "attendedTransfer":
                second = self._live.get(other or "")
                return Refused("notFound", "no such session") if second is None else self._join(call, second)
        elif operation == "sendSms" and self._office.find(arguments.get("to", "")) is None:
            return Refused("invalid", "nobody has this number")
        elif operation == "call":
            phone = self._office.find(arguments.get("to", ""))
            if phone is None:
                return Refused("invalid", "nobody has this number")
            caller = arguments.get("callerId") or arguments.get("apiExtension") or self._office.outside_line
            self.place(CallPlan(caller=caller, callee=phone.number, answers_after=phone.answers_after), now)
        self.wishes.append(Wish(at=now, operation=operation, session_id=session_id, arguments=arguments))
        return None

    def _join(self, held: LiveCall, talking: LiveCall) -> Refused | None:
        """The party that both calls have in common leaves, and the others go on with each other."""
        if held.state not in HELD or talking.state != IN_CALL:
            return Refused("wrongState", "attendedTransfer needs a held call, and a second one in call")
        common = {held.caller, held.callee} & {talking.caller, talking.callee}
        if len(common) != 1:
            return Refused("invalid", "the two calls have no party in common")
        by_caller = held.caller in common
        who, name = (held.callee, held.callee_name) if by_caller else (held.caller, held.caller_name)
        target = talking.callee if talking.caller in common else talking.caller
        plan = self._onward(held, who, name, target)
        self._begin(plan, state=IN_CALL, master=held.master, hop=held.hop + 1)
        for call in (held, talking):
            self._enter(call, TRANSFER_COMPLETED)
        return None

    # --- the ten methods ------------------------------------------------------------------------------------------

    def call(
        self,
        method: Method,
        session_id: str,
        *,
        now: float,
        phone_number: str | None = None,
        transferor: str | None = None,
        key: str | None = None,
    ) -> Refused | None:
        """A method of the Session class: None where it was carried out, or why not."""
        self._run(now)
        privileges = self.behaviour.privileges
        if privileges is not None and method not in privileges:
            return Refused("denied", f"{method} needs a privilege that this client lacks")
        call = self._live.get(session_id)
        if call is None:
            return Refused("notFound", "no such session")
        if not is_legal(method, call.state):
            return Refused("wrongState", f"{method} does not work in state {call.state}")
        match method:
            case "forward":
                return self._forward(call, phone_number)
            case "blindTransfer":
                return self._blind_transfer(call, transferor, phone_number)
            case "sendDtmf":
                return self._send_dtmf(call, key, phone_number)
            case "hold" | "unhold":
                return self._hold(call, method == "hold")
            case "startListen" | "stopListen":
                call.listening = method == "startListen"
            case "close":
                self._enter(call, ABORTED)
            case "hangup" | "closeWithHangup":
                by = CALLER_HUNG_UP if method == "hangup" else CALLEE_HUNG_UP
                self._enter(call, by if call.talk_until(now) > 0 or call.state == IN_CALL else CANCELLED)
            case _:
                assert_never(method)
        return None

    def _forward(self, call: LiveCall, target: str | None) -> Refused | None:
        if not target:
            return Refused("invalid", "forward needs phoneNumber")
        plan = self._onward(call, call.caller, call.caller_name, target)
        if self.behaviour.forward == "newSession":
            self._enter(call, REDIRECTED)
            self._begin(plan, state=SETUP, master=call.master, hop=call.hop + 1)
            return None
        call.plan, call.hop = plan, call.hop + 1
        call.callee, call.callee_name = target, _name(self._office.find(target))
        self._enter(call, RINGING if self._office.find(target) is not None else NOT_FOUND)
        return None

    def _blind_transfer(self, call: LiveCall, transferor: str | None, target: str | None) -> Refused | None:
        party = self._party(call, transferor)
        if party is None or not target:
            return Refused("invalid", "blindTransfer needs the caller or the callee, and phoneNumber")
        if self.behaviour.moved_party == "other":
            party = "callee" if party == "caller" else "caller"
        self._transfer(call, party, target)
        return None

    def _send_dtmf(self, call: LiveCall, key: str | None, receiver: str | None) -> Refused | None:
        party = self._party(call, receiver)
        if party is None or key not in KEYS:
            return Refused("invalid", "sendDtmf needs one key, and the caller or the callee")
        self.keys.append(Key(self._now, call.id, party, key))
        return None

    def _hold(self, call: LiveCall, on: bool) -> Refused | None:
        if not on and not call.held_by_method:
            return Refused("wrongState", "unhold ends only what hold began")
        if call.held_by_method != on:
            call.held_by_method = on
            self._enter(call, call.hold_state())
        return None

    @staticmethod
    def _party(call: LiveCall, number: str | None) -> Party | None:
        if number == call.caller:
            return "caller"
        return "callee" if number == call.callee else None


def _is_stale(entry: tuple[float, int, LiveCall | None, int, Callable[[], object]]) -> bool:
    call = entry[2]
    return call is not None and (call.generation != entry[3] or call.state in ENDED)


def _name(phone: Phone | None) -> str | None:
    return None if phone is None or phone.outside else phone.name
