"""Runs the actions of a rule, one after the other, as far as they go at a given moment.

A step either is done at once (log, set, choose), or asks the shell for something and waits for what becomes of it, or
waits for time or for a state. Where an outcome is neither ``confirmed`` nor ``accepted`` the sequence takes
``onFailure``, or ends there and only undoes what it began. It is long because a wait and what ends it are read
together; what a step sends stands in `attempts`.
"""

from collections.abc import Iterable
from typing import assert_never

from ozrules.engine.attempts import Attempts, Sent
from ozrules.engine.consulted import Values
from ozrules.engine.deliveries import Deliveries
from ozrules.engine.effects import DONE, Chosen, Command, Notice, Outcome, OutcomeName, WriteLog
from ozrules.engine.events import CommandAnswered, CommandShown, PostSettled
from ozrules.engine.hunting import order_of, ring_of
from ozrules.engine.identity import CommandId
from ozrules.engine.live import LiveSession
from ozrules.engine.memory import Lost
from ozrules.engine.planning import Stopped, destination, fill, planned, recipient, second_call
from ozrules.engine.run import UNDOES, Attempt, Delivery, Frame, Pause, Ring, Run, Watch, undoing
from ozrules.engine.world import World
from ozrules.rules.condition import YES
from ozrules.rules.model import (
    Action,
    AttendedTransfer,
    BlindTransfer,
    Choose,
    Fixed,
    Forward,
    Hunt,
    Log,
    PlainMethod,
    SendDtmf,
    SessionAction,
    SetVariables,
    Stop,
    SystemAction,
    Wait,
    WaitFor,
    Webhook,
)
from ozrules.rules.sense import operation_of
from ozrules.session.methods import MOVING
from ozrules.session.state import CALLER_HUNG_UP, CANCELLED, IN_CALL, REDIRECTED


