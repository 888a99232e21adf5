"""The rule files that the configuration names, found anew at each reload."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_PATTERN: Final = re.compile(r"[*?\[]")


def rule_files(patterns: Iterable[str]) -> tuple[Path, ...]:
    """Every file that a pattern finds, each once, in the order of the patterns and of the names under one.

    A path without wildcards is always among them, so that a missing file is missed. Files that editors leave behind
    (hidden ones) are not found.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        path = Path(pattern)
        if _PATTERN.search(pattern) is None:
            found[path] = None
            continue
        parts = path.parts
        fixed = next(index for index, part in enumerate(parts) if _PATTERN.search(part))
        matches = Path(*parts[:fixed]).glob(str(Path(*parts[fixed:])))
        found |= dict.fromkeys(sorted(match for match in matches if not match.name.startswith(".")))
    return tuple(found)
