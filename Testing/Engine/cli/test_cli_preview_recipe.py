"""What a preview shows is what training makes: the recipe that it saves gives the same samples, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from small_heads import head_labels, save, scan_of, write_label_maps

pytest.importorskip("torch")

from BrainFMEngine.dataset.dataset import Dataset, load_subjects, write_split
from BrainFMEngine.dataset.split import Split
from BrainFMEngine.training.feed import TrainingFeed
from BrainFMEngine.training.recipe import recipe_from_json, recipe_hash
from preview_worker import PreviewWorker

pytestmark = pytest.mark.usefixtures("one_thread")
RANGES = {"corruption.noise.std": [2, 30], "contrast.mean": [40, 200], "pathology.probability": 1.0}
ASKED = {"shape": 32, "seed": 11, "severity": "mild-to-severe", "samples": 3, "options": RANGES}


@pytest.fixture(scope="module")
def worker():
    started = PreviewWorker()
    yield started
    started.kill()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """Three heads, one with a scan, all for training."""
    from BrainFMEngine.cli import main

    folder = tmp_path_factory.mktemp("data")
    source = write_label_maps(folder / "labels", 3)
    save(folder / "labels" / "T1w" / "head_01.nii.gz", scan_of(head_labels(1)))
    assert main(["prepare", str(source), "-o", str(folder / "set"), "--progress", "none"]) == 0
    write_split(folder / "set", Split(train=tuple(Dataset(folder / "set").names())))
    return folder / "set"


def images(samples: list[dict]) -> list[np.ndarray]:
    return [np.asarray(nib.load(sample["files"]["image"]).dataobj) for sample in samples]


def save_recipe(worker, path: Path, **request) -> Path:
    answer = worker.ask(save_recipe=str(path), **request)[-1]
    assert answer["event"] == "done", answer
    assert answer["sha256"] == recipe_hash(recipe_from_json(path))
    return path


def test_training_makes_the_samples_that_the_preview_showed(worker, dataset, tmp_path):
    """For every step: the subject that training takes, its samples, and those of the recipe's own preview."""
    path = save_recipe(worker, tmp_path / "recipe.json", folder=str(tmp_path), **ASKED)
    recipe = recipe_from_json(path)
    assert recipe.seed == 11 and recipe.samples == 3 and recipe.generator.shape == (32, 32, 32)
    assert recipe.generator.corruption_changes == {"noise": {"std": [2, 30]}}
    feed = TrainingFeed(load_subjects(dataset), recipe)
    seen = set()
    for step in range(5):
        batch = feed.batch(step)
        name = batch[0].parameters.subject
        seen.add(name)
        subject = {"dataset": str(dataset), "name": name}
        shown = worker.samples(folder=str(tmp_path / "a"), subject=subject, step=step, **ASKED)
        of_recipe = worker.samples(
            folder=str(tmp_path / "b"), recipe=str(path), subject={"dataset": str(dataset)}, step=step
        )
        assert {sample["subject"] for sample in of_recipe} == {name}
        for sample, *pictures in zip(batch, images(shown), images(of_recipe), strict=True):
            assert all(np.array_equal(sample.image[0].numpy(), picture) for picture in pictures)
    assert len(seen) > 1


def test_targets_of_the_preview_are_those_of_training(worker, dataset, tmp_path):
    path = save_recipe(worker, tmp_path / "recipe.json", folder=str(tmp_path), **ASKED)
    sample = TrainingFeed(load_subjects(dataset)[1:2], recipe_from_json(path)).batch(0)[2]
    wanted = ["segmentation", "distance", "registration", "T1", "image", "bias_field_log", "pathology"]
    subject = {"dataset": str(dataset), "name": "head_01"}
    shown = worker.samples(folder=str(tmp_path / "a"), recipe=str(path), subject=subject, targets=wanted)[2]
    factors = {"registration": 100}
    for name in set(wanted) - {"segmentation"}:
        target = (sample.targets[name] * factors.get(name, 1)).movedim(0, -1).squeeze(-1).numpy()
        found = np.asarray(nib.load(shown["files"]["guide" if name == "image" else name]).dataobj)
        assert np.array_equal(found, target), name


def test_an_anatomy_from_a_file_is_that_of_the_data_set(worker, dataset, tmp_path):
    path = save_recipe(worker, tmp_path / "recipe.json", folder=str(tmp_path), **ASKED)
    subjects = [subject for subject in load_subjects(dataset) if subject.name == "head_00"]
    batch = TrainingFeed(subjects, recipe_from_json(path)).batch(4)
    labels = dataset.parent / "labels" / "head_00.nii.gz"
    shown = images(worker.samples(folder=str(tmp_path / "a"), anatomy=str(labels), step=4, **ASKED))
    assert all(np.array_equal(sample.image[0].numpy(), image) for sample, image in zip(batch, shown, strict=True))


