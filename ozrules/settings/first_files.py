"""The first configuration and the first rules of an admin, commented: what `ozrules init` writes.

Texts, and nothing else: they are read by the same readers as any other file before they are written. What a person
named goes in quoted, so that no text of theirs is taken for YAML.
"""

import json
from typing import Final, Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["ozeki-webclient", "ozeki-http", "asterisk", "gateway", "simulator"]

NEEDS: Final[dict[Kind, tuple[str, ...]]] = {
    "ozeki-webclient": ("server", "secret"),
    "ozeki-http": ("server",),
    "asterisk": ("server", "username", "secret"),
    "gateway": ("server", "secret"),
    "simulator": (),
}
"""What must be known of each kind of phone system."""

SECRETS: Final[dict[Kind, str]] = {
    "ozeki-webclient": "the web client's token",
    "ozeki-http": "the HTTP user's password",
    "asterisk": "the manager user's password",
    "gateway": "the gateway's token",
    "simulator": "",
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the admin named. ``as_service``: secrets are systemd's credentials, else files beside the configuration.

    ``secret`` says whether there is one at all.
    """

    name: str
    kind: Kind
    server: str | None
    username: str | None
    secret: bool
    as_service: bool
    country: str | None
    timezone: str
    desk: str

    @property
    def secret_name(self) -> str:
        """Of the credential, and of the file that holds it."""
        return f"{self.name}-secret"

    @property
    def bridge_name(self) -> str:
        """Of the secret between daemon and browser, where the browser is a unit of its own."""
        return f"{self.name}-bridge"

    @property
    def has_bridge(self) -> bool:
        return self.kind == "ozeki-webclient" and self.as_service


def configuration_text(wanted: Wanted) -> str:
    """The configuration, set to observe."""
    return f"""\
# What ozrules connects to, and how. `ozrules check` says what is wrong with it, and where.

ozrules: 1

connections:
{_connection(wanted)}
# Rule files, read in the order of their names as one set.
rules: [rules.d/*.yaml]

# observe: decide and record, send nothing. `ozrules status` says what the rules would have done so far.
# Change it to enforce when that is what you want, and run `ozrules reload`.
mode: observe

# How long the record is kept.
retention: {{decisions: 90d, sessions: 30d}}
"""


def rules_text(wanted: Wanted) -> str:
    """The first rules: one that most offices want, and one to begin with for closing hours."""
    own = json.dumps(f"_{wanted.desk[:1]}{'X' * (len(wanted.desk) - 1)}")
    country = f"extensions: [{own}], " if wanted.country is None else f"country: {wanted.country}, "
    holidays = "" if wanted.country is None else f", holidays: {wanted.country}"
    desk = json.dumps(wanted.desk)
    return f"""\
# The first rules. `ozrules check` says what is wrong with them, `ozrules why SESSION` why one did not act on a call.

ozrules: 1

defaults: {{{country}timezone: {wanted.timezone}}}

schedules:
  officeHours: {{weekdays: [monday..friday], times: [08:00-17:00]{holidays}}}

# What holds for every rule: where calls may be sent. Emergency calls are never touched.
guards:
  destinations: {{allow: [internal], default: deny}}
  maxHops: 3

rules:
  - id: nobody-answers
    description: A call from outside that nobody answers within 20 s goes to the desk
    trigger: {{state: Ringing, for: 20s}}
    conditions: {{direction: inbound, callee: {{ne: {desk}}}, schedule: {{during: officeHours}}}}
    actions:
      - forward: {desk}

  - id: after-hours
    description: Outside office hours a call from outside is noted. Put what should happen in place of the log
    trigger: {{state: Ringing}}
    conditions: {{direction: inbound, schedule: {{outside: officeHours}}}}
    actions:
      - log: "{{{{ caller }}}} called {{{{ callee }}}} after hours"
"""


def drop_in_text(wanted: Wanted, addresses: tuple[str, ...]) -> str:
    """What the service must be allowed besides: to read the secret, and to reach the phone system."""
    lines = ["[Service]", *(f"IPAddressAllow={address}" for address in addresses)]
    names = [wanted.secret_name] if wanted.secret else []
    names += [wanted.bridge_name] if wanted.has_bridge else []
    lines += [f"LoadCredential={name}:/etc/ozrules/secrets/{name}" for name in names]
    return "\n".join(lines) + "\n"


def _connection(wanted: Wanted) -> str:
    server = json.dumps(wanted.server or "")
    secret = _secret(wanted.secret_name, wanted)
    lines = [f"name: {wanted.name}", f"type: {wanted.kind}"]
    match wanted.kind:
        case "ozeki-webclient":
            lines += [f"server: {server}", f"token: {secret}"]
            if wanted.has_bridge:
                lines.append("browser: external         # it runs in ozrules-webclient.service")
                lines.append(f"bridge: {{listen: 127.0.0.1:8790, token: {_secret(wanted.bridge_name, wanted)}}}")
        case "ozeki-http":
            lines += [f"server: {server}", "generation: classic       # or ozeki10"]
            if wanted.username is not None:
                lines.append(f"username: {json.dumps(wanted.username)}")
            if wanted.secret:
                lines.append(f"password: {secret}")
        case "asterisk":
            lines += [f"host: {server}", f"username: {json.dumps(wanted.username or '')}", f"password: {secret}"]
            lines.append("context: from-internal    # where numbers are dialled")
        case "gateway":
            lines += [f"url: {server}", f"token: {secret}"]
        case "simulator":
            lines.append("rate: 6                   # calls a minute")
    if wanted.kind in ("ozeki-webclient", "ozeki-http", "gateway"):
        lines.append("# movedParty: argument    # say it before a rule transfers: docs/configuration.md")
    first, *rest = lines
    return "\n".join([f"  - {first}", *(f"    {line}" for line in rest)]) + "\n"


def _secret(name: str, wanted: Wanted) -> str:
    return f"{{credential: {name}}}" if wanted.as_service else f"{{file: secrets/{name}}}"
