"""The recipes and presets of the engine by what users call them. Its own table needs torch."""

from __future__ import annotations

from dataclasses import dataclass

from slicer.i18n import tr as _


@dataclass(frozen=True)
class Choice:
    """One thing to choose: the engine's name, what users read, and what it means."""

    name: str
    title: str
    help: str = ""


ADAPTED = ("adapt-", "super-resolution", "brain-age", "hemisphere", "low-field")
"""How the names of recipes begin that make no sense without a model to begin with."""
OF_AGES = "brain-age"


def needsModel(recipe: str, preset: str) -> bool:
    """Return whether a recipe, by its name, adapts a model; the quick test adapts none."""
    return recipe.startswith(ADAPTED) and preset != "quick" and not recipe.endswith(".json")


def needsAges(recipe: str) -> bool:
    """Return whether a recipe, by its name, learns from ages."""
    return recipe == OF_AGES


def recipes() -> list[Choice]:
    """Return what can be trained, the joint model first."""
    return [
        Choice(
            "brainfm",
            _("BrainFM: all five tasks"),
            _(
                "One network learns contrasts, anatomy, distances to the cortex, bias field and atlas registration "
                "together, from painted and real images."
            ),
        ),
        *_brainId(),
        *_adapted(),
        Choice(
            "scratch",
            _("From scratch: all five tasks"),
            _("The same network and tasks as BrainFM from painted images only, to compare with."),
        ),
        *_fromScratch(),
        Choice(
            "cifl",
            _("CIFL: contrastive features"),
            _("Features that are alike in two samples of a head, learnt without any target, to compare with."),
        ),
        *_downstream(),
    ]


def presets() -> list[Choice]:
    """Return how large a training is, in the order of the engine."""
    return [
        Choice(
            "paper",
            _("Paper: as published (needs a large GPU)"),
            _("64 maps, samples of 128³ voxels, hundreds of thousands of steps: days on a large GPU."),
        ),
        Choice(
            "compact",
            _("Compact: as the model that comes with BrainFM"),
            _("16 maps, 20 000 steps: hours on a GPU, days on a processor."),
        ),
        Choice(
            "quick",
            _("Quick test: a minute on any computer"),
            _("A tiny network and 20 steps: it shows that everything works, and learns nothing of use."),
        ),
    ]


def _tasks() -> list[tuple[str, str]]:
    return [
        ("reconstruction", _("T1 reconstruction")),
        ("segmentation", _("segmentation")),
        ("super-resolution", _("super-resolution")),
        ("bias-field", _("bias field")),
    ]


def _brainId() -> list[Choice]:
    return [
        Choice(
            "brain-id",
            _("Brain-ID: features"),
            _("Features of the anatomy that do not depend on the contrast, guided by the subject's MP-RAGE."),
        ),
        Choice(
            "brain-id-segmentation",
            _("Brain-ID guided by segmentation"),
            _("The same features, guided by the subject's segmentation instead of its MP-RAGE."),
        ),
        Choice(
            "brain-id-both",
            _("Brain-ID guided by both"),
            _("The same features, guided by MP-RAGE and segmentation together."),
        ),
    ]


def _adapted() -> list[Choice]:
    titles = [(f"adapt-{name}", _("One-layer adaptation: {task}").format(task=title)) for name, title in _tasks()]
    helps = [
        _("One layer on top of a model learns to make a clean T1w of any scan, from real images."),
        _("One layer on top of a model learns to tell structures apart, from real images."),
        _("One layer on top of a model learns to sharpen thick slices, from real images."),
        _("One layer on top of a model learns to tell shading from anatomy, from real images."),
    ]
    return [Choice(name, title, help) for (name, title), help in zip(titles, helps, strict=True)]


def _fromScratch() -> list[Choice]:
    scratch = _("The same task from random weights: what the model to adapt is worth shows in the difference.")
    return [
        Choice(f"scratch-{name}", _("From scratch: {task}").format(task=title), scratch) for name, title in _tasks()
    ]


def _downstream() -> list[Choice]:
    return [
        Choice(
            "super-resolution",
            _("Downstream: super-resolution"),
            _("A joint model goes on learning to make 1 mm of thick slices."),
        ),
        Choice(
            "brain-age",
            _("Downstream: brain age"),
            _("A joint model goes on learning the age of the subject; needs a file of ages."),
        ),
        Choice(
            "hemisphere",
            _("Downstream: one hemisphere"),
            _("A joint model goes on learning from the left half of the brain alone, as post-mortem scans show it."),
        ),
        Choice(
            "low-field",
            _("Downstream: low-field MRI"),
            _("A joint model goes on learning from samples as portable scanners deliver them."),
        ),
    ]
