"""What BrainFMTrain offers is what the engine has: its recipes and presets, in the same order."""

from __future__ import annotations

import importlib.util
import sys
import types

import pytest
from extension_facts import ROOT

PATH = ROOT / "BrainFMTrain" / "BrainFMTrainLib" / "Recipes.py"


@pytest.fixture
def choices(monkeypatch):
    """The module's table, with a translation that gives texts back as they are."""
    for name in ("slicer", "slicer.i18n"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["slicer.i18n"].tr = str  # type: ignore[attr-defined]
    spec = importlib.util.spec_from_file_location("BrainFMTrainRecipes", PATH)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_recipes_and_presets_are_those_of_the_engine(choices):
    pytest.importorskip("torch")
    from BrainFMEngine.training.recipes import PRESETS, RECIPES

    assert [choice.name for choice in choices.recipes()] == list(RECIPES)
    assert [choice.name for choice in choices.presets()] == list(PRESETS)


def test_titles_tell_choices_apart(choices):
    for rows in (choices.recipes(), choices.presets()):
        assert len({row.title for row in rows}) == len(rows)
