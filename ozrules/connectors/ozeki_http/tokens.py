"""Security tokens for web clients: asked for over the HTTP API of the classic generation.

The vendor's example (github.com/ozekiltd/How-to-link-a-VoIP-phone-to-a-website-using-Javascript) shows the command, its
AuthXml and that the token stands between ``SecurityToken`` tags; its life is one day where nothing else is said. How to
say something else is not documented.
"""

import re
from typing import Final

from ozrules.connectors.ozeki_http.answers import ACCESS, OK, NotAnAnswer, in_words
from ozrules.connectors.ozeki_http.client import Access, Client, Unreachable
from ozrules.connectors.ozeki_http.requests import Request, Unsendable

WITHIN: Final = 10.0
_TOKEN: Final = re.compile(r"[!-~]{1,256}")


class NoToken(Exception):
    """The phone system gave no token; the text says why. ``denied``: it does not want this user, or this address."""

    def __init__(self, why: str, *, denied: bool = False) -> None:
        super().__init__(why)
        self.denied = denied


def request_for(*, modify: bool) -> Request:
    """The request for a token. ``modify``: its holder may change sessions, and not only watch them."""
    allowed = f"<AllowSessionModification>{modify}</AllowSessionModification>"
    return Request(
        "GenerateSecurityToken", (("AuthXml", f'<?xml version="1.0"?><SecurityToken>{allowed}</SecurityToken>'),)
    )


async def generate(access: Access, *, modify: bool) -> str:
    """A new token. Raises NoToken."""
    try:
        async with Client(access) as client:
            answer = await client.ask(request_for(modify=modify), WITHIN)
    except (Unreachable, NotAnAnswer, Unsendable) as error:
        raise NoToken(str(error)) from error
    if answer.code != OK:
        raise NoToken(in_words(answer), denied=answer.code in ACCESS)
    found = {each.text for each in answer.root.walk() if each.name.lower() == "securitytoken" and each.text}
    if len(found) != 1 or _TOKEN.fullmatch(token := found.pop()) is None:
        raise NoToken("the phone system answers 200, but there is no token in its answer")
    return token
