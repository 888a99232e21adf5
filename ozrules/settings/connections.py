"""Shapes of the five kinds of connections."""

from typing import Final, Literal, TypeAlias

from ozrules.rules.scalars import Choice, Decimal, Duration, Text, Whole, YesNo
from ozrules.rules.shape import INVALID, Invalid, Key, ListOf, Record, Values, Variants
from ozrules.runtime.secret import Secret
from ozrules.settings import values as v
from ozrules.settings.model import (
    Ari,
    AsteriskSettings,
    Bridge,
    ConnectionSettings,
    GatewaySettings,
    Generate,
    MovedParty,
    Notifications,
    OzekiHttpSettings,
    SimulatorSettings,
    WebclientSettings,
)
from ozrules.settings.surroundings import Surroundings

Generation: TypeAlias = Literal["classic", "ozeki10"]
Browser: TypeAlias = Literal["managed", "external"]
Sending: TypeAlias = Literal["post", "get"]

PORT: Final = Whole(1, 65_535)
_HTTP_PORTS: Final[dict[Generation, int]] = {"classic": 7780, "ozeki10": 9509}
_LINE: Final = Text("a text")
_GENERATIONS: Final[tuple[Generation, ...]] = ("classic", "ozeki10")
_SENDINGS: Final[tuple[Sending, ...]] = ("post", "get")
_BROWSERS: Final[tuple[Browser, ...]] = ("managed", "external")
_PARTIES: Final[tuple[MovedParty, ...]] = ("argument", "other")

NAME: Final = Key("name", v.NAME, required=True, help="The connection's name in rules and in the record.")
MOVED: Final[Key[MovedParty]] = Key(
    "movedParty",
    Choice("movedParty", _PARTIES),
    help="Whom blindTransfer moves: the party named in its first argument, or the other one.",
)
ZONE: Final = Key("timezone", v.ZONE, help="Of times that carry none; the host's own where absent.")
SERVER: Final = Key("server", v.HOST, required=True, help="The phone system's address.")


def _type(kind: str) -> Key[str]:
    return Key("type", Choice("type", (kind,)), required=True)


def connection(around: Surroundings) -> Variants[ConnectionSettings]:
    """Any of the kinds, told apart by ``type``."""
    others = around.apart_from_webclients
    return Variants(
        what="a connection: a mapping with name and type",
        tag="type",
        kind="type of connection",
        records={
            "ozeki-webclient": _webclient(around),
            "ozeki-http": _ozeki_http(around.over_which_tokens_come),
            "asterisk": _asterisk(others),
            "gateway": _gateway(others),
            "simulator": _SIMULATOR,
        },
    )


def _webclient(around: Surroundings) -> Record[ConnectionSettings]:
    secret = v.SecretShape(around)
    script = Key("script", v.url("http", "https"), help="The vendor's script; from server where absent.")
    token: Key[Secret | Generate] = Key(
        "token",
        v.TokenShape(v.SecretShape(around, stays=False)),
        help="The security token, or a webphone extension's id.",
    )
    password = Key("password", secret, help="Webphone extensions only.")
    browser: Key[Browser] = Key("browser", Choice("browser", _BROWSERS), help="external: ozrules webclient runs apart.")
    bridge_listen = Key("listen", v.ADDRESS, required=True)
    bridge_token = Key("token", secret, required=True)
    bridge = Key(
        "bridge",
        Record(
            "a mapping with listen and token",
            (bridge_listen, bridge_token),
            lambda values: Bridge(values[bridge_listen], values[bridge_token]),
        ),
        help="Where page and daemon meet; made up where both are one.",
    )

    def build(values: Values) -> WebclientSettings | Invalid:
        if token not in values:
            # the vendor's connect() needs one always: https://ozekiphone.com, "connect method" (p_5013)
            values.findings.error(
                "missing-key", values.node, "A token is missing here: a security token, or a webphone extension's id."
            )
            return INVALID
        if values.get(browser) == "external" and bridge not in values:
            values.findings.error(
                "missing-key", values.at(browser), "A browser that runs apart needs a bridge: {listen, token}."
            )
            return INVALID
        server = values[SERVER]
        host = f"[{server}]" if ":" in server else server
        return WebclientSettings(
            name=values[NAME],
            server=server,
            script=values.get(script, f"http://{host}:7777/WebphoneAPI"),
            token=values[token],
            password=values.get(password),
            moved_party=values.get(MOVED),
            timezone=values.get(ZONE, around.zone),
            bridge=values.get(bridge),
            browser=values.get(browser, "managed"),
        )

    keys = (_type("ozeki-webclient"), NAME, SERVER, script, token, password, MOVED, ZONE, bridge, browser)
    return Record("an ozeki-webclient connection", keys, build)


