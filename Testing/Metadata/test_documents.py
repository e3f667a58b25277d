"""The README has what reviewers of the Extensions Index look for, and every link of the documents leads somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from extension_facts import HOMEPAGE, ROOT, cmake_values

README = ROOT / "README.md"
DOCUMENTS = sorted([README, ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "Resources").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
TUTORIAL = ROOT / "docs" / "how-to" / "slicer.md"


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def anchors_of(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    for target in LINK.findall(without_code(text_of(path))):
        if re.match(r"(https|mailto):", target):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), f"{path.name}: {target}"
        assert not anchor or anchor in anchors_of(found), f"{path.name}: {target}"


def test_readme_begins_with_name_summary_and_picture():
    lines = text_of(README).splitlines()
    assert lines[0].startswith("# ") and "BrainFM" in lines[0]
    summary = text_of(README).split("\n\n")[1]
    assert 1 <= len(re.findall(r"[.!](?:\s|$)", summary)) <= 2 and "BrainFM" in summary
    first_picture = next(number for number, line in enumerate(lines) if "![" in line)
    assert first_picture < 10


@pytest.mark.parametrize("word", ["tutorial", "sample data", "license", "privacy", "how to cite", "troubleshooting"])
def test_readme_has_a_heading_or_a_sentence_about(word):
    assert word in text_of(README).lower()


def test_readme_tells_of_every_module():
    section = text_of(README).split("## Modules")[1].split("\n## ")[0]
    for module in ("BrainFM", "BrainFMTrain"):
        assert f"* **{module}**" in section


def test_readme_names_papers_licence_and_where_to_ask():
    text = text_of(README)
    for words in ("arXiv:2509.00549", "Apache License 2.0", f"{HOMEPAGE}/issues", "Research use only", "patents"):
        assert words in text, words


def test_tutorial_has_numbered_steps_sample_data_and_every_screenshot():
    text = text_of(TUTORIAL)
    assert len(re.findall(r"^## \d\. ", text, re.MULTILINE)) >= 4 and len(re.findall(r"^\d\. ", text, re.MULTILINE)) > 8
    assert "BrainFMHead" in text
    for url in cmake_values()["screenshoturls"].split():
        assert f"Resources/Screenshots/{url.rsplit('/', 1)[-1]}" in text


def test_index_of_the_documents_names_each_of_them():
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target.split("#")[0]).resolve() for target in LINK.findall(text_of(index))}
    missing = {path for path in (ROOT / "docs").rglob("*.md") if path != index} - linked
    assert not missing


def test_python_of_the_documents_is_python():
    for path in DOCUMENTS:
        for block in re.findall(r"```python\n(.*?)```", text_of(path), re.DOTALL):
            compile(block, str(path), "exec")


def test_scripts_use_arguments_that_exist():
    """Names in the scripting guide's table are those of `PredictionLogic.processAsync`."""
    logic = ast.parse(text_of(ROOT / "BrainFM" / "BrainFMLib" / "Logic.py"))
    function = next(node for node in ast.walk(logic) if getattr(node, "name", "") == "processAsync")
    arguments = [argument.arg for argument in function.args.args[1:] if not argument.arg.startswith("on")]  # type: ignore[attr-defined]
    guide = text_of(ROOT / "docs" / "how-to" / "scripting.md")
    table = guide.split("| Argument |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == arguments


def test_scripts_name_kinds_that_exist():
    tree = ast.parse(text_of(ROOT / "BrainFM" / "BrainFMLib" / "ResultKinds.py"))
    rows = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ResultKind"
    ]
    kinds = {row.args[0].value for row in rows}  # type: ignore[attr-defined]
    guide = text_of(ROOT / "docs" / "how-to" / "scripting.md")
    table = guide.split("| Kind |")[1].split("\n\n")[0]
    named = {
        kind for cell in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) for kind in re.findall(r"`(\w+)`", cell)
    }
    assert named <= kinds and named >= kinds - {"highres"}
