"""Targets over samples: ticks, opacities, legends; only what is missing is asked for."""

import numpy as np
import pytest
import slicer
from BrainFMTrainLib import SampleColors, SampleFiles, SampleNodes, SampleOverlays
from shown_samples import COUNT, generate, layers, outlined, record, samples, settle, tick
from train_panel import trainer  # noqa: F401

pytestmark = pytest.mark.gui
TARGETS = ("segmentation", "distance", "atlas", "bias", "clean", "grid")


def values(key):
    return slicer.util.arrayFromVolume(SampleNodes.find(key))


def color(node, value):
    """Colour and presence of a value, as Slicer looks it up: a window of 256 steps."""
    display = node.GetDisplayNode()
    low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
    step = int(np.clip((value - low) / (high - low) * 255, 0, 255))
    found = [0.0] * 4
    display.GetColorNode().GetColor(step, found)
    return tuple(round(255 * part) for part in found[:3]), bool(found[3])


def test_every_target_can_cover_the_samples_at_once(trainer):  # noqa: F811
    tick(trainer, "outline", *TARGETS)
    generate(trainer)
    assert [name for name, _opacity in layers(0)] == [
        "Sample 1 before corruption",
        "Bias field of sample 1, logarithm",
        "Anatomy",
        "Distance to the nearest surface, mm",
        "Deformation grid",
        "Atlas, left to right, mm",
        "Atlas, back to front, mm",
    ]
    assert all(outlined(column) for column in range(COUNT))
    assert "Bias field" not in str(layers(2)), "a CT has no bias field"


def test_a_tick_asks_only_for_what_is_missing(trainer):  # noqa: F811
    tick(trainer, "distance")
    generate(trainer)
    before = [slicer.util.arrayFromVolume(node).copy() for node in samples()]
    sent = record(trainer)
    trainer.ui.previewSeedSpinBox.value += 1
    tick(trainer, "bias")
    assert [request["targets"] for request in sent] == [["bias_field_log"]]
    assert len(layers(0)) == 2 and len(samples()) == COUNT
    after = [slicer.util.arrayFromVolume(node) for node in samples()]
    assert all(np.array_equal(first, second) for first, second in zip(before, after, strict=True))
    tick(trainer, "bias", "distance", on=False)
    assert not layers(0)
    tick(trainer, "bias", "distance")
    assert len(layers(0)) == 2 and len(sent) == 1


def test_outline_and_segmentation_are_independent_but_asked_for_once(trainer):  # noqa: F811
    generate(trainer)
    sent = record(trainer)
    tick(trainer, "outline")
    assert outlined(0) and not layers(0)
    tick(trainer, "segmentation")
    assert outlined(0) and [name for name, _opacity in layers(0)] == ["Anatomy"]
    tick(trainer, "outline", on=False)
    assert not outlined(0) and layers(0)
    assert [request["targets"] for request in sent] == [["segmentation"]]


def test_a_tick_while_samples_come_is_not_lost(trainer):  # noqa: F811
    generate(trainer)
    trainer.ui.generateButton.click()
    trainer.ui.gridCheckBox.checked = True
    settle(trainer)
    assert [name for name, _opacity in layers(3)] == ["Deformation grid"]


def test_the_slider_sets_the_opacity(trainer):  # noqa: F811
    tick(trainer, "clean", "distance")
    generate(trainer)
    trainer.ui.cleanOpacitySlider.value = 25
    settle(trainer)
    assert dict(layers(1))["Sample 2 before corruption"] == 0.25
    trainer.ui.distanceOpacitySlider.value = 40
    settle(trainer)
    assert dict(layers(3))["Distance to the nearest surface, mm"] == 0.4
    assert not trainer.ui.gridOpacitySlider.enabled


def test_segmentation_has_freesurfer_names_and_colours(trainer):  # noqa: F811
    tick(trainer, "segmentation")
    generate(trainer)
    node = SampleNodes.find("segmentation")
    table = node.GetDisplayNode().GetColorNode()
    found = [0.0] * 4
    table.GetColor(17, found)
    assert table.GetColorName(17) == "Left-Hippocampus"
    assert [round(255 * part) for part in found] == [220, 216, 20, 255]
    table.GetColor(0, found)
    assert found[3] == 0
    legend = trainer.ui.segmentationLegendLabel.text
    assert "Hippocampus" in legend and "rgb(220, 216, 20)" in legend and "Thalamus" not in legend


def test_distances_are_centred_on_the_surface_that_is_chosen(trainer):  # noqa: F811
    tick(trainer, "distance")
    generate(trainer)
    node = SampleNodes.find("distance")
    low, zero, high = (color(node, value) for value in (-2.0, 0.0, 2.0))
    assert min(zero[0]) > 235 and low[0][2] > low[0][0] and high[0][0] > high[0][2]
    assert all(found[1] for found in (low, zero, high)) and not color(node, 3.0)[1] and not color(node, -3.0)[1]
    assert values("distance")[0, 0].tolist() == [-2, -1, 0, 0, 0, 0, 1, 2]
    sent = record(trainer)
    trainer.ui.surfaceComboBox.currentIndex = 2
    settle(trainer)
    assert values("distance")[0, 0].tolist() == [-3, -2, -1, 0, 1, 2, 3, 4] and not sent
    assert [name for name, _opacity in layers(0)] == ["Distance to the left white, mm"]


