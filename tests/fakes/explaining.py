"""Answers the dashboard's dear questions with what it was asked."""

import json

from ozrules.settings.model import Settings
from ozrules.web.source import NotFound


class Echo:
    """`ozrules.app.dashboard.Explains` that knows every call but ``nobody``."""

    async def call(self, settings: Settings, *, connection: str, session: str, start: str, now: float) -> bytes:
        if session == "nobody":
            raise NotFound("no call nobody is in the recording")
        return json.dumps({"connection": connection, "session": session, "start": start, "now": now}).encode()

    async def week(self, settings: Settings, *, caller: str, callee: str, now: float) -> bytes:
        return json.dumps({"caller": caller, "callee": callee, "now": now}).encode()
