"""Names of devices, checked without loading torch."""

from __future__ import annotations

import re

from BrainFMEngine.errors import UsageError

_NAME = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def check_device_name(name: str) -> str:
    """Return the name in lower case; UsageError for one that no machine has."""
    if not _NAME.fullmatch(name.strip().lower()):
        raise UsageError(f"unknown device {name!r}", "Use auto, cpu, cuda, cuda:N or mps.")
    return name.strip().lower()