def test_atlas_coordinates_are_lines_of_millimetres(trainer):  # noqa: F811
    trainer.ui.coronalCheckBox.checked = True
    tick(trainer, "atlas")
    generate(trainer)
    assert [name[:14] for name, _opacity in layers(0, row=1)] == ["Atlas, left to", "Atlas, bottom "]
    node = SampleNodes.find("registration-y")
    lines = [mm for mm in range(-60, 61) if color(node, mm)[1]]
    assert lines == [-60, -40, -20, -1, 0, 1, 20, 40, 60] and color(node, 20)[0] == SampleColors.AXIS_COLORS["y"]
    assert values("registration-y")[0, :, 0].tolist() == list(range(-30, 50, 10))
    trainer.ui.spacingComboBox.currentIndex = 0
    settle(trainer)
    assert color(node, 10)[1] and color(node, -50)[1] and not color(node, 15)[1]


def test_bias_fields_can_be_compared(trainer):  # noqa: F811
    tick(trainer, "bias")
    generate(trainer)
    nodes = [SampleNodes.find(f"bias_field_log-{index}") for index in (0, 1, 3)]
    windows = {(node.GetDisplayNode().GetWindowLevelMin(), node.GetDisplayNode().GetWindowLevelMax()) for node in nodes}
    ((low, high),) = windows
    neutral, darker, brighter = (color(nodes[0], value)[0] for value in (0.0, low, high))
    assert low == -high and max(neutral) - min(neutral) < 12
    assert darker[1] < min(darker[0], darker[2]) and brighter[1] > max(brighter[0], brighter[2])
    assert "× " in trainer.ui.biasLegendLabel.text and "brighter" in trainer.ui.biasLegendLabel.text


def test_the_grid_is_drawn_where_cubes_meet(trainer):  # noqa: F811
    tick(trainer, "grid")
    generate(trainer)
    node = SampleNodes.find("deformation_grid")
    assert values("deformation_grid").dtype == np.float32 and set(np.unique(values("deformation_grid"))) == {0, 1}
    assert [color(node, value)[1] for value in (0.0, 0.5, 1.0)] == [False, True, False]


def test_what_nobody_knows_is_told_and_not_asked_for_again(trainer):  # noqa: F811
    trainer.behave("--without", "registration")
    generate(trainer)
    sent = record(trainer)
    tick(trainer, "atlas")
    assert trainer.ui.atlasLegendLabel.text == "Nobody knows this for this head." and not layers(0)
    tick(trainer, "atlas", on=False)
    tick(trainer, "atlas")
    assert len(sent) == 1


def test_a_file_that_is_gone_is_told(trainer):  # noqa: F811
    tick(trainer, "distance")
    generate(trainer)
    for path in trainer.module.preview.worker.folder().rglob("target_distance.nii"):
        path.unlink()
    trainer.ui.surfaceComboBox.currentIndex = 1
    settle(trainer)
    assert "target_distance.nii" in trainer.notice and "Generate again" in trainer.notice


def test_ticks_are_remembered(trainer, open_module, pump):  # noqa: F811
    tick(trainer, "outline", "grid")
    ui = type(trainer.module.preview.display.targets)(trainer.ui)
    assert ui.chosen == ["segmentation", "deformation_grid"] and ui.looks().shown == ("deformation_grid",)


def test_the_ticks_have_their_room_and_no_more(trainer):  # noqa: F811
    ui = trainer.ui
    for section in ("preview", "data", "training", "runs"):
        getattr(ui, f"{section}CollapsibleButton").collapsed = section != "preview"
    trainer.pump(timeout_s=0.5)
    boxes = [getattr(ui, f"{name}CheckBox") for name in TARGETS]
    assert all(box.height >= box.sizeHint().height() for box in boxes)
    assert ui.targetsContents.height - (boxes[-1].y + boxes[-1].height) < 5
    assert ui.realImagesGroupBox.collapsed and ui.realImagesGroupBox.height < 30


def test_no_atlas_lines_are_drawn_where_the_head_ends(scene, tmp_path, monkeypatch):
    coordinates = np.zeros((3, 4, 4, 4), np.float32)
    coordinates[..., 1:3] = np.reshape((20, 0, -7), (3, 1, 1, 1))

    def read(_path):
        yield 1.0
        return SampleFiles.SampleImage(coordinates, SampleFiles.vtkArray(coordinates), np.eye(4))

    monkeypatch.setattr(SampleOverlays, "sampleImageSteps", read)
    for _fraction in SampleOverlays.loadSteps("registration", tmp_path, 0, SampleOverlays.Looks()):
        pass
    nodes = [SampleNodes.find(f"registration-{axis}") for axis in "xyz"]
    for node, known in zip(nodes, (20, 0, -7), strict=True):
        array = slicer.util.arrayFromVolume(node)
        assert (array[..., 1:3] == known).all() and not color(node, array[0, 0, 0])[1]
    assert color(nodes[1], 0)[1]
