"""What docs/asterisk.md tells an admin to paste: the laboratory's Asterisk is set up with it, so that it is true."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[3] / "docs" / "asterisk.md"
_BLOCK: Final = re.compile(r"^```ini\n; /etc/asterisk/([^\n]+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def pasted(place: str, changed: Mapping[str, str]) -> str:
    """The block for this place, such as ``ari.conf``. ``changed``: what stands on the page, and what stands here."""
    text = dict(_BLOCK.findall(PAGE.read_text(encoding="utf-8")))[place]
    assert isinstance(text, str)
    for shown, here in changed.items():
        assert shown in text, f"docs/asterisk.md says {shown} no more"
        text = text.replace(shown, here)
    return text
