"""The configuration of the contract, whole; what a file may leave out; what is refused, and where."""

import contextlib
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ozrules.rules.diagnostics import DocumentInvalid
from ozrules.runtime.secret import Secret
from ozrules.settings.configuration import load, schema
from ozrules.settings.model import (
    Address,
    AsteriskSettings,
    GatewaySettings,
    Generate,
    OzekiHttpSettings,
    Settings,
    SimulatorSettings,
    WebclientSettings,
)

FULL = (Path(__file__).parent / "full.yaml").read_bytes()
SMALL = b"""\
ozrules: 1
connections:
  - {name: lab, type: simulator}
"""
SYSTEM = Path("/etc/ozrules/ozrules.yaml")


def _load(data: bytes, path: Path = SYSTEM, /, **environment: str) -> Settings:
    return load(path, data, environment)


def _errors(data: bytes, path: Path = SYSTEM, **environment: str) -> list[str]:
    with pytest.raises(DocumentInvalid) as caught:
        load(path, data, environment)
    return [f"{one.place.line}:{one.place.column} {one.code}" for one in caught.value.diagnostics]


def test_the_whole_configuration_is_read(tmp_path: Path) -> None:
    names = ("ozeki-password", "branch-password", "manager-password", "ari-password", "web-token", "hook-secret")
    for name in (*names, "door-pin"):
        (tmp_path / name).write_text(f"value of {name}\n")
    settings = _load(FULL, CREDENTIALS_DIRECTORY=str(tmp_path), OZ_BRIDGE="b", GATEWAY_TOKEN="g")
    office, lab, branch, pbx = settings.connections
    assert isinstance(office, WebclientSettings)
    assert office.token == Generate("branch")
    assert office.password == Secret("value of ozeki-password")
    assert office.bridge is not None
    assert office.bridge.listen == Address("127.0.0.1", 8790)
    assert isinstance(lab, GatewaySettings)
    assert (lab.way, lab.token) == ("ws://127.0.0.1:8791/", Secret("g"))
    assert isinstance(branch, OzekiHttpSettings)
    assert branch.notifications is not None
    assert branch.notifications.allow == ("192.168.116.10/32",)
    assert isinstance(pbx, AsteriskSettings)
    assert pbx.hold_extension is None
    assert pbx.ari is not None
    assert settings.web is not None
    assert settings.secrets == {"doorPin": Secret("value of door-pin")}
    assert settings.retention.decisions == 90 * 86_400
    assert settings.webhooks.expire == 86_400
    assert settings.control == Path("/run/ozrules/control")
    assert settings.warnings == ()


def test_a_small_one_is_filled_with_defaults(tmp_path: Path) -> None:
    settings = _load(SMALL, tmp_path / "ozrules.yaml", HOME="/home/anna")
    assert settings.connections == (SimulatorSettings(name="lab", calls=None, rate=12.0, seed=1),)
    assert settings.rules == (str(tmp_path / "rules.d/*.yaml"),)
    assert settings.mode == "enforce"
    assert settings.state == Path("/home/anna/.local/state/ozrules")
    assert settings.control == settings.state / "control"
    assert settings.web is None


@pytest.mark.parametrize(
    ("environment", "state", "control"),
    [
        ({}, "/var/lib/ozrules", "/run/ozrules/control"),
        ({"STATE_DIRECTORY": "/s:/t", "RUNTIME_DIRECTORY": "/r"}, "/s", "/r/control"),
    ],
)
def test_a_system_service_has_its_directories(environment: dict[str, str], state: str, control: str) -> None:
    settings = load(SYSTEM, SMALL, environment)
    assert (str(settings.state), str(settings.control)) == (state, control)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    data = SMALL + b"rules: [mine/*.yaml, ../shared.yaml, $RULES/a.yaml]\nstate: state\n"
    settings = _load(data, tmp_path / "conf" / "ozrules.yaml", RULES="/srv")
    assert settings.rules == (f"{tmp_path}/conf/mine/*.yaml", f"{tmp_path}/shared.yaml", "/srv/a.yaml")
    assert settings.state == tmp_path / "conf" / "state"


