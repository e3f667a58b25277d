"""Every value of a recipe is described, can be set by its path, and what depends on it follows."""

from __future__ import annotations

import json
import math

import pytest
from BrainFMEngine.errors import BrainFMError, ModelFileError
from BrainFMEngine.generator.record import to_record
from BrainFMEngine.training.recipe import OPEN_TABLES, recipe_from_text, recipe_to_json, with_values
from BrainFMEngine.training.recipe_fields import describe_recipe, field_paths
from BrainFMEngine.training.recipe_follow import follow
from BrainFMEngine.training.recipe_presets import PRESETS
from BrainFMEngine.training.recipes import RECIPES, named_recipe
from BrainFMEngine.training.schedule import learning_rate

EVERY = [(name, preset) for name in RECIPES for preset in PRESETS]
FIXED, CHANGES = "generator.corruption.", "generator.corruption_changes."


def described(recipe):
    return {field["path"]: field for field in describe_recipe(recipe)["fields"]}


def leaves(record, path=""):
    """Dotted path -> value of everything in a recipe."""
    if not isinstance(record, dict) or path == "generator.corruption":
        return {path: record}
    return {
        key: value for name, item in record.items() for key, value in leaves(item, f"{path}.{name}".strip(".")).items()
    }


@pytest.mark.parametrize(("name", "preset"), EVERY)
def test_every_value_is_described_with_title_sentence_and_value(name, preset):
    recipe = named_recipe(name, preset)
    fields, record = described(recipe), to_record(recipe)
    assert all(field["title"] and len(field["help"]) > 15 for field in fields.values())
    values = {path: value for path, value in leaves(record).items() if path not in OPEN_TABLES}
    assert {path: fields[path]["value"] for path in values} == values
    assert all(field["optional"] or field["value"] is not None for field in fields.values())


def test_every_typed_field_has_a_row():
    fields = described(named_recipe("low-field", "paper"))
    for path in field_paths():
        if path in OPEN_TABLES:
            assert path.endswith("corruption_changes") or any(row.startswith(f"{path}.") for row in fields), path
        else:
            assert path.replace(FIXED, CHANGES) in fields, path


@pytest.mark.parametrize(("name", "preset"), [("brainfm", "compact"), ("low-field", "paper"), ("brain-age", "quick")])
def test_every_value_can_be_set_to_itself_by_its_path(name, preset):
    recipe = named_recipe(name, preset)
    for path, field in described(recipe).items():
        assert with_values(recipe, {path: field["value"]}) == recipe, path


def test_every_number_can_be_changed_by_its_path_and_comes_back_from_json():
    recipe = named_recipe("brainfm", "compact")
    tied = ("generator.extracerebral", "network.heads", "generator.severities", "samples", "network.num_levels")
    changed = 0
    for path, field in described(recipe).items():
        if field["kind"] not in ("number", "integer") or path.startswith(tied) or field["length"] == "any":
            continue
        low, high = (0.0 if bound is None else bound for bound in (field["minimum"], field["maximum"]))
        one = type(field["value"] or 0.5)(low + (high - low) / 4) if field["length"] is None else None
        value = [low, high][: field["length"]] if one is None and field["length"] == 2 else one
        if value is None or (field["kind"] == "integer" and not isinstance(value, int)):
            continue
        try:
            other = with_values(recipe, {path: value})
        except BrainFMError:
            continue
        assert recipe_from_text(recipe_to_json(other)) == other
        changed += other != recipe
    assert changed > 60


def test_entries_of_tables_come_and_go():
    recipe = named_recipe("brainfm", "compact")
    more = with_values(recipe, {"generator.corruption_changes.noise.std": [0, 30], "objective.weights.T1_grad": None})
    assert more.generator.corruption_changes == {"noise": {"std": [0, 30]}} and "T1_grad" not in more.objective.weights
    assert more.generator.corruption_at(0.1).noise.std == (0, 30)
    back = {"generator.corruption_changes.noise.std": None, "objective.weights.T1_grad": 1.0}
    again = with_values(more, back)
    assert again.generator.corruption_at(0.1) == recipe.generator.corruption_at(0.1)
    with pytest.raises(BrainFMError, match="noisy"):
        with_values(recipe, {"generator.corruption_changes.noisy.std": [0, 30]})


def test_the_schedule_follows_the_steps():
    for name, preset in (("brainfm", "compact"), ("brain-id", "paper")):
        recipe = named_recipe(name, preset)
        fewer = with_values(recipe, follow(recipe, {"steps": recipe.steps // 10}))
        rates = [learning_rate(fewer.schedule, step, fewer.steps) for step in range(0, fewer.steps, fewer.steps // 100)]
        whole = [
            learning_rate(recipe.schedule, step, recipe.steps) for step in range(0, recipe.steps, recipe.steps // 100)
        ]
        assert all(math.isclose(a, b, abs_tol=0.03) for a, b in zip(rates, whole, strict=True))
    assert follow(recipe, {"steps": 10, "schedule.warm_up_steps": 3})["schedule.warm_up_steps"] == 3


def test_severities_age_and_classes_follow():
    paper = named_recipe("brainfm", "paper")
    assert with_values(paper, follow(paper, {"samples": 2})).generator.severities == pytest.approx((1 / 3, 1))
    age = named_recipe("brain-age", "compact")
    assert with_values(age, follow(age, {"generator.shape": [64, 64, 64]})).network.age_size == (64, 64, 64)
    smaller = with_values(paper, follow(paper, {"generator.protocol": "compact-40"}))
    assert smaller.network.heads["segmentation"] == 40


def test_the_network_follows_the_model_that_is_adapted(tmp_path):
    paper = named_recipe("adapt-segmentation", "paper")
    adapted = with_values(paper, follow(paper, {"start.model": "compact"}))
    assert (adapted.network.f_maps, adapted.network.num_levels, adapted.network.unit_features) == (16, 5, True)
    joint = named_recipe("brainfm", "paper")
    assert with_values(joint, follow(joint, {"start.model": "compact"})).network.hidden_maps == (32,)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ModelFileError):
        follow(paper, {"start.model": str(tmp_path)})
    with pytest.raises(ModelFileError, match="'compakt'"):
        follow(paper, {"start.model": "compakt"})
    assert not with_values(paper, follow(paper, {"start.model": None})).start.required
    assert json.loads(recipe_to_json(adapted))["start"]["model"] == "compact"
