"""Helpers of the tests of samples on the screen: generate, and read what the views show."""

from __future__ import annotations

import json

import module_bed
import slicer
from BrainFMTrainLib import SampleViews
from train_panel import QUICK_S, Trainer

COUNT = 4


def settle(trainer: Trainer, timeout_s: float = QUICK_S) -> None:
    """Wait until everything that was asked for is on the screen."""
    preview = trainer.module.preview
    trainer.until(lambda: not preview.requests.busy and not preview.display.busy, timeout_s)


def generate(trainer: Trainer, timeout_s: float = QUICK_S) -> None:
    """Press Generate and wait for the samples."""
    module_bed.press(trainer.ui.generateButton)
    trainer.until(lambda: trainer.module.preview.requests.busy or bool(trainer.notice))
    settle(trainer, timeout_s)


def tick(trainer: Trainer, *names: str, on: bool = True, timeout_s: float = QUICK_S) -> None:
    """Tick targets by the names of their widgets, and wait for them."""
    for name in names:
        getattr(trainer.ui, f"{name}CheckBox").checked = on
    settle(trainer, timeout_s)


def record(trainer: Trainer) -> list[dict]:
    """Return a list that gets every request that the running worker is sent from now on."""
    engine, sent = trainer.module.preview.worker._engine, []
    original = engine.send

    def send(request):
        sent.append(json.loads(json.dumps(request)))
        original(request)

    engine.send = send
    return sent


def composite(column: int, row: int = 0):
    """Node of what a view shows."""
    widget = slicer.app.layoutManager().sliceWidget(SampleViews.viewName(row, column))
    return widget.sliceLogic().GetSliceCompositeNode()


def layers(column: int, row: int = 0) -> list[tuple[str, float]]:
    """Names and opacities of what covers a sample, from bottom to top, without the outline."""
    node = composite(column, row)
    numbers = [node.LayerForeground, *(node.Layer_Last + n for n in range(node.GetNumberOfAdditionalLayers()))]
    volumes = [(node.GetNthLayerVolume(number), node.GetNthLayerOpacity(number)) for number in numbers]
    return [(volume.GetName(), round(opacity, 2)) for volume, opacity in volumes if volume is not None]


def outlined(column: int, row: int = 0) -> bool:
    """Whether the anatomy is outlined over a sample."""
    node = composite(column, row)
    widget = slicer.app.layoutManager().sliceWidget(SampleViews.viewName(row, column))
    return node.GetLabelVolumeID() is not None and widget.mrmlSliceNode().GetUseLabelOutline()


def samples() -> list:
    """Volumes of the samples."""
    nodes = (SampleViews.sampleNode(index) for index in range(SampleViews.MOST_SAMPLES))
    return [node for node in nodes if node is not None]
