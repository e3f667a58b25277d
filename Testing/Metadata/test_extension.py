"""The extension's descriptions agree, and fit the rules that the Extensions Index checks by machine."""

from __future__ import annotations

import re
import subprocess
from urllib.parse import urlsplit

import pytest
from extension_facts import (
    CMAKE,
    ENTRY,
    HOMEPAGE,
    ROOT,
    S4EXT,
    cmake_values,
    entry,
    png_size,
    repository_path,
    s4ext_values,
)

SCHEMA = (
    "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.2.json#"
)
ENTRY_KEYS = {
    "$schema": str,
    "category": str,
    "scm_url": str,
    "scm_revision": str,
    "scm_type": str,
    "build_dependencies": list,
    "build_subdirectory": str,
    "enabled": bool,
    "tier": int,
    "dicom_support_rule": str,
}
REQUIRED_KEYS = {"$schema", "category", "scm_url"}
CATEGORY = "Neuroimaging"
"""One of the Index's accepted categories; the Index keeps the whole list, a copy here would only grow old."""
SHARED = ("depends", "homepage", "contributors", "category", "iconurl", "description", "screenshoturls", "keywords")
MAX_ICON_BYTES = 100_000
MAX_REPOSITORY_BYTES = 100_000_000


# The entry for the Index


def test_entry_has_the_keys_of_the_schema():
    values = entry()
    assert values.keys() >= REQUIRED_KEYS and values.keys() <= ENTRY_KEYS.keys()
    assert values["$schema"] == SCHEMA
    for key, value in values.items():
        assert type(value) is ENTRY_KEYS[key], key
    assert 1 <= values["tier"] <= 5 and values["category"] == CATEGORY


def test_entry_is_formatted_as_the_index_wants_it():
    raw = ENTRY.read_bytes()
    assert b"\r" not in raw and b"\t" not in raw and raw.endswith(b"}\n") and len(raw) < 1 << 20
    raw.decode("utf-8")
    assert not re.search(rb"\[[^\]\n]+\]", raw), "every array element has its own line"


def test_names_agree_and_do_not_begin_with_slicer():
    first = re.findall(r"project\s*\(\s*([^\s\)]+)", CMAKE.read_text(encoding="utf-8"), re.IGNORECASE)[0]
    assert first == ENTRY.stem == S4EXT.stem == "BrainFM"
    assert not first.lower().startswith("slicer")


def test_repository_is_named_after_the_extension():
    url = urlsplit(entry()["scm_url"])
    assert url.scheme == "https" and url.path.split("/")[-1] == f"Slicer{ENTRY.stem}"


# CMakeLists.txt


def test_addresses_are_found_as_the_index_looks_for_them():
    text = CMAKE.read_text(encoding="utf-8")
    icons = re.findall(r'set\s*\(EXTENSION_ICONURL\s*"([^"]+)"[ ]*\)', text, re.IGNORECASE)
    screenshots = re.findall(r'set\s*\(EXTENSION_SCREENSHOTURLS\s*"([^"]+)"\)', text, re.IGNORECASE)
    assert len(icons) == len(screenshots) == 1
    for url in (*icons, *screenshots[0].split()):
        assert url.startswith("https://") and url.endswith((".png", ".jpg"))


def test_icon_of_the_extension():
    path = repository_path(cmake_values()["iconurl"])
    assert png_size(path) == (128, 128) and path.stat().st_size < MAX_ICON_BYTES


@pytest.mark.parametrize("module", ["BrainFM", "BrainFMTrain"])
def test_icon_of_the_module(module):
    path = ROOT / module / "Resources" / "Icons" / f"{module}.png"
    assert png_size(path) == (128, 128) and path.stat().st_size < MAX_ICON_BYTES


@pytest.mark.parametrize("url", cmake_values()["screenshoturls"].split(), ids=lambda url: url.rsplit("/", 1)[-1])
def test_screenshot_is_there(url):
    width, height = png_size(repository_path(url))
    assert width >= 800 and height >= 500


def test_description_is_one_plain_line_about_tasks_and_modalities():
    text = cmake_values()["description"]
    assert "\n" not in text and len(text) < 600
    for word in ("MRI", "CT", "T1w", "segmentation", "distance", "bias field", "registration", "research use"):
        assert word in text, word


# Together


def test_older_description_says_the_same_as_cmake():
    cmake, s4ext = cmake_values(), s4ext_values()
    assert {key: s4ext[key] for key in SHARED} == {key: cmake[key] for key in SHARED}


def test_entry_says_the_same_as_cmake_and_the_older_description():
    cmake, s4ext, values = cmake_values(), s4ext_values(), entry()
    assert values["build_dependencies"] == cmake["depends"].split() == ["PyTorch"]
    assert values["category"] == cmake["category"]
    assert values["scm_url"] == s4ext["scmurl"] == cmake["homepage"] == HOMEPAGE
    assert values["scm_revision"] == s4ext["scmrevision"]
    assert str(values["tier"]) == s4ext["tier"]
    assert values["build_subdirectory"] == s4ext["build_subdirectory"] == cmake["build_subdirectory"]


def test_repository_has_one_address():
    found = set()
    for path in tracked_files():
        if path.suffix in {".py", ".md", ".txt", ".toml", ".cff", ".json", ".s4ext", ".ui"}:
            text = path.read_text(encoding="utf-8", errors="replace")
            found |= set(re.findall(r"https?://(?:www\.)?github\.com/[\w.-]+/[\w-]*BrainFM[\w.-]*", text))
    ours = {url for url in found if "Slicer" in url}
    assert ours == {HOMEPAGE}


# The repository


def test_licence_is_where_the_index_looks():
    assert "Apache License" in (ROOT / "LICENSE.txt").read_text(encoding="utf-8")


def test_repository_is_small():
    files = sum(path.stat().st_size for path in tracked_files())
    counted = git("count-objects", "-v").decode()
    history = 1024 * sum(int(re.search(rf"^{key}: (\d+)", counted, re.MULTILINE)[1]) for key in ("size", "size-pack"))
    assert files + history < MAX_REPOSITORY_BYTES


def tracked_files():
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def git(*arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
