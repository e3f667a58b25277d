"""What the recipes of training would need beside the subjects of a dataset, told by `brainfm prepare --check`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from BrainFMEngine.cli.reporting import Reporter

if TYPE_CHECKING:
    from BrainFMEngine.dataset.needs import Needs
    from BrainFMEngine.dataset.subject_checks import Problem

RECIPE, PRESETS = "brainfm", ("compact", "paper")


def tell_needs(needs: Needs, reporter: Reporter) -> list[Problem]:
    """Tell memory and disk that training will need, and return what is too little."""
    from BrainFMEngine.dataset.needs import GIB
    from BrainFMEngine.dataset.subject_checks import Problem
    from BrainFMEngine.training.estimate import estimate_run
    from BrainFMEngine.training.recipes import find_recipe

    estimates = {preset: estimate_run(find_recipe(RECIPE, preset), ()) for preset in PRESETS}
    words = [
        f"{preset} needs {found.step_bytes / GIB:.1f} GiB of memory for a step and {found.disk_bytes / GIB:.1f} GiB of "
        "disk for checkpoints"
        for preset, found in estimates.items()
    ]
    presets = [
        {"preset": preset, "step_bytes": found.step_bytes, "disk_bytes": found.disk_bytes}
        for preset, found in estimates.items()
    ]
    reporter.tell(
        "needs", f"{needs.sentence()}; beside them, preset {'; '.join(words)}", **asdict(needs), presets=presets
    )
    smallest = min(found.step_bytes for found in estimates.values())
    if needs.memory_free < smallest:
        text = f"a step of preset {PRESETS[0]} needs {smallest / GIB:.1f} GiB of memory"
        return [Problem(None, "warning", f"{text}, {needs.memory_free / GIB:.1f} are free on the processor")]
    return []