@pytest.mark.parametrize(
    ("line", "errors"),
    [
        ("conections: []", ["2:1 unknown-key"]),
        ("connections: []", ["2:14 empty-list"]),
        ("connections: [{name: a, type: ozeki}]", ["2:31 unknown-value"]),
        ("connections: [{name: a, type: gateway}]", ["2:15 missing-key"]),
        ("connections: [{name: a, type: gateway, url: 'http://x/'}]", ["2:45 bad-url"]),
        ("connections: [{name: a, type: gateway, listen: '1.2.3.4:99999', token: {env: T}}]", ["2:48 bad-address"]),
        ("connections: [{name: a, type: gateway, listen: '127.0.0.1:8790'}]", ["2:48 missing-key"]),
        ("connections: [{name: a, type: ozeki-webclient, server: pbx}]", ["2:15 missing-key"]),
        (
            "connections: [{name: a, type: ozeki-webclient, server: p, token: {generate: b}}]",
            ["2:66 unknown-connection"],
        ),
        (
            "connections: [{name: a, type: ozeki-webclient, server: p, token: {env: T}, browser: external}]",
            ["2:85 missing-key"],
        ),
        ("connections: [{name: a, type: simulator}, {name: a, type: simulator}]", ["2:50 duplicate-name"]),
        ("connections: [{name: a, type: simulator}]\nmode: obey", ["3:7 unknown-value"]),
        ("connections: [{name: a, type: simulator}]\nretention: {decisions: 90}", ["3:24 bad-duration"]),
        ("connections: [{name: a, type: simulator}]\nstate: $NOWHERE/x", ["3:8 unset-variable"]),
        ("connections: [{name: a, type: simulator}]\nrules: [rules.d/**.yaml]", ["3:9 bad-pattern"]),
        ("connections: [{name: a, type: simulator}]\nweb: {listen: 127.0.0.1:1}", ["3:6 missing-key"]),
        ("connections: [{name: a, type: simulator}]\nwebhooks: {allow: [https://crm.example]}", ["3:20 open-prefix"]),
        ("connections: [{name: a, type: simulator}]\nwebhooks: {allow: ['file:///etc/']}", ["3:20 bad-url"]),
        ("connections: [{name: a, type: simulator}]\nwebhooks: {allow: ['http://u:p@h/']}", ["3:20 secret-in-url"]),
        ("connections: [{name: a, type: simulator}]\nsecrets: {x: {env: NOPE}}", ["3:20 no-secret"]),
        ("connections: [{name: a, type: simulator}]\nsecrets: {x: {vault: NOPE}}", ["3:15 unknown-key"]),
        ("connections: [{name: a, type: ozeki-http, server: p, timezone: Mars}]", ["2:64 unknown-timezone"]),
    ],
)
def test_what_is_wrong_is_said_with_its_place(line: str, errors: list[str]) -> None:
    assert _errors(f"ozrules: 1\n{line}\n".encode(), T="t") == errors


def test_what_is_doubtful_is_a_warning() -> None:
    data = SMALL + b"web: {listen: 0.0.0.0:8780, token: letmein, hosts: [phones.example]}\n"
    assert [one.code for one in _load(data).warnings] == ["open-to-the-network", "plain-secret"]


@pytest.mark.fault(97)
@pytest.mark.parametrize("listen", ["0.0.0.0:8780", "192.168.1.5:8780", "'[::]:8780'"])
def test_a_page_for_the_whole_network_is_no_accident(listen: str) -> None:
    """Who means it names what the page is called there; else it is refused, and nothing listens."""
    data = SMALL + f"web: {{listen: {listen}, token: {{env: T}}}}\n".encode()
    assert [one.split()[1] for one in _errors(data, T="t")] == ["open-to-the-network"]


@pytest.mark.fault(99)
def test_no_secret_is_in_any_message() -> None:
    data = SMALL + b"web: {listen: 127.0.0.1:8780, token: letmein}\nsecrets: {pin: {env: PIN}}\n"
    settings = _load(data, PIN="hunter2")
    assert "letmein" not in f"{settings!r} {settings} {settings.warnings!r}"
    assert "hunter2" not in f"{settings!r} {settings}"


