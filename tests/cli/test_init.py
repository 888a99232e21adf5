"""The first configuration: written whole or not at all, read by the daemon's own readers, and tried at once."""

import io
from pathlib import Path

import pytest

from ozrules.cli.init import country_of
from ozrules.cli.main import main
from ozrules.connectors.simulator import Behaviour
from ozrules.rules import loader
from ozrules.rules.document import Source
from ozrules.settings import configuration
from ozrules.settings.first_files import NEEDS, Kind, Wanted, configuration_text, drop_in_text, rules_text
from tests.e2e.stage import TOKEN, ozrules, phones

SECRET = "first-secret-77ab"


def wanted(kind: Kind, *, as_service: bool = False, country: str | None = "HU") -> Wanted:
    return Wanted(
        name="office",
        kind=kind,
        server="ws://192.168.1.10:8791/" if kind == "gateway" else "192.168.1.10",
        username='o"zrules: {',
        secret="secret" in NEEDS[kind],
        as_service=as_service,
        country=country,
        timezone="Europe/Budapest",
        desk="2000",
    )


@pytest.mark.parametrize("kind", NEEDS)
@pytest.mark.parametrize("as_service", [True, False])
@pytest.mark.parametrize("country", ["HU", None])
def test_what_is_written_is_right_and_only_observes(kind: Kind, as_service: bool, country: str | None) -> None:
    asked = wanted(kind, as_service=as_service, country=country)
    path = Path("/etc/ozrules/ozrules.yaml")
    settings = configuration.load(path, configuration_text(asked).encode(), {}, with_secrets=False)
    assert settings.mode == "observe"
    assert [one.name for one in settings.connections] == ["office"]
    assert settings.warnings == ()
    rules = loader.load([Source("first.yaml", rules_text(asked).encode())])
    assert [rule.id for rule in rules.rules] == ["nobody-answers", "after-hours"]
    drop_in = drop_in_text(asked, ("192.168.1.10",))
    assert drop_in.startswith("[Service]\nIPAddressAllow=192.168.1.10\n")
    assert drop_in.count("LoadCredential=") == asked.secret + asked.has_bridge


@pytest.mark.parametrize(("zone", "country"), [("Europe/Budapest", "HU"), ("Europe/Berlin", None), ("UTC", None)])
def test_a_time_zone_tells_its_country_where_it_is_one(zone: str, country: str | None) -> None:
    assert country_of(zone) == country


def init(folder: Path, *more: str, monkeypatch: pytest.MonkeyPatch, stdin: str = SECRET) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    return main(["init", "--config", str(folder / "ozrules.yaml"), "--timezone", "Europe/Budapest", *more])


def test_what_is_missing_is_named_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, missing in [
        ([], "--type"),
        (["--type", "asterisk"], "--server"),
        (["--type", "asterisk", "--server", "h"], "--username"),
        (["--type", "asterisk", "--server", "h", "--username", "u"], "--secret"),
        (["--type", "asterisk", "--server", "h", "--username", "u", "--secret", "-"], "--desk"),
        (["--type", "asterisk", "--server", "a b", "--username", "u", "--secret", "-", "--desk", "1"], "a b"),
    ]:
        assert init(tmp_path, *given, monkeypatch=monkeypatch) == 2
        said = capsys.readouterr()
        assert missing in said.err
        assert SECRET not in said.out + said.err
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_kept_and_replaced_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ozrules.yaml").write_text("mine")
    simulator = ["--type", "simulator", "--desk", "2010"]
    assert init(tmp_path, *simulator, monkeypatch=monkeypatch) == 1
    assert "--replace" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["ozrules.yaml"]
    assert init(tmp_path, *simulator, "--replace", monkeypatch=monkeypatch) == 0
    assert (tmp_path / "ozrules.yaml.before").read_text() == "mine"
    assert "reached; " in capsys.readouterr().out
    assert main(["check", "--config", str(tmp_path / "ozrules.yaml"), "--strict"]) == 0


def test_who_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway = ["--type", "gateway", "--server", "ws://127.0.0.1:9/", "--desk", "2010", "--secret", "-"]
    assert init(tmp_path, *gateway, monkeypatch=monkeypatch) == 1
    said = capsys.readouterr().out
    assert "not reached: " in said
    assert SECRET not in said
    assert (tmp_path / "secrets" / "office-secret").stat().st_mode & 0o777 == 0o600


async def test_from_nothing_to_a_daemon_that_watches(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text(TOKEN + "\n")
    async with phones(Behaviour(privileges=frozenset({"forward", "hangup"}))) as system:
        options = ["--type", "gateway", "--server", system.url, "--secret", str(secret), "--desk", "2010"]
        code, said = await ozrules(tmp_path, "init", "office", *options)
        assert code == 0, said
        assert "reached; 0 calls just now" in said
        assert "these credentials may: forward, hangup\n" in said
        assert "they may not, or cannot as it is set up: blindTransfer" in said
        assert (await ozrules(tmp_path, "check", "--strict", "--config", str(tmp_path / "ozrules.yaml")))[0] == 0
