"""`brainfm predict --estimate`: which way a run will take and how much memory, from headers alone."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING

from BrainFMEngine.cli.batch import Request
from BrainFMEngine.cli.interrupt import Interrupted
from BrainFMEngine.cli.reporting import Reporter, write_line
from BrainFMEngine.errors import CancelledError
from BrainFMEngine.image.checks import check_geometry
from BrainFMEngine.image.expected import expected_shape
from BrainFMEngine.image.io import read_layout
from BrainFMEngine.image.layout import choose_frame
from BrainFMEngine.image.volume import Grid, shape_3d
from BrainFMEngine.models.store import resolve_model
from BrainFMEngine.network.info import ModelInfo, read_info
from BrainFMEngine.tasks import evaluated_tasks

if TYPE_CHECKING:
    from BrainFMEngine.inference.estimate import Estimate


def run_estimate(request: Request, reporter: Reporter) -> int:
    """Print one JSON line about the input that needs most; return 0, or the code of the error that was reported."""
    try:
        info = read_info(resolve_model(request.model))
        estimates = [_estimate(request, info, grid) for grid in _grids(request, info)]
    except (Interrupted, KeyboardInterrupt):
        return reporter.error(CancelledError())
    except Exception as error:  # every error ends as a sentence
        return reporter.error(error)
    worst = max(estimates, key=lambda found: found.memory_bytes - found.free_bytes)
    write_line(sys.stdout, json.dumps(_event(worst)))
    return 0


def _grids(request: Request, info: ModelInfo) -> list[Grid]:
    """Return the grid of every input; an input that would be refused for its header is refused here, too."""
    grids = []
    for path in request.inputs:
        layout = read_layout(path)
        choose_frame(path.name, layout.shape, request.frame)
        shape = shape_3d(layout.shape[:3])
        check_geometry(path.name, shape, layout.affine_ras, info.spacing_mm)
        grids.append(Grid(shape, layout.affine_ras))
    return grids


def _estimate(request: Request, info: ModelInfo, grid: Grid) -> Estimate:
    import torch

    from BrainFMEngine.inference.device import choose_device
    from BrainFMEngine.inference.estimate import Work, estimate
    from BrainFMEngine.inference.strategy import make_plans
    from BrainFMEngine.network.build import build_network

    config = info.network
    with torch.device("meta"):
        weights = sum(parameter.nbytes for parameter in build_network(config).parameters())
    shape = expected_shape(grid.shape, grid.affine_ras, config.size_multiple, info.spacing_mm)
    work = Work(
        config=config,
        heads=tuple(evaluated_tasks(request.tasks, config.task_heads)),
        weights=weights,
        shape=shape,
        voxels=math.prod(grid.shape if request.grid == "native" else shape),
        passes=2 if request.tta else 1,
        posteriors=request.files.posteriors,
    )
    return estimate(work, make_plans(shape, config.size_multiple, choose_device(request.device), request.window))


def _event(found: Estimate) -> dict[str, object]:
    return {
        "event": "estimate",
        "memory_bytes": found.memory_bytes,
        "free_bytes": found.free_bytes,
        "device": str(found.plan.device),
        "plan": "whole" if found.plan.window is None else "windows",
        "fits": found.fits,
    }
