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


def recipes() -> list[Choice]:
    """Return what can be trained, the joint model first."""
    adapted = _("One task learnt on top of a Brain-ID model, from real images.")
    scratch = _("The same task from random weights, to compare with.")
    tasks = (
        ("reconstruction", _("T1 reconstruction")),
        ("segmentation", _("segmentation")),
        ("super-resolution", _("super-resolution")),
        ("bias-field", _("bias field")),
    )
    return [
        Choice("brainfm", _("BrainFM: all five tasks"), _("Synthesis, segmentation, distances, bias, registration.")),
        Choice(
            "brain-id", _("Brain-ID: features"), _("Features that do not depend on the contrast, guided by MP-RAGE.")
        ),
        Choice("brain-id-segmentation", _("Brain-ID guided by segmentation")),
        Choice("brain-id-both", _("Brain-ID guided by both")),
        *(Choice(f"adapt-{name}", _("Adapt: {task}").format(task=task), adapted) for name, task in tasks),
        Choice("scratch", _("From scratch: all five tasks"), _("As BrainFM, from painted samples only.")),
        *(Choice(f"scratch-{name}", _("From scratch: {task}").format(task=task), scratch) for name, task in tasks),
        Choice("cifl", _("CIFL: contrastive features"), _("Features from pairs of samples, without any target.")),
        Choice("super-resolution", _("Downstream: super-resolution")),
        Choice("brain-age", _("Downstream: brain age")),
        Choice("hemisphere", _("Downstream: one hemisphere")),
        Choice("low-field", _("Downstream: low-field MRI")),
    ]


def presets() -> list[Choice]:
    """Return how large a training is, in the order of the engine."""
    return [
        Choice("paper", _("Paper: as published (needs a large GPU)"), _("64 maps, 128³ samples, days on a GPU.")),
        Choice("compact", _("Compact: as the model that comes with BrainFM"), _("16 maps, 20 000 steps.")),
        Choice("quick", _("Quick test: a minute on any computer"), _("A tiny network and 20 steps, to see it work.")),
    ]
