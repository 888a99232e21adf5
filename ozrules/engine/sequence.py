"""Runs the actions of a rule, one after the other, as far as they go at a given moment.

A step either is done at once (log, set, choose), or asks the shell for something and waits for what becomes of it, or
waits for time or for a state. Every command that is asked for ends in exactly one outcome; where an outcome is not
``confirmed`` the sequence takes ``onFailure`` or ends there.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final, NamedTuple, assert_never

from ozrules.engine.effects import (
    Command,
    ListSessions,
    Outcome,
    OutcomeName,
    Post,
    Send,
    WriteLog,
)
from ozrules.engine.events import Accepted, CommandAnswered, Refused, Unanswered, Withheld
from ozrules.engine.guard import EXTERNAL, HOUR
from ozrules.engine.identity import CommandId
from ozrules.engine.live import LiveSession
from ozrules.engine.planning import Stopped, cap_group, destination, fill
from ozrules.engine.proof import disproves, needs_proof, proves
from ozrules.engine.run import OBSERVE, SETTLE, Attempt, Delivery, Frame, Pause, Ring, Run, Watch
from ozrules.engine.world import World
from ozrules.rules.condition import YES, compile_condition
from ozrules.rules.model import (
    Action,
    BlindTransfer,
    Choose,
    Fixed,
    Forward,
    Hunt,
    Log,
    Party,
    PlainMethod,
    SecretRef,
    SendDtmf,
    SetVariables,
    Stop,
    Wait,
    WaitFor,
    Webhook,
)
from ozrules.session.methods import REPEATABLE, Method, is_legal
from ozrules.session.state import IN_CALL, REDIRECTED

ANSWER: Final = 5.0
"""Seconds in which a phone system must answer a command, where a rule sets no ``timeout``."""

UNHEARD: Final = 30.0
"""Seconds after which a command of which the shell said nothing counts as sent without an answer."""

_UNDOES: Final = ("unhold", "stopListen")


class Sequencer:
    """Moves runs on. It keeps nothing itself: what is under way stands in the runs, and these in their chain."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._awaiting: dict[CommandId, Run] = {}
        self._posts: dict[CommandId, _Posted] = {}

    # --- beginning and ending ---------------------------------------------------------------------------------------

    def begin(self, run: Run, at: float) -> None:
        """Starts a run; it may be over before this returns."""
        run.chain.runs.append(run)
        live = run.origin
        if live.runs is None:
            live.runs = []
        live.runs.append(run)
        self.go_on(run, at)

    def recover(self, open_commands: Iterable[Command], at: float) -> None:
        """After a restart: what was asked for and never answered may have been done or not. It is not sent again."""
        world = self._world
        known = set()
        for live in world.live.values():
            for run in live.runs or ():
                match run.waiting:
                    case Attempt() as attempt:
                        known.add(attempt.command.id)
                        if attempt.phase == "sent":
                            self._unknown(run, attempt, at, "ozrules stopped before the answer came")
                    case Delivery(command=command):
                        posted = _Posted(run.number, run.rule.id, live, at, run)
                        self._posts[CommandId(command)] = posted
                    case _:
                        pass
        for lost in open_commands:
            if lost.id not in known:
                world.out.append(
                    Outcome(
                        at=at,
                        command=lost.id,
                        decision=lost.decision,
                        rule=lost.rule,
                        session=lost.session,
                        action=lost.action,
                        outcome="unconfirmed",
                        state=None,
                        after=0.0,
                        error="ozrules stopped before the answer came, and nothing is known of the session",
                    )
                )

    def enqueue(self, run: Run) -> None:
        """Keeps a run until the one before it on this session is over."""
        live = run.origin
        assert live.runs, "there is a run to wait for"
        run.queued = True
        live.runs.append(run)
        run.chain.runs.append(run)

    def cancel(self, run: Run, at: float, why: str) -> None:
        """Ends a run where it stands. A command that has left stays what it is: unknown, unless it was answered."""
        waiting = run.waiting
        if isinstance(waiting, Attempt):
            match waiting.phase:
                case "sent":
                    self._outcome(run, waiting, "cancelled", at, why)
                case "accepted" | "unknown":
                    self._outcome(run, waiting, "unconfirmed", at, why)
                case "refused":
                    self._outcome(run, waiting, "rejected", at, why)
                case _:
                    assert_never(waiting.phase)
        self._finish(run, at)

    def _finish(self, run: Run, at: float) -> None:
        run.waiting = None
        run.frames = []
        if run in run.chain.runs:
            run.chain.runs.remove(run)
        origin = run.origin
        if origin.runs is None or run not in origin.runs:
            return
        origin.runs.remove(run)
        following = next((each for each in origin.runs if each.queued and each.rule.id == run.rule.id), None)
        if following is not None:
            following.queued = False
            self.go_on(following, at)
        elif not origin.runs:
            origin.runs = None

    # --- what wakes a run -------------------------------------------------------------------------------------------

    def due(self, run: Run) -> float | None:
        """When the run wants to be woken, if at all."""
        return None if run.waiting is None else run.waiting.until

    def woken(self, run: Run, at: float) -> None:
        """The moment that the run waited for has come."""
        waiting = run.waiting
        match waiting:
            case Attempt():
                self._attempt_overdue(run, waiting, at)
            case Delivery() | None:
                pass
            case Pause():
                run.waiting = None
                if self._expired(run, at - waiting.until):
                    self._step_expired(run, at, at - waiting.until)
                elif waiting.again is not None:
                    action = run.frames[-1].actions[run.frames[-1].index - 1]
                    self._act(run, action, at, tries=waiting.again)
                    self.go_on(run, at)
                else:
                    self.go_on(run, at)
            case Watch(action=action):
                run.waiting = None
                if self._expired(run, at - waiting.until):
                    self._step_expired(run, at, at - waiting.until)
                elif action.on_timeout == "stop":
                    self._finish(run, at)
                else:
                    if isinstance(action.on_timeout, tuple):
                        self._push(run, action.on_timeout, "onTimeout")
                    self.go_on(run, at)
            case Ring():
                run.waiting = None
                self._hunt_on(run, at)
                self.go_on(run, at)
            case _:
                assert_never(waiting)

    def answered(self, event: CommandAnswered) -> LiveSession | None:
        """What became of a command. Returns the session that it was about, if this engine asked for it."""
        posted = self._posts.pop(event.command, None)
        if posted is not None:
            self._delivered(event, posted)
            return posted.live
        run = self._awaiting.pop(event.command, None)
        if run is None or not isinstance(run.waiting, Attempt) or run.waiting.command.id != event.command:
            return None
        live = run.session
        self._attempt_answered(run, run.waiting, event)
        return live

    def observe(self, live: LiveSession, at: float) -> list[LiveSession]:
        """A session changed: see what it proves. Returns the origins of the runs that were looked at."""
        looked = []
        for run in tuple(live.chain.runs):
            if run.queued:
                continue
            looked.append(run.origin)
            match run.waiting:
                case Attempt() as attempt:
                    self._attempt_observed(run, attempt, live, at)
                case Watch(action=action):
                    if live is run.session and live.state in action.states:
                        run.waiting = None
                        self.go_on(run, at)
                        continue
                case Ring():
                    self._ring_observed(run, live, at)
                case Pause() | Delivery() | None:
                    pass
                case _:
                    assert_never(run.waiting)
            if live is run.origin and live.ended and isinstance(run.waiting, Pause | Watch) and not run.follows:
                self._gone(run, at)
        return looked

    # --- the steps --------------------------------------------------------------------------------------------------

    def go_on(self, run: Run, at: float) -> None:
        """Takes steps until one has to wait, or none is left."""
        while run.waiting is None and run.frames:
            frame = run.frames[-1]
            if frame.index >= len(frame.actions):
                run.frames.pop()
                continue
            action = frame.actions[frame.index]
            frame.index += 1
            self._act(run, action, at, tries=0)
        if run.waiting is None:
            self._finish(run, at)

    def _act(self, run: Run, action: Action, at: float, tries: int) -> None:
        live = run.session
        match action:
            case Forward() | BlindTransfer() | PlainMethod() | SendDtmf():
                self._call(run, action, at, tries)
            case Hunt():
                run.hunted = 0
                self._hunt_on(run, at)
            case Webhook():
                self._post(run, action, live, at)
            case Log(text=text):
                self._world.out.append(WriteLog(run.number, run.rule.id, live.key, fill(text, live, self._world, at)))
            case SetVariables(values=values):
                variables = dict(live.variables or {})
                variables.update({name: fill(text, live, self._world, at) for name, text in values.items()})
                live.variables = variables
            case Wait(seconds=seconds):
                run.waiting = Pause(at + seconds)
            case WaitFor(states=states, timeout=timeout):
                if live.state not in states:
                    run.waiting = Watch(action, at + timeout)
            case Choose(branches=branches):
                for number, branch in enumerate(branches):
                    if branch.condition is None or compile_condition(branch.condition, self._world)(live, at) == YES:
                        self._push(run, branch.actions, number)
                        break
            case Stop():
                run.frames = []
            case _:
                assert_never(action)

    def _push(self, run: Run, actions: tuple[Action, ...], way: str | int) -> None:
        frame = run.frames[-1]
        run.frames.append(Frame(actions, (*frame.path, frame.index - 1, way)))

    def _call(self, run: Run, action: Forward | BlindTransfer | PlainMethod | SendDtmf, at: float, tries: int) -> None:
        match action:
            case Forward(to=to):
                self._send(run, action, "forward", at, tries, to=destination(to, run.session, self._world, at))
            case BlindTransfer(move=move, to=to):
                number = destination(to, run.session, self._world, at)
                self._send(run, action, "blindTransfer", at, tries, to=number, party=move)
            case PlainMethod(method=method):
                self._send(run, action, method, at, tries)
            case SendDtmf(to=party, keys=keys, gap=gap):
                self._send(run, action, "sendDtmf", at, tries, party=party, key=keys, gap=gap)
            case _:
                assert_never(action)

    def _send(
        self,
        run: Run,
        action: Forward | BlindTransfer | PlainMethod | SendDtmf | Hunt,
        method: Method,
        at: float,
        tries: int,
        *,
        to: str | Stopped | None = None,
        party: Party | None = None,
        key: str | SecretRef | None = None,
        gap: float = 0.0,
    ) -> None:
        live = run.session
        command_id = CommandId(f"{run.number}-{run.steps}")
        step = run.steps
        run.steps += 1
        refusal = self._may_not(live, method, to)
        if refusal is not None:
            self._world.out.append(
                Outcome(
                    at=at,
                    command=command_id,
                    decision=run.number,
                    rule=run.rule.id,
                    session=live.key,
                    action=method,
                    outcome=refusal[0],
                    state=live.state,
                    after=0.0,
                    error=refusal[1],
                )
            )
            self._failed(run, action, at)
            return
        assert to is None or isinstance(to, str)
        command = Command(
            id=command_id,
            decision=run.number,
            step=step,
            rule=run.rule.id,
            session=live.key,
            action=method,
            to=to,
            party=party,
            key=key,
            gap=gap,
            deadline=at + max(run.rule.missed_grace, 1.0),
            timeout=action.common.timeout or ANSWER,
        )
        live.actions += 1
        if to is not None:
            self._leaves(live, to, at)
        run.waiting = Attempt(action, command, live, at, at + command.timeout + UNHEARD, tries)
        self._awaiting[command_id] = run
        self._world.out.append(Send(command))

    def _may_not(self, live: LiveSession, method: Method, to: str | Stopped | None) -> tuple[OutcomeName, str] | None:
        """Why a step must not be sent at this moment."""
        if live.ended:
            return "targetGone", f"the session ended as {live.state}"
        if not is_legal(method, live.state):
            return "lostRace", f"{method} cannot work in {live.state}"
        stopped = self._world.guard.call(live)
        if stopped is None and to is not None and not isinstance(to, str):
            stopped_to = to
            return "refused", stopped_to[1]
        return None if stopped is None else ("refused", stopped[1])

    def _leaves(self, live: LiveSession, to: str, at: float) -> None:
        """A call is about to be sent somewhere else: count it, and know its further sessions again."""
        world = self._world
        live.chain.hops += 1
        world.forwards.append((at, to, live.session.caller, live.chain))
        del world.forwards[:-64]
        if world.guard.is_external(to):
            group = cap_group(live, world, at) or ""
            wall = at + world.wall_offset
            world.tally(EXTERNAL, group, f"{live.key}{live.chain.hops}", wall, wall + HOUR)
            world.external.put(id(live.chain), group)

    # --- attempts ---------------------------------------------------------------------------------------------------

    def _attempt_answered(self, run: Run, attempt: Attempt, event: CommandAnswered) -> None:
        at = event.at
        match event.receipt:
            case Accepted():
                if attempt.proven is not None or not needs_proof(attempt):
                    self._settle(run, attempt, "confirmed", at)
                else:
                    attempt.phase = "accepted"
                    expect = attempt.action.common.expect
                    attempt.until = at + (OBSERVE if expect is None else expect.within)
                    self._judge(run, attempt, attempt.session, at)
            case Refused() as refusal:
                if attempt.proven is not None:
                    self._settle(run, attempt, "confirmed", at, refusal.message)
                elif refusal.kind == "notFound":
                    self._settle(run, attempt, "targetGone", at, refusal.message)
                elif refusal.kind in ("denied", "invalid"):
                    self._settle(run, attempt, "rejected", at, refusal.message)
                else:
                    attempt.phase = "refused"
                    attempt.refusal = refusal
                    attempt.until = at + SETTLE
                    self._judge(run, attempt, attempt.session, at)
            case Unanswered(message=message):
                self._unknown(run, attempt, at, message)
            case Withheld(outcome=outcome, message=message):
                if attempt.command.to is not None:
                    attempt.session.chain.hops -= 1
                self._settle(run, attempt, outcome, at, message)
            case _:
                assert_never(event.receipt)
        self.go_on(run, at)

    def _unknown(self, run: Run, attempt: Attempt, at: float, message: str) -> None:
        """Sent, and nobody knows whether it was done: said at once, then looked at, never sent again."""
        if attempt.proven is not None:
            self._settle(run, attempt, "confirmed", at, message)
            return
        self._outcome(run, attempt, "unknown", at, message)
        attempt.phase = "unknown"
        attempt.until = at + OBSERVE
        self._world.out.append(ListSessions(attempt.session.key.connection, "a command was not answered"))

    def _attempt_observed(self, run: Run, attempt: Attempt, live: LiveSession, at: float) -> None:
        if attempt.phase == "sent":
            if attempt.proven is None and proves(attempt, live):
                attempt.proven = live.state
            return
        self._judge(run, attempt, live, at)
        self.go_on(run, at)

    def _judge(self, run: Run, attempt: Attempt, live: LiveSession, at: float) -> None:
        """Settles an attempt that was answered, if what is seen now decides it."""
        if proves(attempt, live):
            self._settle(run, attempt, "confirmed", at, None, live)
            return
        against = disproves(attempt, live)
        if against is not None:
            self._settle(run, attempt, against[0], at, against[1])

    def _attempt_overdue(self, run: Run, attempt: Attempt, at: float) -> None:
        match attempt.phase:
            case "sent":
                self._awaiting.pop(attempt.command.id, None)
                self._unknown(run, attempt, at, "nothing was heard of the command")
            case "accepted":
                self._settle(run, attempt, "unconfirmed", at, "the effect was not seen in time")
            case "unknown":
                proven = not needs_proof(attempt)
                self._settle(run, attempt, "unconfirmed", at, "no trace can be seen" if proven else "not seen")
            case "refused":
                refusal = attempt.refusal
                assert refusal is not None
                self._settle(run, attempt, "rejected", at, refusal.message)
            case _:
                assert_never(attempt.phase)
        self.go_on(run, at)

    def _settle(
        self,
        run: Run,
        attempt: Attempt,
        outcome: OutcomeName,
        at: float,
        error: str | None = None,
        seen: LiveSession | None = None,
    ) -> None:
        """Writes the outcome down and says where the sequence goes from here."""
        self._outcome(run, attempt, outcome, at, error, seen)
        run.waiting = None
        self._awaiting.pop(attempt.command.id, None)
        action = attempt.action
        if outcome == "confirmed":
            if attempt.command.to is not None:
                run.follows = True
            if isinstance(action, Hunt):
                run.waiting = Ring(at + action.ring)
            return
        if attempt.command.to is not None and attempt.phase == "refused":
            attempt.session.chain.hops -= 1
        if self._may_retry(attempt, outcome):
            assert action.common.retry is not None
            run.waiting = Pause(at + action.common.retry.delay, attempt.tries + 1)
        else:
            self._failed(run, action, at)

    def _may_retry(self, attempt: Attempt, outcome: OutcomeName) -> bool:
        retry = attempt.action.common.retry
        if retry is None or attempt.tries >= retry.attempts:
            return False
        if attempt.refusal is not None and attempt.refusal.kind == "unavailable":
            return True
        return (
            outcome in ("rejected", "unconfirmed") and attempt.command.action in REPEATABLE and attempt.phase != "sent"
        )

    def _failed(
        self, run: Run, action: Forward | BlindTransfer | PlainMethod | SendDtmf | Hunt | Webhook, at: float
    ) -> None:
        """A step came to nothing: ``onFailure``, the next number of a hunt, or the end."""
        if isinstance(action, Hunt) and not run.session.ended:
            self._hunt_on(run, at)
        elif action.common.on_failure is not None:
            self._push(run, action.common.on_failure, "onFailure")
        else:
            run.frames = []

    def _outcome(
        self,
        run: Run,
        attempt: Attempt,
        outcome: OutcomeName,
        at: float,
        error: str | None = None,
        seen: LiveSession | None = None,
    ) -> None:
        command = attempt.command
        self._world.out.append(
            Outcome(
                at=at,
                command=command.id,
                decision=run.number,
                rule=run.rule.id,
                session=command.session,
                action=command.action,
                outcome=outcome,
                state=attempt.proven or (seen or attempt.session).state,
                after=at - attempt.sent,
                error=error,
            )
        )

    # --- hunting ----------------------------------------------------------------------------------------------------

    def _hunt_on(self, run: Run, at: float) -> None:
        """Rings the next number of the hunt, or goes on with ``onExhausted``."""
        hunt = run.frames[-1].actions[run.frames[-1].index - 1]
        assert isinstance(hunt, Hunt), "a hunt is the step that its run is at until it is over"
        if run.session.state == IN_CALL and run.follows:
            return
        order = self._order(hunt, run)
        if run.hunted >= len(order):
            if hunt.on_exhausted:
                self._push(run, hunt.on_exhausted, "onExhausted")
            return
        target = order[run.hunted]
        run.hunted += 1
        number = destination(Fixed(target, hunt.place), run.session, self._world, at)
        self._send(run, hunt, "forward", at, 0, to=number)

    def _order(self, hunt: Hunt, run: Run) -> tuple[str, ...]:
        targets = hunt.targets
        match hunt.order:
            case "sequential":
                return targets
            case "random":
                salt = f"{run.origin.key}"
                return tuple(sorted(targets, key=lambda number: sha256(f"{salt}{number}".encode()).digest()))
            case "roundRobin":
                first = run.number % len(targets)
                return targets[first:] + targets[:first]
            case _:
                assert_never(hunt.order)

    def _ring_observed(self, run: Run, live: LiveSession, at: float) -> None:
        if live.state == IN_CALL and live is run.session:
            run.waiting = None
            self.go_on(run, at)
        elif live.ended and live is run.session and all(each.ended for each in run.chain.sessions):
            if live.state == REDIRECTED or (live is run.origin and not run.follows):
                return
            self._gone(run, at)

    # --- webhooks and endings ---------------------------------------------------------------------------------------

    def _post(self, run: Run, action: Webhook, live: LiveSession, at: float) -> None:
        command_id = CommandId(f"{run.number}-{run.steps}")
        run.steps += 1
        self._world.out.append(
            Post(
                id=command_id,
                decision=run.number,
                rule=run.rule.id,
                session=live.key,
                url=action.url,
                method=action.method,
                headers=action.headers,
                body={name: fill(text, live, self._world, at) for name, text in action.body.items()},
                timeout=action.common.timeout or ANSWER,
            )
        )
        waits = action.common.on_failure is not None
        if waits:
            run.waiting = Delivery(action, command_id)
        self._posts[command_id] = _Posted(run.number, run.rule.id, live, at, run if waits else None)

    def _delivered(self, event: CommandAnswered, posted: "_Posted") -> None:
        outcome: OutcomeName
        error: str | None = None
        match event.receipt:
            case Accepted():
                outcome = "confirmed"
            case Refused(message=message):
                outcome, error = "rejected", message
            case Unanswered(message=message):
                outcome, error = "unconfirmed", message
            case Withheld(outcome=outcome, message=message):
                error = message
            case _:
                assert_never(event.receipt)
        self._world.out.append(
            Outcome(
                at=event.at,
                command=event.command,
                decision=posted.decision,
                rule=posted.rule,
                session=posted.live.key,
                action="webhook",
                outcome=outcome,
                state=None,
                after=event.at - posted.at,
                error=error,
            )
        )
        run = posted.run
        if run is not None and isinstance(run.waiting, Delivery) and run.waiting.command == event.command:
            action = run.waiting.action
            run.waiting = None
            if outcome != "confirmed":
                self._failed(run, action, event.at)
            self.go_on(run, event.at)

    def _expired(self, run: Run, late: float) -> bool:
        """Whether the next step comes too late to be taken. What undoes our own hold or listening never does."""
        if late <= run.rule.missed_grace or run.rule.on_missed == "fire":
            return False
        upcoming = self._upcoming(run)
        return not (isinstance(upcoming, PlainMethod) and upcoming.method in _UNDOES)

    def _upcoming(self, run: Run) -> Action | None:
        for frame in reversed(run.frames):
            if frame.index < len(frame.actions):
                return frame.actions[frame.index]
        return None

    def _step_expired(self, run: Run, at: float, late: float) -> None:
        self._end_before(run, at, "expired", f"{late:.1f} s late")

    def _gone(self, run: Run, at: float) -> None:
        """The call is over while the sequence waited: what is left of it is cancelled."""
        self._end_before(run, at, "targetGone", f"the session ended as {run.session.state}")

    def _end_before(self, run: Run, at: float, outcome: OutcomeName, error: str) -> None:
        upcoming = self._upcoming(run)
        if upcoming is not None and (name := _command_name(upcoming)) is not None:
            self._world.out.append(
                Outcome(
                    at=at,
                    command=CommandId(f"{run.number}-{run.steps}"),
                    decision=run.number,
                    rule=run.rule.id,
                    session=run.session.key,
                    action=name,
                    outcome=outcome,
                    state=run.session.state,
                    after=0.0,
                    error=error,
                )
            )
        self._finish(run, at)


class _Posted(NamedTuple):
    decision: int
    rule: str
    live: LiveSession
    at: float
    run: Run | None


def _command_name(action: Action) -> str | None:
    match action:
        case Forward() | Hunt():
            return "forward"
        case BlindTransfer():
            return "blindTransfer"
        case PlainMethod(method=method):
            return method
        case SendDtmf():
            return "sendDtmf"
        case Webhook():
            return "webhook"
        case Log() | SetVariables() | Wait() | WaitFor() | Choose() | Stop():
            return None
        case _:
            assert_never(action)
