"""What the four descriptions of the extension say: CMakeLists.txt, BrainFM.s4ext, the Index entry, requirements."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CMAKE = ROOT / "CMakeLists.txt"
S4EXT = ROOT / "BrainFM.s4ext"
ENTRY = ROOT / "Resources" / "Index" / "BrainFM.json"
HOMEPAGE = "https://github.com/SlicerBrainFM/SlicerBrainFM"
RAW = "https://raw.githubusercontent.com/SlicerBrainFM/SlicerBrainFM/main/"


def cmake_values() -> dict[str, str]:
    """Return key (lower case, without EXTENSION_) -> value of the first `set` of each variable."""
    found = re.findall(r'set\(EXTENSION_(\w+) (?:"([^"]*)"|([^\s")]*))\)', CMAKE.read_text(encoding="utf-8"))
    return {name.lower(): quoted or bare for name, quoted, bare in reversed(found)}


def s4ext_values() -> dict[str, str]:
    """Return key -> value: the first word of a line, and the rest of it."""
    lines = [line for line in S4EXT.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert len({line.split(" ", 1)[0] for line in lines}) == len(lines), "a key stands twice"
    return {line.split(" ", 1)[0]: line.partition(" ")[2] for line in lines}


def entry() -> dict:
    """Return the Index entry."""
    return json.loads(ENTRY.read_text(encoding="utf-8"))


def repository_path(url: str) -> Path:
    """Return the file of this repository that a raw address shows."""
    assert url.startswith(RAW), url
    return ROOT / url.removeprefix(RAW)


def png_size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels."""
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n"), f"{path} is not a PNG"
    return struct.unpack(">II", head[16:24])
