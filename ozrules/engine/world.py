"""What the parts of the engine share: the program in force, those that something still refers to, and the state."""

from typing import Literal

from ozrules.engine.index import Entry
from ozrules.engine.program import Program
from ozrules.engine.state import Group, State
from ozrules.rules.condition import Standing, Window


class World(State):
    """The state, and by which rules it is judged. Only the engine and its parts write here, one event at a time."""

    def __init__(self, program: Program, mode: Literal["enforce", "observe"], next_decision: int) -> None:
        super().__init__(mode, next_decision)
        self.retired: dict[tuple[str, str], Entry] = {}
        """Waits of rules that are not in force any more, and that have fired on a session that still lives."""
        self.install(program)

    def install(self, program: Program) -> None:
        """Puts a program in force. What is under way keeps its own, and what that needs is counted on."""
        self.program = program
        self.index = program.index
        self.guard = program.guard
        self.numbers = program.numbers
        self.normal = program.numbers.normal
        self.recount()

    def recount(self) -> None:
        """Counts what the program in force needs, and those that runs began with."""
        windows: dict[Window, Group] = {}
        standing: dict[Standing, Group] = {}
        for each in (self.program, *self.begun_with()):
            windows = each.windows | windows
            standing = each.standing | standing
        self.count(windows, standing)

    def begun_with(self) -> tuple[Program, ...]:
        """The programs that runs began with and that are not in force any more, each once."""
        found = (run.program for live in self.live.values() for run in live.runs or ())
        return tuple(dict.fromkeys(each for each in found if each is not self.program))