class Sequencer:
    """Moves runs on. What is under way stands in the runs, and these in the chain of their session."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._attempts = Attempts(world)
        self._deliveries = Deliveries(world)
        self._awaiting: dict[CommandId, Run] = {}

    # --- beginning and ending ---------------------------------------------------------------------------------------

    def begin(self, run: Run, at: float) -> None:
        """Starts a run; it may be over before this returns."""
        self._attach(run)
        self.go_on(run, at)

    def enqueue(self, run: Run) -> None:
        """Keeps a run until the one before it on this session is over."""
        run.queued = True
        self._attach(run)

    def _attach(self, run: Run) -> None:
        run.chain.runs.append(run)
        run.origin.runs = [*(run.origin.runs or ()), run]

    def cancel(self, run: Run, at: float, why: str) -> None:
        """Ends a run where it stands. A command that has left cannot be called back."""
        if isinstance(run.waiting, Attempt):
            self._awaiting.pop(run.waiting.command.id, None)
            self._attempts.abandon(run, run.waiting, at, why)
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

    def recover(self, open_commands: Iterable[Command], at: float) -> None:
        """After a restart: what was asked for and never answered may have been done or not. It is not sent again."""
        known = set()
        for live in self._world.live.values():
            for run in live.runs or ():
                match run.waiting:
                    case Attempt() as attempt:
                        known.add(attempt.command.id)
                        if attempt.phase == "sent":
                            why = "ozrules stopped before the answer came"
                            if self._attempts.unheard(run, attempt, at, why) == "confirmed":
                                self._confirmed(run, attempt, at)
                                run.waiting = run.waiting or Pause(at)  # it goes on when the list has been merged
                    case Delivery():
                        run.waiting = Pause(at)  # the queue of webhooks takes over what the journal has
                    case _:
                        pass
        for lost in open_commands:
            if lost.id not in known:
                self._lost(lost, at)

    def _lost(self, command: Command, at: float) -> None:
        self._world.out.append(
            Outcome(
                at=at,
                command=command.id,
                decision=command.decision,
                rule=command.rule,
                session=command.session,
                action=command.action,
                outcome="unconfirmed",
                state=None,
                after=0.0,
                error="ozrules stopped before the answer came, and nothing is known of the session",
            )
        )

    def give_up(self, lost: Iterable[Lost], at: float) -> None:
        """After a restart: the rules of these sequences cannot be read any more, so they end."""
        for each in lost:
            self._world.out.append(Notice(kind="rulesUnknown", connection=each.session.connection, detail=each.rule))
            if each.unknown is not None:
                self._lost(each.unknown, at)

    # --- what wakes a run -------------------------------------------------------------------------------------------

    def due(self, run: Run) -> float | None:
        """When the run wants to be woken, if at all."""
        return None if run.waiting is None or run.queued else run.waiting.until

    def woken(self, run: Run, at: float) -> None:
        """The moment that the run waited for has come."""
        waiting = run.waiting
        match waiting:
            case Attempt():
                self._awaiting.pop(waiting.command.id, None)
                self._went(run, waiting, self._attempts.overdue(run, waiting, at), at)
            case Delivery() | None:
                pass
            case Pause() | Watch() if self._expired(run, at - waiting.until):
                self._too_late(run, at, f"{at - waiting.until:.1f} s late")
            case Pause():
                run.waiting = None
                if waiting.again is not None:
                    self._act(run, self._current(run), at, tries=waiting.again)
                self.go_on(run, at)
            case Watch(action=action):
                run.waiting = None
                if action.on_timeout == "stop":
                    run.frames = []
                elif isinstance(action.on_timeout, tuple):
                    self._took(run, action, "onTimeout", action.on_timeout, at)
                    self._push(run, action.on_timeout, "onTimeout")
                self.go_on(run, at)
            case Ring():
                run.waiting = None
                if run.origin.asks is None:
                    self._hunt_on(run, at)
                    self.go_on(run, at)
                else:
                    self._finish(run, at)  # the phone system asks no more: somebody has taken the call, or nobody will
            case _:
                assert_never(waiting)

    def answered(self, event: CommandAnswered) -> LiveSession | None:
        """What became of a command. Returns the session whose run waited for it, if one did."""
        delivered = self._deliveries.answered(event)
        if delivered is not None:
            outcome, run = delivered
            if run is None:
                return None
            assert isinstance(run.waiting, Delivery)
            action = run.waiting.action
            run.waiting = None
            if outcome != "confirmed":
                self._failed(run, action, event.at)
            self.go_on(run, event.at)
            return run.origin
        run = self._awaiting.pop(event.command, None)
        if run is None or not isinstance(run.waiting, Attempt):
            return None
        self._went(run, run.waiting, self._attempts.answered(run, run.waiting, event), event.at)
        return run.origin

    def shown(self, event: CommandShown) -> LiveSession | None:
        """What the phone system showed of a command. Returns the session whose run waited for it, if one did."""
        for live in list(self._world.live.values()):
            for run in live.runs or ():
                if isinstance(run.waiting, Attempt) and run.waiting.command.id == event.command:
                    self._went(run, run.waiting, self._attempts.shown(run, run.waiting, event), event.at)
                    return run.origin
        return None

    def settled(self, event: PostSettled) -> None:
        """A webhook was delivered, or given up."""
        self._deliveries.settled(event)

    def asked_again(self, live: LiveSession, at: float) -> None:
        """The phone system asks where a call goes that it has asked about before: who hunts goes on."""
        for run in tuple(live.runs or ()):
            if isinstance(run.waiting, Attempt) and run.waiting.command.question is not None:
                self._went(run, run.waiting, self._attempts.asked_again(run, run.waiting, at), at)
            if isinstance(run.waiting, Ring):
                run.waiting = None
                self._hunt_on(run, at)
                self.go_on(run, at)

    def observe(self, live: LiveSession, at: float) -> tuple[list[LiveSession], set[str]]:
        """A session changed: see what it proves. Returns the origins of the runs that were looked at, and the rules
        whose own command brought the change about.
        """
        looked, caused = [], set()
        for run in tuple(live.chain.runs):
            if run.queued:
                continue
            looked.append(run.origin)
            match run.waiting:
                case Attempt() as attempt:
                    before = attempt.proven
                    outcome = self._attempts.observed(run, attempt, live, at)
                    if live is attempt.session and (outcome == "confirmed" or attempt.proven is not before):
                        caused.add(run.rule.id)
                    self._went(run, attempt, outcome, at)
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
                self._end_before(run, at, "targetGone", f"the session ended as {live.state}")
        return looked, caused

    # --- the steps --------------------------------------------------------------------------------------------------

    def go_on(self, run: Run, at: float) -> None:
        """Takes steps until one has to wait, or none is left."""
        while run.waiting is None and run.frames:
            frame = run.frames[-1]
            if frame.index >= len(frame.actions):
                run.frames.pop()
                continue
            frame.index += 1
            self._act(run, frame.actions[frame.index - 1], at, tries=0)
        if run.waiting is None:
            self._finish(run, at)

    def _act(self, run: Run, action: Action, at: float, tries: int) -> None:
        live = run.session
        match action:
            case Forward() | BlindTransfer() | AttendedTransfer() | PlainMethod() | SendDtmf() | SystemAction():
                self._call(run, action, at, tries)
            case Hunt():
                run.hunted = 0
                self._hunt_on(run, at)
            case Webhook():
                self._deliveries.post(run, action, at)
            case Log(text=text):
                self._world.out.append(WriteLog(run.number, run.rule.id, live.key, fill(text, live, self._world, at)))
            case SetVariables(values=values):
                variables = dict(live.variables or {})
                variables.update({name: fill(text, live, self._world, at) for name, text in values.items()})
                live.variables = variables
                if live is not run.origin:
                    self._world.touched.append(live)
            case Wait(seconds=seconds):
                run.waiting = Pause(at + seconds)
            case WaitFor(states=states, timeout=timeout):
                if live.state not in states:
                    run.waiting = Watch(action, at + timeout)
            case Choose():
                self._choose(run, action, at)
            case Stop():
                run.frames = []
            case _:
                assert_never(action)

    def _call(self, run: Run, action: SessionAction, at: float, tries: int) -> None:
        send, session = self._attempts.send, run.session
        match action:
            case Forward(to=to):
                sent = send(run, action, "forward", at, tries, to=destination(to, session, self._world, at))
            case BlindTransfer(move=move, to=to):
                number = destination(to, session, self._world, at)
                sent = send(run, action, "blindTransfer", at, tries, to=number, party=move)
            case PlainMethod(method=method):
                sent = send(run, action, method, at, tries)
            case SendDtmf(to=party, keys=keys, gap=gap):
                sent = send(run, action, "sendDtmf", at, tries, party=party, key=keys, gap=gap)
            case AttendedTransfer(transferor=transferor):
                other = second_call(transferor, session, self._world)
                refused, held = (None, other.key) if isinstance(other, LiveSession) else (other, None)
                sent = send(run, action, "attendedTransfer", at, tries, party=transferor, to=refused, other=held)
            case SystemAction():
                sent = self._ask_system(run, action, at, tries)
            case _:
                assert_never(action)
        self._left(run, action, sent, at)

    def _ask_system(self, run: Run, action: SystemAction, at: float, tries: int) -> CommandId | None:
        world, session, operation = self._world, run.session, action.operation
        to: str | Stopped | None = None
        if action.to is not None:
            to = destination(action.to, session, world, at, hops=operation in MOVING)
        elif operation == "sendEmail":
            to = recipient(action, session, world, at)
        texts = {name: fill(text, session, world, at) for name, text in action.texts.items()}
        send = self._attempts.send
        over = action.connection
        return send(run, action, operation, at, tries, to=to, party=action.party, arguments=texts, over=over)

    def _left(self, run: Run, action: Sent, sent: CommandId | None, at: float) -> None:
        if sent is None:
            self._failed(run, action, at)
        else:
            self._awaiting[sent] = run

    def _went(self, run: Run, attempt: Attempt, outcome: OutcomeName | None, at: float) -> None:
        """An attempt came to an outcome, or is still open."""
        if outcome is None:
            return
        self._awaiting.pop(attempt.command.id, None)
        run.waiting = None
        action = attempt.action
        if isinstance(action, PlainMethod) and action.method != attempt.command.action:
            self._failed(run, action, at)  # the listener that may have begun is out, and the step has still failed
        elif outcome in DONE:
            self._confirmed(run, attempt, at)
        elif self._attempts.may_retry(attempt, outcome):
            assert action.common.retry is not None, "only what has a retry may retry"
            run.waiting = Pause(at + action.common.retry.delay, attempt.tries + 1)
        elif outcome == "unconfirmed" and attempt.command.action == "startListen":
            self._stop_listener(run, action, at)
        else:
            self._failed(run, action, at)
        self.go_on(run, at)

    def _stop_listener(self, run: Run, action: Sent, at: float) -> None:
        """One that may have begun is not left in the call: the rule itself stops it, else we do."""
        if self._skip_to_undo(run, "startListen"):
            return
        if action.common.on_failure is not None:
            self._failed(run, action, at)
        else:
            self._left(run, action, self._attempts.send(run, action, "stopListen", at, 0), at)

    def _confirmed(self, run: Run, attempt: Attempt, at: float) -> None:
        """A step was done. The run goes where it sent the call; a hunt lets the number ring."""
        run.waiting = None
        if isinstance(attempt.action, Forward | BlindTransfer | Hunt):
            run.follows = True
        if isinstance(attempt.action, Hunt):
            run.waiting = ring_of(run, attempt.action, at)

    def _failed(self, run: Run, action: Sent | Webhook, at: float) -> None:
        """A step came to nothing: the next number of a hunt, ``onFailure``, or the end."""
        asks = run.origin.asks
        if isinstance(action, Hunt) and asks is not None and asks.question is None and asks.answered is not None:
            run.waiting = ring_of(run, action, at)  # it may ring though we did not see it; the next question tells
        elif isinstance(action, Hunt) and not run.session.ended:
            self._hunt_on(run, at)
        elif action.common.on_failure is not None:
            self._took(run, action, "onFailure", action.common.on_failure, at)
            self._push(run, action.common.on_failure, "onFailure")
        elif run.session.ended:
            run.frames = []
        elif run.frames[-1].path[-1:] != ("undo",):  # where one undoing fails the other is done all the same
            run.frames = [undo for frame in run.frames if (undo := _undo(frame)).actions]

    def _skip_to_undo(self, run: Run, *methods: str) -> bool:
        """Goes on where the rule itself undoes what it has begun with one of the methods, if it does."""
        frame = run.frames[-1]
        begun = {action.method for action in frame.actions[: frame.index] if isinstance(action, PlainMethod)}
        begun &= {*methods}
        for index in range(frame.index, len(frame.actions)):
            action = frame.actions[index]
            if isinstance(action, PlainMethod) and UNDOES.get(action.method) in begun:
                frame.index = index
                return True
        return False

    def _choose(self, run: Run, choose: Choose, at: float) -> None:
        """Goes the first way whose condition holds, if one does."""
        live, frame = run.session, run.frames[-1]
        read: Values = {}
        for number, branch in enumerate(choose.branches):
            choice = run.program.choice(run.rule.id, (*frame.path, frame.index - 1, number))
            if choice is not None:
                for path, value in choice.values(live, at, self._world).items():
                    read[f"choose[{number + 1}].{path.removeprefix('choose.')}"] = value
                if choice.test(live, at, self._world) != YES:
                    continue
            way = "else" if choice is None else f"if {number + 1}"
            self._took(run, choose, way, branch.actions, at, read)
            self._push(run, branch.actions, number)
            return
        self._took(run, choose, "none", (), at, read)

    def _took(
        self,
        run: Run,
        at_step: Action,
        branch: str,
        actions: tuple[Action, ...],
        at: float,
        values: Values | None = None,
    ) -> None:
        """Writes down which way the run goes where it might have gone another."""
        live = run.session
        self._world.out.append(
            Chosen(
                at=at,
                decision=run.number,
                rule=run.rule.id,
                session=live.key,
                place=at_step.place,
                branch=branch,
                values=values or {},
                actions=planned(actions, run.number, live, self._world, at, sent=False),
            )
        )

    def _push(self, run: Run, actions: tuple[Action, ...], way: str | int) -> None:
        frame = run.frames[-1]
        run.frames.append(Frame(actions, (*frame.path, frame.index - 1, way)))

    def _current(self, run: Run) -> Action:
        frame = run.frames[-1]
        return frame.actions[frame.index - 1]

    # --- hunting ----------------------------------------------------------------------------------------------------

    def _hunt_on(self, run: Run, at: float) -> None:
        """Rings the next number of the hunt, or goes on with ``onExhausted``."""
        hunt = self._current(run)
        assert isinstance(hunt, Hunt), "a hunt is the step that its run is at until it is over"
        if run.session.state == IN_CALL:
            return
        order = order_of(hunt, run, self._world, at)
        if run.hunted >= len(order):
            self._took(run, hunt, "onExhausted", hunt.on_exhausted, at)
            self._push(run, hunt.on_exhausted, "onExhausted")
            return
        number = destination(Fixed(order[run.hunted], hunt.place), run.session, self._world, at)
        run.hunted += 1
        ring = None if run.origin.asks is None else hunt.ring
        self._left(run, hunt, self._attempts.send(run, hunt, "forward", at, 0, to=number, ring=ring), at)

    def _ring_observed(self, run: Run, live: LiveSession, at: float) -> None:
        """While a number of the hunt rings: answered, or the call is over."""
        asks = run.origin.asks is not None
        if live is not run.session and not asks:
            return
        if asks and live.ended and live.state not in (CANCELLED, CALLER_HUNG_UP):
            return  # the number that rang did not take the call: the phone system will ask what next
        if live.state == IN_CALL:
            run.waiting = None
            self.go_on(run, at)
        elif live.ended and live.state != REDIRECTED:
            self._end_before(run, at, "targetGone", f"the session ended as {live.state}")

    # --- endings ----------------------------------------------------------------------------------------------------

    def _expired(self, run: Run, late: float) -> bool:
        """Whether the next step comes too late to be taken. What undoes our own hold or listening never does."""
        if late <= run.rule.missed_grace or run.rule.on_missed == "fire":
            return False
        upcoming = self._upcoming(run)
        return not (isinstance(upcoming, PlainMethod) and upcoming.method in UNDOES)

    def _upcoming(self, run: Run) -> Action | None:
        if isinstance(run.waiting, Pause) and run.waiting.again is not None:
            return self._current(run)
        for frame in reversed(run.frames):
            if frame.index < len(frame.actions):
                return frame.actions[frame.index]
        return None

    def _too_late(self, run: Run, at: float, error: str) -> None:
        """The next step comes too late. What undoes our own hold or listening is done all the same."""
        upcoming = self._upcoming(run)
        if run.frames and self._skip_to_undo(run, *UNDOES.values()):
            name = None if upcoming is None else _command_name(upcoming)
            if name is not None:
                self._attempts.unsent(run, CommandId(f"{run.number}-{run.steps}"), name, "expired", at, error)
                run.steps += 1
            run.waiting = None
            self.go_on(run, at)
        else:
            self._end_before(run, at, "expired", error)

    def _end_before(self, run: Run, at: float, outcome: OutcomeName, error: str) -> None:
        """Ends a run before its next step, and says what became of that step."""
        upcoming = self._upcoming(run)
        name = None if upcoming is None else _command_name(upcoming)
        if name is not None:
            self._attempts.unsent(run, CommandId(f"{run.number}-{run.steps}"), name, outcome, at, error)
        self._finish(run, at)


def _undo(frame: Frame) -> Frame:
    """What is left of a frame whose present step has failed: the steps that undo a hold or a listening of its own."""
    place = frame.index - 1
    return Frame(undoing(frame.actions, place), (*frame.path, place, "undo"))


def _command_name(action: Action) -> str | None:
    return "webhook" if isinstance(action, Webhook) else operation_of(action)
