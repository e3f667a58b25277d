"""From a run to a model that says where it comes from: its card, and nothing of this computer."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from boxes import box_subject, write_dataset
from BrainFMEngine.dataset.licences import record_licence
from BrainFMEngine.errors import UsageError
from BrainFMEngine.models.card import card_markdown, card_of
from BrainFMEngine.network.info import read_info
from BrainFMEngine.training.export import export_run, find_run
from BrainFMEngine.training.recipe import with_values
from BrainFMEngine.training.recipes import named_recipe
from BrainFMEngine.training.run import RunRequest, train
from BrainFMEngine.training.stop import StopSignal

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of two steps, both validated."""
    home = tmp_path_factory.mktemp("home")
    subjects = [replace(box_subject(("T1",)), name=name) for name in ("anna", "berta")]
    write_dataset(home / "heads", train=subjects, validation=[box_subject(("T1",))])
    record_licence(home / "heads", ["boxes"], "CC0")
    changes = {"steps": 2, "validation.every": 1, "validation.subjects": 1, "seed": 7}
    recipe = with_values(named_recipe("brainfm", "quick"), changes)
    train(RunRequest(home / "heads", home / "run", recipe, device="cpu", threads=1), StopSignal())
    return home / "run"


def test_the_card_says_what_the_run_knows(run):
    info = read_info(run / "model")
    card = dict(card_of(info))
    best = json.loads((run / "checkpoints" / "best.json").read_text())["step"]
    assert card["recipe"] == "brainfm (quick)" and card["steps"] == f"{best} of 2" and card["seed"] == "7"
    assert card["trained_on"] == "2 subjects of the data set heads"
    assert card["licence"] == "that of the training data (boxes: CC0)" and "start" not in card
    assert card["scores"].startswith("loss ") and "mean Dice" in card["scores"]
    assert "Research use only" in card["use"] and len(card["date"]) == len("2026-01-31")
    rows = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
    loss = next(float(row[2]) for row in rows if row[:2] == [str(best), "validation/loss"])
    assert info.metrics["loss"] == loss
    text = card_markdown(info)
    assert text.startswith("# brainfm (quick)") and "**Licence:**" in text
    assert str(run.parent) not in json.dumps(info.to_dict()) and "anna" not in text


def test_a_run_that_begins_with_a_model_names_it_and_its_licence(run, tmp_path):
    recipe = tmp_path / "copy" / "recipe.json"
    shutil.copytree(run, tmp_path / "copy")
    record = json.loads(recipe.read_text())
    record["start"]["model"] = "compact"
    recipe.write_text(json.dumps(record))
    export_run(tmp_path / "copy", tmp_path / "model")
    card = dict(card_of(read_info(tmp_path / "model")))
    assert card["start"] == "BrainFM compact (Apache-2.0)"
    assert card["licence"].endswith(", and of BrainFM compact (Apache-2.0)")
    record["start"]["model"] = "/gone/since"
    recipe.write_text(json.dumps(record))
    export_run(tmp_path / "copy", tmp_path / "again")
    assert dict(card_of(read_info(tmp_path / "again")))["start"] == "since (not recorded)"


def test_any_checkpoint_of_a_run_becomes_a_model(run, tmp_path):
    assert find_run(run) == (run, None)
    last = run / "checkpoints" / "last.pt"
    assert find_run(last) == (run, "last") and find_run(run / "model") is None and find_run(tmp_path) is None
    export_run(run, tmp_path / "last", "last")
    assert read_info(tmp_path / "last").provenance["step"] == "2"
    with pytest.raises(UsageError, match="no run"):
        export_run(tmp_path, tmp_path / "nothing")


def test_a_run_is_imported_under_a_title(run, tmp_path, monkeypatch):
    from BrainFMEngine.cli.model_runs import store_model
    from BrainFMEngine.models.listing import list_facts

    monkeypatch.setenv("BRAINFM_HOME", str(tmp_path))
    store_model(run, "mine", None, "Mine, é")
    facts = next(facts for facts in list_facts() if facts.name == "mine")
    assert facts.title == "Mine, é" and dict(facts.card)["seed"] == "7" and not facts.problem
    with pytest.raises(UsageError, match="installed already"):
        store_model(run, "mine", None)
    with pytest.raises(UsageError, match="--head"):
        store_model(run, "other", tmp_path / "head.pth")