@pytest.mark.fault(102)
@pytest.mark.parametrize(("mode", "errors"), [(0o640, []), (0o644, ["4:21 no-secret"])])
def test_a_secret_that_everybody_can_read_is_refused(tmp_path: Path, mode: int, errors: list[str]) -> None:
    (tmp_path / "pin").write_text("hunter2\n")
    (tmp_path / "pin").chmod(mode)
    data = SMALL + b"secrets: {x: {file: pin}}\n"
    if errors:
        assert _errors(data, tmp_path / "ozrules.yaml") == errors
    else:
        assert _load(data, tmp_path / "ozrules.yaml").secrets == {"x": Secret("hunter2")}


@pytest.mark.parametrize("content", [None, "", "\n", "x" * 70_000, b"\xff\xfe"])
def test_a_secret_file_that_holds_none_is_refused(tmp_path: Path, content: str | bytes | None) -> None:
    if content is not None:
        (tmp_path / "pin").write_bytes(content if isinstance(content, bytes) else content.encode())
        (tmp_path / "pin").chmod(0o600)
    assert _errors(SMALL + b"secrets: {x: {file: pin}}\n", tmp_path / "ozrules.yaml") == ["4:21 no-secret"]


def test_a_file_can_be_checked_where_its_secrets_are_not() -> None:
    assert load(SYSTEM, FULL, {}, with_secrets=False).secrets == {"doorPin": Secret("")}


def test_the_schema_knows_the_whole_configuration() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    document = yaml.safe_load(FULL)
    jsonschema.validate(document, schema())
    document["connections"][0]["sever"] = "x"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema())


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_text_is_read_or_refused_with_its_place(data: bytes) -> None:
    with contextlib.suppress(DocumentInvalid):
        load(SYSTEM, data, {})


def test_the_browser_process_needs_the_secrets_of_its_own_connections_alone(tmp_path: Path) -> None:
    (tmp_path / "ozeki-password").write_text("p")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path), "OZ_BRIDGE": "b"}
    settings = load(SYSTEM, FULL, environment, webclients_only=True)
    office = settings.connections[0]
    assert isinstance(office, WebclientSettings)
    assert office.password == Secret("p")
    assert settings.secrets["doorPin"] == Secret("")


def test_a_webphone_extension_needs_its_id_as_token() -> None:
    data = b"ozrules: 1\nconnections: [{name: a, type: ozeki-webclient, server: p, password: x}]"
    assert "2:15 missing-key" in _errors(data)


def test_a_token_is_generated_over_a_classic_http_connection_alone() -> None:
    text = (
        "ozrules: 1\nconnections:\n"
        "  - {{name: office, type: ozeki-webclient, server: pbx, token: {{generate: branch{life}}}}}\n"
        "  - {{name: branch, type: {kind}}}\n"
    )
    classic = text.format(life="", kind="ozeki-http, server: other").encode()
    office = load(SYSTEM, classic, {}).connections[0]
    assert isinstance(office, WebclientSettings)
    assert office.token == Generate("branch", 86_400.0)
    short = load(SYSTEM, text.format(life=", life: 12h", kind="ozeki-http, server: other").encode(), {}).connections[0]
    assert isinstance(short, WebclientSettings)
    assert short.token == Generate("branch", 43_200.0)
    assert "3:63 unknown-connection" in _errors(text.format(life="", kind="simulator").encode())
    ten = text.format(life="", kind="ozeki-http, server: other, generation: ozeki10").encode()
    assert "3:63 unknown-connection" in _errors(ten)


def test_two_connections_never_see_the_same_calls() -> None:
    text = (
        "ozrules: 1\nconnections:\n"
        "  - {{name: office, type: ozeki-webclient, server: PBX, token: {{env: T}}}}\n"
        "  - {{name: branch, type: ozeki-http, server: pbx{watch}}}\n"
    )
    environment = {"T": "t"}
    with pytest.raises(DocumentInvalid, match="see the same calls"):
        load(SYSTEM, text.format(watch="").encode(), environment)
    assert len(load(SYSTEM, text.format(watch=", watch: false").encode(), environment).connections) == 2
