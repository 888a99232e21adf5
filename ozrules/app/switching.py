"""Switches schedules by hand: "closed now", until a time. What an admin asks for, and what ends by itself."""

from datetime import UTC, datetime
from typing import Literal

from ozrules.app.control import Answer, Asked
from ozrules.app.in_force import InForce
from ozrules.app.overrides import Override, Overrides
from ozrules.engine.events import ScheduleSwitched
from ozrules.runtime.inbox import Controlled, Inbox, Who
from ozrules.runtime.ports import Clock


class Switching:
    """Each switch is kept on disk, told to the engine, and on the record with who and when."""

    def __init__(self, *, overrides: Overrides, in_force: InForce, inbox: Inbox, clock: Clock) -> None:
        self._overrides = overrides
        self._in_force = in_force
        self._inbox = inbox
        self._clock = clock

    async def answer(self, asked: Asked, who: Who) -> Answer:
        """Does what is asked; says what is switched where nothing is."""
        if asked.target is None:
            return self._list()
        if asked.to is None:
            return Answer(False, f"say what becomes of {asked.target}: open, closed, or off")
        return await self._switch(asked.target, asked.to, asked.until, who)

    async def lift(self, schedule: str, who: Who) -> Answer:
        """Gives a schedule back to its hours."""
        return await self._switch(schedule, "off", None, who)

    async def _switch(
        self, schedule: str, to: Literal["open", "closed", "off"], until: float | None, who: Who
    ) -> Answer:
        now = self._clock.now()
        wall = now + self._clock.wall_offset()
        args = {"schedule": schedule, "to": to}
        if until is not None:
            args["until"] = _shown(until)
        refused = self._refused(schedule, to, until, wall)
        event = None
        if refused is None:
            opens = None if to == "off" else to == "open"
            kept = None if opens is None else Override(open=opens, until=until, by=who.by, at=wall)
            self._overrides.put(schedule, kept)
            event = ScheduleSwitched(at=now, schedule=schedule, open=opens, until=until)
        await self._inbox.ask(
            lambda done: Controlled(
                at=now, who=who, command="override", args=args, event=event, refused=refused, done=done
            )
        )
        if refused is not None:
            return Answer(False, refused)
        if to == "off":
            return Answer(True, f"{schedule}: back to its hours")
        return Answer(True, f"{schedule}: {to} until {args.get('until', 'it is switched again')}")

    def _refused(self, schedule: str, to: str, until: float | None, wall: float) -> str | None:
        if to == "off":
            return None if schedule in self._overrides.switched else f"{schedule} is not switched by hand"
        known = self._in_force.rules.schedules
        if schedule not in known:
            return f"there is no schedule {schedule!r}; there are: {', '.join(sorted(known)) or 'none'}"
        return None if until is None or until > wall else f"{_shown(until)} is over"

    def _list(self) -> Answer:
        data = shown(self._overrides)
        lines = []
        for one in data:
            until = one["until"] or "it is switched again"
            lines.append(f"{one['schedule']}: {one['to']} until {until}, by {one['by']} at {one['at']}")
        return Answer(True, "\n".join(lines) or "no schedule is switched by hand", data)


def shown(overrides: Overrides) -> list[dict[str, str | None]]:
    """Every schedule that is switched, for people."""
    return [
        {
            "schedule": name,
            "to": "open" if one.open else "closed",
            "until": None if one.until is None else _shown(one.until),
            "by": one.by,
            "at": _shown(one.at),
        }
        for name, one in sorted(overrides.switched.items())
    ]


def _shown(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).astimezone().isoformat(timespec="seconds")