def _ozeki_http(around: Surroundings) -> Record[ConnectionSettings]:
    port = Key("port", PORT, help="7780, or 9509 for ozeki10, where absent.")
    generation: Key[Generation] = Key("generation", Choice("generation", _GENERATIONS))
    username = Key("username", _LINE, help="Only where the phone system asks for it.")
    password = Key("password", v.SecretShape(around))
    listen = Key("listen", v.ADDRESS, required=True)
    allow = Key("allow", ListOf(v.NETWORK, least=1), required=True, help="Where notifications may come from.")
    deadline = Key("deadline", Duration(least=0.05, most=30.0), help="For an answer about routing; 500ms where absent.")
    notifications = Key(
        "notifications",
        Record(
            "a mapping with listen and allow",
            (listen, allow, deadline),
            lambda values: Notifications(values[listen], values[allow], values.get(deadline, 0.5)),
        ),
    )
    method: Key[Sending] = Key(
        "method", Choice("method", _SENDINGS), help="get puts the password into addresses, which are logged."
    )
    tls = Key("tls", YesNo(), help="Only where the phone system, or what stands before it, speaks HTTPS.")
    ring_time = Key(
        "ringTime", Duration(least=1.0, most=3600.0), help="How long it lets a phone ring before it says Busy."
    )
    extension = Key("apiExtension", _LINE, help="What makes calls and sends texts where a rule names none.")
    watch = Key("watch", YesNo(), help="false: its calls are seen over another connection, and not here.")
    outside_line = Key("outsideLine", _LINE, help="By which line a call goes that a rule routes outside.")

    def build(values: Values) -> OzekiHttpSettings:
        kind: Generation = values.get(generation, _GENERATIONS[0])
        return OzekiHttpSettings(
            name=values[NAME],
            server=values[SERVER],
            port=values.get(port, _HTTP_PORTS[kind]),
            generation=kind,
            username=values.get(username),
            password=values.get(password),
            moved_party=values.get(MOVED),
            timezone=values.get(ZONE, around.zone),
            notifications=values.get(notifications),
            method=values.get(method, "post"),
            tls=values.get(tls, False),
            ring_time=values.get(ring_time),
            outside_line=values.get(outside_line),
            watch=values.get(watch, True),
            api_extension=values.get(extension),
        )

    keys = (_type("ozeki-http"), NAME, SERVER, port, generation, username, password, MOVED, ZONE, notifications)
    return Record("an ozeki-http connection", (*keys, method, tls, ring_time, outside_line, extension, watch), build)


def _asterisk(around: Surroundings) -> Record[ConnectionSettings]:
    secret = v.SecretShape(around)
    host = Key("host", v.HOST, required=True)
    port = Key("port", PORT, help="5038, or 5039 with tls, where absent.")
    username = Key("username", _LINE, required=True)
    password = Key("password", secret, required=True)
    tls = Key("tls", YesNo())
    context = Key("context", _LINE, help="Where numbers are dialled; from-internal where absent.")
    hold = Key("holdExtension", v.LINE_OR_NULL, help="Parking, where ARI is absent.")
    supervisor = Key("supervisor", v.LINE_OR_NULL, help="The endpoint that startListen calls.")
    trunks = Key("trunks", ListOf(_LINE), help="Patterns of the endpoints that lead outside.")
    phones = Key("phones", ListOf(_LINE), help="Patterns of the office's own phones; all others are outside.")
    url = Key("url", v.url("http", "https"), required=True)
    app = Key("app", v.NAME)
    ari = Key(
        "ari",
        Record(
            "a mapping with url, app, username and password",
            (url, app, username, password),
            lambda values: Ari(values[url], values.get(app, "ozrules"), values[username], values[password]),
        ),
    )

    def build(values: Values) -> AsteriskSettings:
        encrypted = values.get(tls, False)
        return AsteriskSettings(
            name=values[NAME],
            host=values[host],
            port=values.get(port, 5039 if encrypted else 5038),
            username=values[username],
            password=values[password],
            tls=encrypted,
            context=values.get(context, "from-internal"),
            hold_extension=values.get(hold),
            supervisor=values.get(supervisor),
            trunks=values.get(trunks, ("PJSIP/trunk-*",)),
            phones=values.get(phones, ()),
            ari=values.get(ari),
        )

    reached = (_type("asterisk"), NAME, host, port, username, password, tls)
    keys = (*reached, context, hold, supervisor, trunks, phones, ari)
    return Record("an asterisk connection", keys, build)


def _gateway(around: Surroundings) -> Record[ConnectionSettings]:
    url = Key("url", v.url("ws", "wss"), help="Connect to a gateway.")
    listen = Key("listen", v.ADDRESS, help="Let the gateway come.")
    token = Key("token", v.SecretShape(around))

    def build(values: Values) -> GatewaySettings | Invalid:
        if (url in values) == (listen in values):
            values.findings.error("missing-key", values.node, "A gateway has either a url or a listen.")
            return INVALID
        if listen in values and token not in values:
            values.findings.error("missing-key", values.at(listen), "A gateway may come only with a token.")
            return INVALID
        way = values[url] if url in values else values[listen]
        return GatewaySettings(
            name=values[NAME],
            way=way,
            token=values.get(token),
            moved_party=values.get(MOVED),
            timezone=values.get(ZONE, around.zone),
        )

    return Record("a gateway connection", (_type("gateway"), NAME, url, listen, token, MOVED, ZONE), build)


_CALLS: Final = Key("calls", Whole(1), help="Ends after so many; for ever where absent.")
_RATE: Final = Key("rate", Decimal(0.001, 10_000), help="Calls a minute.")
_SEED: Final = Key("seed", Whole())


def _simulator(values: Values) -> SimulatorSettings:
    return SimulatorSettings(
        name=values[NAME], calls=values.get(_CALLS), rate=values.get(_RATE, 12.0), seed=values.get(_SEED, 1)
    )


_SIMULATOR: Final[Record[ConnectionSettings]] = Record(
    "a simulator connection", (_type("simulator"), NAME, _CALLS, _RATE, _SEED), _simulator
)
