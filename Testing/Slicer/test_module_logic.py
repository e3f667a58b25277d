"""Scripts: the logic without a widget, blocking and not."""

import module_bed
import pytest
import qt
import slicer
from BrainFMLib.EngineProcess import EngineProcess
from BrainFMLib.Logic import PredictionError
from BrainFMLib.Prediction import Prediction
from BrainFMLib.PredictionRequest import PredictionRequest, VolumeSource
from BrainFMLib.ResultSet import ResultSet
from module_panel import folder  # noqa: F401
from result_folder import ResultFolder

pytestmark = pytest.mark.gui


@pytest.fixture
def logic(scene, folder):  # noqa: F811
    """The module's logic with a worker that succeeds."""
    from BrainFM import BrainFMLogic

    logic = BrainFMLogic()
    logic.makeEngine = lambda: module_bed.stub("--results", folder.folder, "succeed")
    yield logic
    logic.discard()


def test_process_returns_the_results(logic):
    volume, told = module_bed.head("Case"), []
    found = logic.process(volume, onProgress=lambda *progress: told.append(progress))
    assert found == ResultSet.of(volume)
    assert found.get("dseg").GetName() == "Case_Segmentation"
    assert told and told[-1][1] > 0.9
    assert not logic.running


def test_process_of_several_volumes(logic):
    volumes = [module_bed.head(name) for name in ("A", "B")]
    assert logic.process(volumes, ["anatomy"]) == [ResultSet.of(volume) for volume in volumes]


def test_the_event_loop_runs_meanwhile(logic):
    ticks = []
    timer = qt.QTimer()
    timer.setInterval(20)
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start()
    logic.process(module_bed.head())
    timer.stop()
    assert len(ticks) > 1


def test_process_async(logic, pump):
    outcomes = []
    prediction = logic.processAsync(module_bed.head(), tasks=("contrasts",), onFinished=outcomes.append)
    assert isinstance(prediction, Prediction) and logic.running and not outcomes
    assert pump(lambda: outcomes, 20)
    assert outcomes[0].state == "done" and outcomes[0].resultSets


def test_options_reach_the_engine(logic):
    seen = []
    make = logic.makeEngine

    def recorded():
        engine = make()
        start = engine.start
        engine.start = lambda arguments: (seen.extend(arguments), start(arguments))
        return engine

    logic.makeEngine = recorded
    logic.process(module_bed.head(), ["bias"], device="cpu", modality="ct", grid="1mm", flip=True, mode="new")
    options = dict(zip(seen, seen[1:], strict=False))
    assert options["--tasks"] == "bias" and options["--device"] == "cpu" and options["--modality"] == "ct"
    assert options["--grid"] == "1mm" and "--tta" in seen


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"tasks": ["brain"]}, "Unknown task: brain"),
        ({"tasks": []}, "nothing to make"),
    ],
)
def test_requests_that_make_no_sense_are_refused(logic, arguments, says):
    with pytest.raises(PredictionError, match=says):
        logic.process(module_bed.head(), **arguments)
    assert not logic.running


def test_an_unusable_volume_is_refused(logic):
    label = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    with pytest.raises(PredictionError, match="Labels"):
        logic.process(label)
    with pytest.raises(PredictionError, match="no scan"):
        logic.process(None)


def test_a_failure_raises_with_sentence_and_hint(logic):
    logic.makeEngine = lambda: module_bed.stub("fail")
    with pytest.raises(PredictionError) as caught:
        logic.process(module_bed.head())
    assert caught.value.message == "the scan has no intensities"
    assert caught.value.hint == "Choose another scan."
    assert "Choose another" in str(caught.value)
    assert caught.value.outcome.state == "failed"


def test_cancel_from_a_timer(logic):
    logic.makeEngine = lambda: module_bed.stub("hang")
    qt.QTimer.singleShot(700, logic.cancel)
    with pytest.raises(PredictionError, match="Nothing was changed"):
        logic.process(module_bed.head())


def test_process_ends_when_the_module_goes_away(logic):
    logic.makeEngine = lambda: module_bed.stub("hang")
    qt.QTimer.singleShot(700, logic.discard)
    with pytest.raises(PredictionError, match="closed"):
        logic.process(module_bed.head())


def test_a_prediction_is_used_once(logic, pump):
    prediction = logic.processAsync(module_bed.head())
    prediction.start()
    prediction.cancel()
    prediction.cancel()
    assert pump(lambda: not prediction.running, 5)
    prediction.cancel()
    prediction.discard()
    assert prediction.state == "cancelled"


def test_results_at_1_mm_and_under_a_transform(logic, folder, tmp_path):  # noqa: F811
    import numpy as np

    volume = module_bed.head("Moved")
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = np.eye(4)
    matrix[:3, 3] = (5, -7, 11)
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    volume.SetAndObserveTransformNodeID(transform.GetID())
    moved = ResultFolder(tmp_path, "moved", module_bed.SHAPE, matrix @ module_bed.AFFINE).write()
    logic.makeEngine = lambda: module_bed.stub("--results", moved.folder, "succeed")
    found = logic.process(volume)
    assert found.get("T1w").GetParentTransformNode() is transform
    ijkToRAS = slicer.util.arrayFromVTKMatrix(_matrix(found.get("T1w")))
    np.testing.assert_allclose(ijkToRAS, module_bed.AFFINE, atol=1e-6)


def _matrix(volume):
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix


def test_nothing_of_qt_is_needed_to_describe_a_run(scene):
    request = PredictionRequest([VolumeSource.of(module_bed.head())], groups=("anatomy", "contrasts"))
    assert request.tasks() == ["t1", "t2", "flair", "ct", "seg"]
    assert request.bytesNeeded() > 0
    assert EngineProcess().running is False
