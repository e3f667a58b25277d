"""With SLICER_API=5.10.0 also the Python layer has only what that version has: no `slicer.packaging`, for example."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from harness import manifest

FACTS = Path(__file__).resolve().parents[1] / "facts" / "python.json"


def hide_newer() -> None:
    """Remove the modules and functions that came after the version of SLICER_API."""
    import slicer.util

    by_version = json.loads(FACTS.read_text(encoding="utf-8"))["modules"]
    newest, chosen = by_version["main"], by_version[manifest.VERSION]
    for module, names in newest.items():
        if names and not chosen[module]:
            sys.modules[f"slicer.{module}"] = None
    for name in set(newest["util"]) - set(chosen["util"]):
        slicer.util.__dict__.pop(name, None)
