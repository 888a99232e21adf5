"""The configuration file to `Settings`: read like rule files, with the same positioned diagnostics."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from ozrules.rules.diagnostics import Findings, Related
from ozrules.rules.document import ListNode, MapNode, Node, Source, parse
from ozrules.rules.quoting import shown
from ozrules.rules.scalars import Choice, Duration, Text, Whole, YesNo
from ozrules.rules.shape import (
    INVALID,
    Converted,
    Invalid,
    Key,
    ListOf,
    OneOrMany,
    Pairs,
    Record,
    Schema,
    Values,
    document_schema,
)
from ozrules.runtime.secret import Secret
from ozrules.settings import values as v
from ozrules.settings.connections import connection
from ozrules.settings.model import (
    AlertSettings,
    ConnectionSettings,
    Generate,
    LogSettings,
    OzekiHttpSettings,
    Retention,
    Settings,
    WebclientSettings,
    WebhookSettings,
    WebSettings,
)
from ozrules.settings.surroundings import Surroundings

Mode: TypeAlias = Literal["enforce", "observe"]
Format: TypeAlias = Literal["auto", "console", "json", "journal"]
Level: TypeAlias = Literal["debug", "info", "warning", "error"]
Decisions: TypeAlias = Literal["matched", "all"]

_MODES: Final[tuple[Mode, ...]] = get_args(Mode)
_FORMATS: Final[tuple[Format, ...]] = get_args(Format)
_LEVELS: Final[tuple[Level, ...]] = get_args(Level)
_DECISIONS: Final[tuple[Decisions, ...]] = get_args(Decisions)
_LONG: Final = 100 * 366 * 86_400.0


def load(
    path: Path,
    data: bytes,
    environment: Mapping[str, str],
    *,
    with_secrets: bool = True,
    webclients_only: bool = False,
) -> Settings:
    """The settings in ``data``, the bytes of the file at ``path``.

    Without ``with_secrets`` the file is read where its secrets are not, to be checked; ``webclients_only`` reads the
    secrets of ozeki-webclient connections alone. Raises DocumentInvalid with every finding at once.
    """
    findings = Findings()
    file = Path(os.path.abspath(path))  # noqa: PTH100  # no links followed
    around = Surroundings(file, environment, with_secrets, webclients_only)
    node = parse(Source(str(path), data), findings)
    settings = INVALID if node is None else _shape(around).read(node, findings)
    findings.raise_errors()
    assert settings is not INVALID  # an invalid value has left an error among the findings
    return msgspec.structs.replace(settings, file=str(path), warnings=findings.all)


def schema() -> Schema:
    """The JSON Schema of a configuration file."""
    connection = {
        "name": "office",
        "type": "ozeki-webclient",
        "server": "192.168.115.131",
        "token": {"credential": "ozeki-token"},
    }
    example = {"ozrules": 1, "connections": [connection], "rules": ["/etc/ozrules/rules.d/*.yaml"], "mode": "observe"}
    shape = _shape(Surroundings(Path("/etc/ozrules/ozrules.yaml"), {}))
    return document_schema(shape, "An ozrules configuration", example)


def _shape(around: Surroundings) -> Record[Settings]:
    secret = v.SecretShape(around.apart_from_webclients)
    version = Key("ozrules", Whole(1, 1), required=True, help="The version of this form: 1.")
    listed: ListOf[ConnectionSettings] = ListOf(connection(around), least=1)
    connections = Key(
        "connections",
        Converted(listed, _check_connections),
        required=True,
        help="The phone systems.",
    )
    rules = Key("rules", OneOrMany(v.files(around)), help="Rule files and patterns; rules.d/*.yaml where absent.")
    mode: Key[Mode] = Key("mode", Choice("mode", _MODES), help="observe: decide and log, send nothing.")
    state = Key("state", v.path(around), help="The directory for what must survive.")
    control = Key("control", v.path(around), help="The socket of the commands.")
    log = Key("log", _LOG)
    web = Key("web", _web(secret), help="Dashboard, metrics, health; off where absent.")
    webhooks = Key("webhooks", _webhooks(secret))
    alerts = Key("alerts", _ALERTS, help="Whom to tell when a connection, the journal or the rules fail.")
    secrets = Key("secrets", Pairs("names with secrets", secret), help="Names that rules may use.")
    retention = Key("retention", _RETENTION)

    def build(values: Values) -> Settings:
        state_path = Path(values.get(state, str(around.state)))
        control_path = values.get(control, str((around.runtime or state_path) / "control"))
        return Settings(
            file="",
            connections=values[connections],
            rules=values.get(rules, (str(around.directory / "rules.d" / "*.yaml"),)),
            mode=values.get(mode, "enforce"),
            state=state_path,
            control=Path(control_path),
            log=values.get(log, LogSettings()),
            web=values.get(web),
            webhooks=values.get(webhooks, WebhookSettings()),
            alerts=values.get(alerts),
            secrets={key.text: value for key, value in values.get(secrets, ())},
            retention=values.get(retention, Retention()),
        )

    keys = (version, connections, rules, mode, state, log, web, webhooks, alerts, secrets, retention, control)
    return Record("a configuration: ozrules: 1, connections, …", keys, build)


def _check_connections(
    found: tuple[ConnectionSettings, ...], node: Node, findings: Findings
) -> tuple[ConnectionSettings, ...] | Invalid:
    assert isinstance(node, ListNode)  # the list that was read
    before = findings.errors
    first: dict[str, Node] = {}
    kinds = {one.name: one for one in found}
    for one, item in zip(found, node.items, strict=True):
        assert isinstance(item, MapNode)  # a connection was read from it
        name = item.get("name") or item
        if one.name in first:
            findings.error(
                "duplicate-name",
                name,
                f"There are two connections named {shown(one.name)}.",
                related=(Related(first[one.name].place, "first given here"),),
            )
        first.setdefault(one.name, name)
        if isinstance(one, WebclientSettings) and isinstance(one.token, Generate):
            of = one.token.connection
            over = kinds.get(of)
            if not isinstance(over, OzekiHttpSettings):
                findings.error(
                    "unknown-connection",
                    item.get("token") or item,
                    f"A token can be generated over an ozeki-http connection only, and none is named {shown(of)}.",
                )
            elif over.generation != "classic":
                findings.error(
                    "unknown-connection",
                    item.get("token") or item,
                    f"Ozeki 10 documents no way to generate a token, and {shown(of)} is one.",
                    suggestion="Make a token in the phone system's interface, and give it as {credential: NAME}.",
                )
    _seen_twice(found, node, findings)
    return found if findings.errors == before else INVALID


def _seen_twice(found: tuple[ConnectionSettings, ...], node: ListNode, findings: Findings) -> None:
    """Rules would act twice on the calls of a phone system that two connections watch."""
    watching: dict[str, str] = {}
    for one, item in zip(found, node.items, strict=True):
        match one:
            case WebclientSettings(server=server):
                pass
            case OzekiHttpSettings(server=server, watch=True):
                pass
            case _:
                continue
        other = watching.setdefault(server.lower(), one.name)
        if other != one.name:
            findings.error(
                "seen-twice",
                item,
                f"{shown(other)} and {shown(one.name)} see the same calls ({server}), so rules would act twice.",
                suggestion="Say watch: false on the ozeki-http connection, if it is for tokens, messages and routing.",
            )


def _log_shape() -> Record[LogSettings]:
    form: Key[Format] = Key("format", Choice("format", _FORMATS))
    level: Key[Level] = Key("level", Choice("level", _LEVELS))
    decisions: Key[Decisions] = Key(
        "decisions", Choice("decisions", _DECISIONS), help="all: a line on every event too."
    )
    pseudonyms = Key("pseudonyms", YesNo(), help="Numbers are shown shortened.")

    def build(values: Values) -> LogSettings:
        usual = LogSettings()
        return LogSettings(
            format=values.get(form, usual.format),
            level=values.get(level, usual.level),
            decisions=values.get(decisions, usual.decisions),
            pseudonyms=values.get(pseudonyms, usual.pseudonyms),
        )

    return Record("a mapping with format, level, decisions, pseudonyms", (form, level, decisions, pseudonyms), build)


def _retention_shape() -> Record[Retention]:
    span = Duration(least=3600.0, most=_LONG, days=True, what="a duration such as 90d")
    decisions = Key("decisions", span, help="The decision record.")
    sessions = Key("sessions", span, help="Recorded sessions.")

    def build(values: Values) -> Retention:
        usual = Retention()
        return Retention(
            decisions=values.get(decisions, usual.decisions), sessions=values.get(sessions, usual.sessions)
        )

    return Record("a mapping with decisions and sessions", (decisions, sessions), build)


def _alerts_shape() -> Record[AlertSettings]:
    url = Key("url", v.url("http", "https"), required=True, help="Where the message goes, signed like webhooks.")
    after = Key("after", Duration(least=1.0, most=86_400.0), help="What is well again sooner is not told; 30s.")

    def build(values: Values) -> AlertSettings:
        return AlertSettings(url=values[url], after=values.get(after, 30.0))

    return Record("a mapping with url and after", (url, after), build)


_ALERTS: Final = _alerts_shape()
_LOG: Final = _log_shape()
_RETENTION: Final = _retention_shape()


def _web(secret: v.SecretShape) -> Record[WebSettings]:
    listen = Key("listen", v.ADDRESS, required=True)
    token = Key("token", secret, required=True)
    hosts = Key("hosts", ListOf(Text("a host name")), help="Further names it may be asked for under.")

    def build(values: Values) -> WebSettings:
        address = values[listen]
        named = values.get(hosts, ())
        if not v.is_loopback(address.host):
            # who means it says what the page is called there; who does not has made a mistake
            found = values.findings.warning if named else values.findings.error
            found(
                "open-to-the-network",
                values.at(listen),
                f"Others than this host can reach {address}, and nothing is encrypted there.",
                suggestion="Listen on 127.0.0.1, and put a proxy with TLS before it; or name under `hosts` what it is"
                " called there.",
            )
        return WebSettings(address, values[token], named)

    return Record("a mapping with listen, token, hosts", (listen, token, hosts), build)


def _webhooks(secret: v.SecretShape) -> Record[WebhookSettings]:
    allow = Key("allow", ListOf(v.URL_PREFIX), required=True, help="What a webhook's URL begins with.")
    addresses = Key("addresses", ListOf(v.NETWORK), help="Inner networks that a host's name may lead to.")
    signing: Key[Secret] = Key("secret", secret, help="Signs each webhook (Standard Webhooks).")
    expire = Key("expire", Duration(least=1.0, most=_LONG, days=True), help="How long delivery is tried.")

    def build(values: Values) -> WebhookSettings:
        return WebhookSettings(
            allow=values[allow],
            addresses=values.get(addresses, ()),
            secret=values.get(signing),
            expire=values.get(expire, WebhookSettings().expire),
        )

    return Record("a mapping with allow, addresses, secret, expire", (allow, addresses, signing, expire), build)
