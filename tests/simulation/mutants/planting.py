"""Reading the planted bugs, and importing a module as one of them has it."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

import msgspec

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent.parent.parent


class Mutant(msgspec.Struct, frozen=True):
    """One planted bug."""

    name: str
    path: str
    about: str
    old: str
    new: str

    def planted(self) -> str:
        """The module's text with the bug in it. Raises ValueError where the old text does not stand there once."""
        text = (ROOT / self.path).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: its text stands {text.count(self.old)} times in {self.path}")
        return text.replace(self.old, self.new)


def mutants(folder: Path = HERE) -> list[Mutant]:
    """All of a folder, by name."""
    return [_read(path) for path in sorted(folder.glob("*.txt"))]


def _read(path: Path) -> Mutant:
    head, _, rest = path.read_text(encoding="utf-8").partition("\n--- stands\n")
    old, _, new = rest.partition("--- planted\n")
    module, about = head.split("\n", 1)
    return Mutant(path.stem, module.strip(), " ".join(about.split()), old, new)


class _Loader(importlib.abc.InspectLoader):
    def __init__(self, text: str) -> None:
        self._text = text

    def get_source(self, fullname: str) -> str:
        return self._text

    def is_package(self, fullname: str) -> bool:
        return False


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._loader = _Loader(mutant.planted())
        self._path = str(ROOT / mutant.path)
        self._name = mutant.path.removesuffix(".py").replace("/", ".")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self._loader, origin=self._path)


def plant(mutant: Mutant) -> None:
    """From now on this process imports the module with the bug in it."""
    sys.meta_path.insert(0, _Finder(mutant))
