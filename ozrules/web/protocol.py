"""HTTP as it is spoken here: the headers that every answer has, also one to what was no request at all.

aiohttp's own answer to bytes that it cannot read repeats them, names its version, and writes a traceback into the log:
each is more than a stranger should be able to have.
"""

from http import HTTPStatus
from typing import Final

from aiohttp import web

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Server": "ozrules",
}


class Protocol(web.RequestHandler):
    """aiohttp's, but for what it says of mistakes."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what cannot be read, or to a fault of ours: that one is logged."""
        ours = status == HTTPStatus.INTERNAL_SERVER_ERROR
        if ours:
            self.log_exception("a fault in the dashboard", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer is sent already")
        answer = web.Response(
            status=status, text="a fault in ozrules\n" if ours else "this is not a request\n", headers=HEADERS
        )
        answer.force_close()
        return answer


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """For ``on_response_prepare``: every answer has `HEADERS`."""
    response.headers.update(HEADERS)