@pytest.mark.parametrize("recipe", ["hemisphere", "brain-id", "low-field", "brain-age"])
def test_recipes_of_other_kinds_can_be_seen_too(worker, dataset, tmp_path, recipe):
    request = {"recipe": recipe, "preset": "quick", "seed": 2}
    path = save_recipe(worker, tmp_path / "recipe.json", folder=str(tmp_path), **request)
    saved = recipe_from_json(path)
    assert saved.name == recipe and saved.seed == 2
    subjects = load_subjects(dataset)[1:2]
    batch = TrainingFeed(subjects, saved).batch(1)
    subject = {"dataset": str(dataset), "name": "head_01"}
    shown = images(worker.samples(folder=str(tmp_path / "a"), recipe=str(path), subject=subject, step=1))
    assert len(batch) == len(shown) == saved.samples
    assert all(np.array_equal(sample.image[0].numpy(), image) for sample, image in zip(batch, shown, strict=True))


def test_a_saved_recipe_trains(worker, dataset, tmp_path):
    from BrainFMEngine.cli import main

    request = {**ASKED, "recipe": "brainfm", "preset": "quick", "samples": 1, "severity": 0.5}
    path = save_recipe(worker, tmp_path / "recipe.json", folder=str(tmp_path), **request)
    command = ["train", str(dataset), "-o", str(tmp_path / "run"), "--recipe", str(path), "--device", "cpu"]
    changes = ["--set", "steps=1", "--set", "validation.every=0", "--set", "schedule.decay_steps=1"]
    assert main([*command, *changes, "--threads", "1", "--progress", "none"]) == 0
    kept = recipe_from_json(tmp_path / "run" / "recipe.json")
    assert kept.generator == recipe_from_json(path).generator


def test_a_recipe_is_not_replaced_unasked_and_contradictions_are_told(worker, tmp_path):
    path = save_recipe(worker, tmp_path / "recipe.json", **ASKED)
    before = path.read_bytes()
    error = worker.ask(save_recipe=str(path), **{**ASKED, "seed": 12})[-1]
    assert error["event"] == "error" and "there already" in error["message"] and path.read_bytes() == before
    assert worker.ask(save_recipe=str(path), overwrite=True, **{**ASKED, "seed": 12})[-1]["event"] == "done"
    assert recipe_from_json(path).seed == 12
    error = worker.ask(save_recipe=str(tmp_path / "b.json"), options={"protocol": "brainfm-56"})[-1]
    assert error["event"] == "error" and "channels" in error["message"]
    events = worker.ask(save_recipe=str(tmp_path / "c.json"), centre=[0, 0, 0])
    assert [event["event"] for event in events][-2:] == ["warning", "done"]


def test_exported_samples_can_be_replayed(worker, dataset, tmp_path, brainfm):
    labels = str(dataset.parent / "labels" / "head_00.nii.gz")
    request = {**ASKED, "anatomy": labels, "centre": [2.0, 3.0, -4.0]}
    shown = images(worker.samples(folder=str(tmp_path / "preview"), **request))
    done = worker.ask(export=str(tmp_path / "out"), targets=["segmentation"], **request)[-1]
    assert done["event"] == "done", done
    names = {Path(path).name for path in done["files"]}
    assert names == {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"sample-0.nii.gz", "sample-0.json", "overview.png", "target_distance.nii.gz"}
    kept = np.asarray(nib.load(tmp_path / "out" / "sample-1.nii.gz").dataobj)
    assert np.array_equal(kept, shown[1])
    record = tmp_path / "out" / "sample-1.json"
    outcome = brainfm("generate", labels, "-o", tmp_path / "again", "--replay", record, "--device", "cpu")
    assert outcome.code == 0, outcome.err
    assert np.array_equal(np.asarray(nib.load(tmp_path / "again" / "sample-1.nii.gz").dataobj), shown[1])
    refused = worker.ask(export=str(tmp_path / "out"), **request)[-1]
    assert refused["event"] == "error" and "already has" in refused["message"]


def test_what_can_be_asked_for_is_described(brainfm):
    outcome = brainfm("preview", "--describe")
    assert outcome.code == 0
    told = json.loads(outcome.out)
    by_path = {option["path"]: option for option in told["options"]}
    noise = by_path["corruption.noise.std"]
    assert noise["defaults"] == {"clean": [0, 0], "mild": [0.01, 1], "medium": [0.5, 5], "severe": [5, 15]}
    assert noise["follows_severity"] and noise["type"] == "range" and noise["unit"] and noise["maximum"] >= 15
    assert by_path["deformation.affine.shift_mm"]["defaults"]["mild"] == [6, 10, 30]
    assert {option["group"] for option in told["options"]} == {group["name"] for group in told["groups"]}
    assert all(Path(anatomy["path"]).is_file() and anatomy["credit"] for anatomy in told["anatomies"])
    published = json.loads(brainfm("preview", "--describe", "--preset", "paper").out)
    shift = next(o for o in published["options"] if o["path"] == "deformation.affine.shift_mm")
    assert shift["defaults"]["mild"] == [0, 0, 0]
    wrong = brainfm("preview", "--describe", "--recipe", "brainfn")
    assert wrong.code == 2 and "brainfm" in wrong.err
