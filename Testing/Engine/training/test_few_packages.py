"""A training run needs torch, numpy and safetensors; nothing else has to be on a machine with a GPU."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from boxes import box_subject, write_dataset

OTHERS = ("nibabel", "SimpleITK", "scipy", "skimage", "PIL", "rich", "typer", "click", "psutil", "monai")

RUN = """
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

class Refused(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[3].split(","):
            raise ImportError(f"{name} is not installed")

sys.meta_path.insert(0, Refused())
from BrainFMEngine.training.recipe import with_values
from BrainFMEngine.training.recipes import named_recipe
from BrainFMEngine.training.run import RunRequest, plan, train
from BrainFMEngine.training.stop import StopSignal

recipe = with_values(named_recipe("brainfm", "quick"), {"steps": 2, "validation.every": 1})
request = RunRequest(Path(sys.argv[1]), Path(sys.argv[2]), recipe, device="cpu", threads=1)
assert plan(request).step_bytes > 0
outcome = train(request, StopSignal())
assert outcome.step == 2 and not outcome.reason
"""


def test_a_run_with_nothing_else_installed(tmp_path):
    heads = [replace(box_subject(("T1",)), name=name) for name in ("first", "second")]
    dataset = write_dataset(tmp_path / "dataset", heads[:1], heads[1:])
    command = [sys.executable, "-c", RUN, str(dataset), str(tmp_path / "run"), ",".join(OTHERS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model" / "model.json").exists()
    assert "validation/seg/mean Dice" in (tmp_path / "run" / "metrics.csv").read_text()
    assert not (tmp_path / "run" / "pictures").exists()
