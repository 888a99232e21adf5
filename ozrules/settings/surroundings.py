"""What the file depends on besides its own text: its directory, the environment, and the files that hold secrets."""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

_VARIABLE: Final = re.compile(r"\$(?:([A-Z_][A-Z0-9_]*)|\{([A-Z_][A-Z0-9_]*)\})")
_MAX_SECRET: Final = 64 * 1024  # bytes


class NoSecret(Exception):
    """The secret cannot be had; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``file`` is the configuration's own path. Without ``with_secrets`` no secret is read.

    ``webclients_only``: none but those of ozeki-webclient connections, for the process that has no others.
    ``optional``: a secret that cannot be had is left empty.
    """

    file: Path
    environment: Mapping[str, str]
    with_secrets: bool = True
    webclients_only: bool = False
    optional: bool = False

    @property
    def over_which_tokens_come(self) -> "Surroundings":
        """What connections are read with that may be asked for a web client's token."""
        return replace(self, optional=True) if self.webclients_only else self

    @property
    def apart_from_webclients(self) -> "Surroundings":
        """What the rest of the file is read with."""
        return replace(self, with_secrets=False) if self.webclients_only else self

    @property
    def directory(self) -> Path:
        """What relative paths are relative to."""
        return self.file.parent

    @property
    def of_the_system(self) -> bool:
        """Whether this is the configuration of a system service: then its directories are where systemd puts them."""
        return self.file.is_relative_to("/etc")

    @property
    def state(self) -> Path:
        """Where state lies unless the file says otherwise."""
        given = self._directory_variable("STATE_DIRECTORY")
        if given is not None:
            return given
        if self.of_the_system:
            return Path("/var/lib/ozrules")
        return Path(self.environment.get("HOME", "/")) / ".local/state/ozrules"

    @property
    def runtime(self) -> Path | None:
        """Where sockets lie, or None where there is no such place."""
        given = self._directory_variable("RUNTIME_DIRECTORY")
        return Path("/run/ozrules") if given is None and self.of_the_system else given

    @property
    def zone(self) -> str:
        """The IANA name of the host's time zone, UTC where it has none."""
        named = self.environment.get("TZ", "").removeprefix(":")
        if named and not named.startswith("/"):
            return named
        _, _, name = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")
        return name or "UTC"

    def path(self, text: str) -> Path | None:
        """The path that is meant, absolute; None where it names a variable that is not set."""
        expanded = self.expand(text)
        return None if expanded is None else Path(os.path.normpath(self.directory / Path(expanded).expanduser()))

    def expand(self, text: str) -> str | None:
        """The text with its ``$VARIABLES`` replaced, or None where one of them is not set."""
        known = {"STATE_DIRECTORY": str(self.state), "RUNTIME_DIRECTORY": str(self.runtime or self.state)}
        names = [first or second for first, second in _VARIABLE.findall(text)]
        values = {name: known.get(name) or self.environment.get(name) for name in names}
        if None in values.values():
            return None
        return _VARIABLE.sub(lambda found: values[found[1] or found[2]] or "", text)

    def from_credential(self, name: str) -> str:
        """A credential of the service manager. Raises NoSecret."""
        directory = self.environment.get("CREDENTIALS_DIRECTORY")
        if not directory:
            raise NoSecret(
                f"There are no credentials here: $CREDENTIALS_DIRECTORY is not set. Run ozrules as a service with "
                f"LoadCredential={name}:PATH, or use {{file: PATH}} or {{env: NAME}}."
            )
        return self._read(Path(directory) / name, f"LoadCredential={name}:PATH of the service gives it.", private=False)

    def from_variable(self, name: str) -> str:
        """An environment variable. Raises NoSecret."""
        value = self.environment.get(name)
        if not value:
            raise NoSecret(f"The environment variable {name} is not set.")
        return value

    def from_file(self, path: Path) -> str:
        """A file that only its owner and group may read. Raises NoSecret."""
        return self._read(path, "Check the path and who may read it.", private=True)

    def _read(self, path: Path, hint: str, *, private: bool) -> str:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                mode = os.fstat(descriptor).st_mode
                if not stat.S_ISREG(mode):
                    raise NoSecret(f"{path} is no regular file.")
                if private and mode & stat.S_IROTH:
                    raise NoSecret(f"Everybody on this host can read {path}. Run: chmod o-rwx {path}")
                data = file.read(_MAX_SECRET + 1)
        except OSError as error:
            raise NoSecret(f"{path}: {os.strerror(error.errno or 0)}. {hint}") from error
        try:
            text = data.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise NoSecret(f"{path} holds no UTF-8 text.") from error
        if not text or len(data) > _MAX_SECRET:
            raise NoSecret(f"{path} is {'longer than any secret' if text else 'empty'}.")
        return text

    def _directory_variable(self, name: str) -> Path | None:
        given = self.environment.get(name, "").partition(":")[0]
        return Path(given) if given else None
