"""The samples of a preview on the screen: volumes, views, targets, table; all in short steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import qt
import slicer
import vtk
from BrainFMEngine.errors import FileAccessError
from BrainFMLib.StepRunner import StepRunner
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from BrainFMTrainLib import FormerLayout, SampleNodes, SampleOverlays, SampleViews
from BrainFMTrainLib.SampleCaptions import SampleCaptions
from BrainFMTrainLib.SampleFiles import sampleImageSteps
from BrainFMTrainLib.Widgets.SampleParameters import SampleParameters
from BrainFMTrainLib.Widgets.SampleTargets import SampleTargets

_IMAGE = SampleNodes.IMAGE

Job = tuple[str, int]


class SampleDisplay(VTKObservationMixin):
    """Shows samples as they come, and targets as they are ticked.

    Args:
        ui: the form's widgets by name.

    Attributes:
        targets: what covers the samples.
        parameters: the table of what was drawn.
        askMore: called with targets that are ticked and were not asked for.
        onProblem: called with message, hint and details.
        onSceneClosed: called when the scene was closed, with all samples.
    """

    def __init__(self, ui: Any):
        VTKObservationMixin.__init__(self)
        self._ui = ui
        self.targets, self.parameters = SampleTargets(ui), SampleParameters(ui)
        self.askMore: Callable[[list[str]], None] = lambda targets: None
        self.onProblem: Callable[[str, str, str], None] = lambda message, hint, details: None
        self.onSceneClosed: Callable[[], None] = lambda: None
        self._captions = SampleCaptions()
        self._samples: dict[int, dict[str, Any]] = {}
        self._jobs: deque[Job] = deque()
        self._doing: list[Job] = []
        self._loaded: set[str] = set()
        self._asked: set[str] = set()
        self._coming = self._replace = self._arranged = self._stale = self._left = False
        self._entered = True
        self._steps: StepRunner | None = None
        self._surface, self._former = self.targets.looks().surface, ""
        self.targets.onChanged, self.targets.onOpacity = self._onTargets, self._refill
        for box in self._boxes():
            box.toggled.connect(self._onOrientation)
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.StartCloseEvent, self._onSceneCloses)
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.EndCloseEvent, self._onSceneClosed)
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.NodeRemovedEvent, self._onNodeRemoved)

    @property
    def busy(self) -> bool:
        """Whether samples are coming or being shown."""
        return self._coming or self._steps is not None

    def begin(self, targets: Iterable[str] = ()) -> None:
        """New samples were asked for, with these targets; those on the screen stay until they come."""
        self._halt()
        self._asked = set(targets)
        self._coming = self._replace = True

    def add(self, sample: dict[str, Any]) -> None:
        """Take a sample, or more targets of one that is there already, see `brainfm preview`."""
        if self._replace:
            self._samples.clear()
            self._loaded.clear()
            self._replace = self._arranged = False
        index = int(sample["index"])
        known = self._samples.get(index)
        files = {**(known["files"] if known else {}), **sample["files"]}
        self._samples[index] = {**sample, "files": files}
        wanted = ([] if known else [_IMAGE]) + [target for target in self.targets.chosen if target in sample["files"]]
        self._jobs.extend((kind, index) for kind in wanted if self._isOpen(kind, index))
        self._run()

    def finish(self) -> None:
        """All samples that were asked for have come, or will not come."""
        self._coming = self._replace = False
        self._stale = True
        self._run()
        self._askMissing()

    def enter(self) -> None:
        """The module is shown: the samples are, too, if they were when it was left."""
        self._entered = True
        if self._left and self._samples and any(SampleViews.sampleNode(index) for index in self._samples):
            self._arranged, self._stale = False, True
        self._left = False
        self._run()

    def exit(self) -> None:
        """Another module is shown: samples that still come wait for the user to come back."""
        self._entered, self._left = False, SampleViews.isShown()

    def stop(self) -> None:
        """The module goes away."""
        self._halt()
        self._arranged = False
        self._captions.clear()
        self.removeObservers()

    # What is to be done

    def _halt(self) -> None:
        self._jobs.clear()
        self._doing = []
        if self._steps is not None:
            self._steps.stop()
            self._steps = None

    def _isOpen(self, kind: str, index: int) -> bool:
        """Whether that is neither loaded nor waits to be."""
        keys = _keys(kind, index)
        waiting = {key for job in (*self._jobs, *self._doing) for key in _keys(*job)}
        return not self._loaded.issuperset(keys) and not waiting.issuperset(keys)

    def _isOpenWork(self) -> bool:
        """Whether something can be done now: views change once all samples are there."""
        return bool(self._jobs) or (self._stale and self._entered and not self._coming)

    def _run(self) -> None:
        if self._steps is None and self._isOpenWork():
            self._steps = StepRunner(self._work(), lambda step: None, self._onDone, self._onError)

    def _work(self) -> Iterator[None]:
        while self._isOpenWork():
            if self._jobs:
                self._doing = [self._jobs.popleft()]
                yield from self._load(*self._doing[0])
                self._doing = []
            else:
                self._stale = False
                yield from self._show()

    def _load(self, kind: str, index: int) -> Iterator[None]:
        sample = self._samples[index]
        path = Path(sample["files"][kind])
        try:
            if kind == _IMAGE:
                yield from self._loadImage(path, sample)
            else:
                looks = self.targets.looks()
                for _fraction in SampleOverlays.loadSteps(kind, path, index, looks):
                    yield
        except FileAccessError as error:
            self.onProblem(_("A sample cannot be read: {path}").format(path=error), error.hint, "")
            return
        self._loaded |= set(_keys(kind, index))
        self._stale = True

    def _loadImage(self, path: Path, sample: dict[str, Any]) -> Iterator[None]:
        index = int(sample["index"])
        image = yield from sampleImageSteps(path)
        name = _("Sample {n}, severity {severity:.2f}").format(n=index + 1, severity=float(sample["severity"]))
        node = SampleNodes.make(_keys(_IMAGE, index)[0], name)
        node.GetDisplayNode().SetWindowLevelMinMax(*SampleOverlays.windowOf(image.array[0]))
        yield
        SampleNodes.fill(node, image.values, image.array.shape[1:], image.affine)
        yield

    def _onDone(self, _result: None) -> None:
        self._steps = None
        self._run()

    def _onError(self, error: Exception) -> None:
        self._steps, self._doing = None, []
        self._jobs.clear()
        self.onProblem(_("The samples cannot be shown: {error}").format(error=error), "", "")

    # Views

    def _show(self) -> Iterator[None]:
        """Bring views and table up to date."""
        samples = [self._samples[index] for index in sorted(self._samples)]
        if not samples:
            return
        orientations, looks = self._orientations(), self.targets.looks()
        isNew = not self._arranged
        if isNew:
            yield from SampleNodes.removeOthers(self._loaded)
            self.parameters.show(samples)
            yield
            labels = [
                _("{n}: severity {severity:.2f}").format(n=sample["index"] + 1, severity=float(sample["severity"]))
                for sample in samples
            ]
            yield from SampleViews.arrangeSteps(labels, orientations)
            self._arranged = True
        SampleOverlays.show(looks, len(samples))
        self._tellTargets(len(samples))
        yield
        yield from SampleViews.fillSteps(len(samples), orientations, looks)
        for column, sample in enumerate(samples):
            for row in range(len(orientations)):
                text = (sample.get("summary") or "").replace("; ", "\n") if row == 0 else ""
                self._captions.show(SampleViews.viewName(row, column), text)
                yield
        if isNew:
            SampleViews.fit(len(samples), orientations)
            FormerLayout.whenDrawn(self._fit)

    def _fit(self) -> None:
        if self._arranged:
            SampleViews.fit(len(self._samples), self._orientations())

    def _tellTargets(self, count: int) -> None:
        files = {index: sample["files"] for index, sample in self._samples.items()}
        unknown = [target for target in SampleOverlays.missing(self.targets.chosen, files) if target in self._asked]
        hasBias = any(SampleOverlays.BIAS in of for of in files.values())
        reach = SampleOverlays.biasReach(count) if hasBias else 0.0
        self.targets.tell(unknown if not self._coming else [], SampleOverlays.presentLabels(), reach)

    def _refill(self) -> None:
        if self._samples:
            self._stale = True
            self._run()

    # What the user does

    def _onTargets(self) -> None:
        looks = self.targets.looks()
        if looks.surface != self._surface:
            self._surface = looks.surface
            self._loaded.discard(SampleOverlays.DISTANCE)
        for index, sample in self._samples.items():
            for target in self.targets.chosen:
                if target in sample["files"] and self._isOpen(target, index):
                    self._jobs.append((target, index))
        self._refill()
        self._askMissing()

    def _askMissing(self) -> None:
        """Ask for targets that were ticked after the samples were asked for."""
        missing = [target for target in self.targets.chosen if target not in self._asked]
        if missing and self._samples and not self._coming:
            self._asked |= set(missing)
            self._coming = True
            self.askMore(missing)

    def _onOrientation(self, _checked: bool = False) -> None:
        if self._samples and SampleViews.isShown():
            self._arranged = False
            self._refill()

    def _onSceneCloses(self, _caller: Any = None, _event: Any = None) -> None:
        self._former = FormerLayout.note()

    def _onSceneClosed(self, _caller: Any = None, _event: Any = None) -> None:
        """The volumes are gone, and the views are the user's again; the table stays."""
        self._halt()
        self._samples.clear()
        self._loaded.clear()
        self._captions.clear()
        self._arranged = self._left = self._coming = self._replace = False
        FormerLayout.noteAgain(self._former)
        qt.QTimer.singleShot(0, self._restoreLayout)  # Slicer shows the last layout once more after this event
        self.onSceneClosed()

    def _restoreLayout(self) -> None:
        if not self._samples and SampleViews.isShown():
            FormerLayout.restore()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeRemoved(self, _caller: Any, _event: Any, node: Any) -> None:
        """Nothing shall cover a sample that the user has deleted."""
        key = node.GetAttribute(SampleNodes.ATTRIBUTE) if node is not None else None
        if key in self._loaded and not slicer.mrmlScene.IsClosing():
            self._loaded.discard(key)
            self._refill()

    def _boxes(self) -> tuple[Any, ...]:
        return self._ui.axialCheckBox, self._ui.coronalCheckBox, self._ui.sagittalCheckBox

    def _orientations(self) -> list[str]:
        chosen = [name for name, box in zip(SampleViews.ORIENTATIONS, self._boxes(), strict=True) if box.checked]
        return chosen or ["Axial"]


def _keys(kind: str, index: int) -> list[str]:
    return [SampleNodes.keyOf(_IMAGE, index)] if kind == _IMAGE else SampleOverlays.keysOf(kind, index)
