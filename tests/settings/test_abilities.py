"""What connections can be asked for."""

from pathlib import Path

from ozrules.session.methods import APART, FURTHER, OPERATIONS
from ozrules.session.state import COMPLETED, KNOWN_STATES, RINGING
from ozrules.settings.abilities import deaf, lacking, untold
from ozrules.settings.configuration import load as settings_of
from ozrules.settings.model import ConnectionSettings

WEB = "{name: office, type: ozeki-webclient, server: 192.0.2.1, token: {env: T}, movedParty: argument}"
HTTP = "{name: branch, type: ozeki-http, server: 192.0.2.2, movedParty: other, apiExtension: '9998'}"
ASKING = HTTP.replace("}", ", notifications: {listen: 127.0.0.1:8781, allow: [192.0.2.2]}}")
ASTERISK = "{name: open, type: asterisk, host: 127.0.0.1, username: u, password: {env: T}}"
GATEWAY = "{name: lab, type: gateway, url: 'ws://127.0.0.1:1/', token: {env: T}}"
SIMULATOR = "{name: sim, type: simulator}"


def connections(*typed: str) -> tuple[ConnectionSettings, ...]:
    text = f"ozrules: 1\nconnections: [{', '.join(typed)}]\n"
    return settings_of(Path("/etc/ozrules/ozrules.yaml"), text.encode(), {}, with_secrets=False).connections


def test_each_kind_lacks_what_it_lacks() -> None:
    web, http, asterisk, gateway, simulator = connections(WEB, HTTP, ASTERISK, GATEWAY, SIMULATOR)
    assert set(lacking(web)) == set(lacking(simulator)) == set(FURTHER)
    assert set(lacking(http)) == {"startListen", "stopListen"}
    assert set(lacking(gateway)) == {*FURTHER, "blindTransfer"}
    assert set(lacking(asterisk)) == {*FURTHER, "hold", "unhold", "startListen", "stopListen"}
    whole = ASTERISK.replace("}}", "}, holdExtension: '700', supervisor: PJSIP/9}")
    assert set(lacking(connections(whole)[0])) == set(FURTHER)


def test_a_connection_that_sees_no_calls_can_only_do_what_leaves_them_alone() -> None:
    (http,) = connections(HTTP.replace("}", ", watch: false}"))
    assert set(OPERATIONS) - set(lacking(http)) == APART


def test_only_http_with_notifications_asks_where_calls_go() -> None:
    web, http, asking = connections(WEB, HTTP, ASKING.replace("branch", "asking").replace("192.0.2.2", "192.0.2.3"))
    assert deaf(web) == "only a connection of type ozeki-http does"
    assert deaf(http) == "it has no notifications"
    assert deaf(asking) is None


def test_http_does_not_tell_who_hung_up_and_a_connection_that_does_not_watch_tells_nothing() -> None:
    web, http = connections(WEB, HTTP)
    assert untold(web) == {}
    assert {state for state, instead in untold(http).items() if instead == COMPLETED} == {
        "CallerHungUp",
        "CalleeHungUp",
    }
    assert not {RINGING, COMPLETED} & set(untold(http))
    (blind,) = connections(HTTP.replace("}", ", watch: false}"))
    assert set(untold(blind)) == set(KNOWN_STATES)
