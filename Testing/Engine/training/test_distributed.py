"""Two processes are one with twice the samples."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from BrainFMEngine.training.distributed import Group

TESTING = Path(__file__).parents[2]

RUN = r"""
import sys, torch
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from boxes import box_subject
from BrainFMEngine.training.distributed import Group
from BrainFMEngine.training.learner import Learner
from BrainFMEngine.training.recipe import with_values
from BrainFMEngine.training.recipes import named_recipe
from BrainFMEngine.training.start import initial_network
from BrainFMEngine.training.trainer import Trainer
torch.set_num_threads(1)
folder = Path(sys.argv[2])
with Group.from_environment("cpu") as group:
    changes = {"steps": 3, "validation.every": 0, "accumulation": int(sys.argv[3])}
    recipe = with_values(named_recipe("brainfm", "quick"), changes)
    subjects = [box_subject(), replace(box_subject(("T1",)), name="scanned")]
    trainer = Trainer(recipe, Learner(recipe, initial_network(recipe), group), subjects, folder, group=group)
    if len(sys.argv) > 4:
        assert trainer.resume()
    trainer.run()
    weights = {name: tensor.clone() for name, tensor in trainer.learner.network.state_dict().items()}
    torch.save(weights, folder / f"weights-{group.rank}.pt")
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no distributed training")
def test_two_processes_equal_one_with_twice_the_samples(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(RUN, encoding="utf-8")
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    subprocess.run([sys.executable, script, TESTING, one, "2"], check=True, timeout=300)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*launch, script, TESTING, two, "1"], check=True, timeout=300)
    alone, first, second = (
        torch.load(path, weights_only=True)
        for path in (one / "weights-0.pt", two / "weights-0.pt", two / "weights-1.pt")
    )
    for name, tensor in alone.items():
        assert torch.equal(first[name], second[name]), name
        assert torch.allclose(first[name], tensor, rtol=1e-5, atol=1e-6), name  # sums in another order; a step is 1e-4
    curves = [[json.loads(line)["loss"] for line in (f / "log.jsonl").read_text().splitlines()] for f in (one, two)]
    assert curves[0] == pytest.approx(curves[1], rel=1e-6)


def test_alone_nothing_is_sent():
    group = Group()
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.full((2,), 3.0)
    group.sum_gradients([parameter])
    assert parameter.grad.tolist() == [3, 3]
    assert group.any(True) and not group.any(False)
    assert group.mean_terms({"a": 1.0}) == {"a": 1.0}
    assert group.share("x") == "x"
