"""Asks the HTTP API, one connection for each request, and says of each failure whether the request had left.

A connection that is kept could be closed by the phone system while a command is on its way, and nobody would know
whether it was done; so none is kept, and a name is resolved anew when the phone system has moved. Redirects are not
followed, no proxy is used and nothing is unpacked: the password is for the configured address alone.
"""

import ssl
from typing import Final, Literal, TypeAlias

import aiohttp
import msgspec
from yarl import URL

from ozrules.connectors.ozeki_http.answers import Answer, NotAnAnswer, read, shown
from ozrules.connectors.ozeki_http.requests import Generation, Request, encode
from ozrules.connectors.ozeki_http.xml import MAX_BYTES

OPEN_WITHIN: Final = 5.0
FORM: Final = "application/x-www-form-urlencoded"
HEADERS: Final = {"Accept-Encoding": "identity", "Accept": "application/xml, text/xml", "User-Agent": "ozrules"}

Way: TypeAlias = Literal["post", "get"]


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How a phone system's HTTP API is reached. ``tls`` None: plain HTTP, as the vendor's API is by itself."""

    host: str
    port: int
    generation: Generation
    username: str | None = None
    password: str | None = None
    way: Way = "post"
    tls: ssl.SSLContext | None = None

    @property
    def where(self) -> str:
        """The address as an admin knows it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where commands go: the root, or /api for Ozeki 10."""
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://{self.where}/{'' if self.generation == 'classic' else 'api'}"


class Unreachable(Exception):
    """No answer came; the text says why. ``sent``: the request may have been received, and done."""

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent


class Client:
    """An async context manager: requests can be made as long as it is entered."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._http: aiohttp.ClientSession | None = None
        self._names: aiohttp.TCPConnector | None = None

    async def __aenter__(self) -> "Client":
        self._names = connector = aiohttp.TCPConnector(
            force_close=True,
            limit=64,
            ssl=self._access.tls if self._access.tls is not None else True,
            resolver=aiohttp.ThreadedResolver(),
        )
        self._http = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=HEADERS,
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._http is not None, "it was entered"
        await self._http.close()

    async def ask(self, request: Request, within: float) -> Answer:
        """The answer to a request. Raises Unreachable, NotAnAnswer, and Unsendable before anything is sent."""
        assert self._http is not None, "it was entered"
        access = self._access
        form = encode(request, access.username, access.password)
        url = URL(access.url)
        timeout = aiohttp.ClientTimeout(total=within, connect=min(OPEN_WITHIN, within / 2))
        try:
            async with (
                self._http.post(
                    url, data=form.encode(), headers={"Content-Type": FORM}, timeout=timeout, allow_redirects=False
                )
                if access.way == "post"
                else self._http.get(
                    URL(f"{access.url}?{form}", encoded=True), timeout=timeout, allow_redirects=False
                ) as response
            ):
                return _read(await _body(response), response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(error, within) from None

    def _unreachable(self, error: Exception, within: float) -> Unreachable:
        """One line for an admin: what is wrong with reaching the phone system, and where to look."""
        where = self._access.where
        if self._names is not None:
            self._names.clear_dns_cache()  # it may have moved
        match error:
            case aiohttp.ClientConnectorDNSError():
                return Unreachable(f"{self._access.host} cannot be found: the name does not resolve", sent=False)
            case aiohttp.ClientConnectorCertificateError():
                return Unreachable(f"the certificate of {where} is not trusted: {_certificate(error)}", sent=False)
            case aiohttp.ClientConnectorSSLError():
                return Unreachable(
                    f"no secure connection with {where}: {_certificate(error)}; does it speak TLS on this port?",
                    sent=False,
                )
            case aiohttp.ClientConnectorError():
                return Unreachable(f"cannot reach {where}: {error.strerror or error.os_error}", sent=False)
            case aiohttp.ConnectionTimeoutError():
                return Unreachable(
                    f"{where} cannot be connected to within {min(OPEN_WITHIN, within / 2):g} s", sent=False
                )
            case TimeoutError():
                return Unreachable(f"{where} does not answer within {within:g} s", sent=True)
            case aiohttp.ClientResponseError():
                return Unreachable(f"{where} does not answer in HTTP; is it the right port?", sent=True)
            case _:
                return Unreachable(f"{where} closed the connection without an answer", sent=True)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > MAX_BYTES:
            response.close()
            raise NotAnAnswer(f"more than {MAX_BYTES} bytes")
    return bytes(body)


def _read(body: bytes, response: aiohttp.ClientResponse) -> Answer:
    """The HTTP API answers with status 200 whatever happens; a status can only name what else is there."""
    try:
        return read(body)
    except NotAnAnswer as error:
        server = response.headers.get("Server")
        by = f" from {shown(server[:60])}" if server else ""
        raise NotAnAnswer(f"HTTP status {response.status}{by}: {error}") from None


def _certificate(error: aiohttp.ClientConnectorError) -> str:
    inner = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error.os_error
    if isinstance(inner, ssl.SSLCertVerificationError):
        return inner.verify_message
    return str(getattr(inner, "reason", None) or inner)
