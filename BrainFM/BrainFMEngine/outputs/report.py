"""The report of a run: everything needed to say where the results came from. Written last, it marks completeness."""

from __future__ import annotations

import json
import platform
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from BrainFMEngine import __version__
from BrainFMEngine.errors import FileAccessError
from BrainFMEngine.hashing import file_sha256
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.outputs.fileset import FileSet
from BrainFMEngine.outputs.memory import peak_memory_mb
from BrainFMEngine.outputs.naming import REPORT
from BrainFMEngine.outputs.qc import QualityControl

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction

STATEMENT = "Research use only: not a medical device, not for diagnosis or treatment."


def write_report(prediction: Prediction, quality: QualityControl, warnings: list[str], files: FileSet) -> None:
    """Write `report.json`; call it after every other file."""
    path = files.add("report", REPORT)
    text = json.dumps(_content(prediction, quality, warnings, files), indent=2, ensure_ascii=False, default=str)
    path.write_text(text + "\n", encoding="utf-8")


def _content(prediction: Prediction, quality: QualityControl, warnings: list[str], files: FileSet) -> dict[str, Any]:
    return {
        "format": 1,
        "statement": STATEMENT,
        "version": __version__,
        "written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "platform": {"python": platform.python_version(), "system": platform.platform(), **_torch_version()},
        "model": _model(prediction),
        "options": {**prediction.options, **files.options},
        "device": prediction.device,
        "seconds": {stage: round(seconds, 3) for stage, seconds in prediction.seconds.items()},
        "peak_memory_mb": peak_memory_mb(),
        "input": _input(prediction, warnings),
        "grid": _grid(files.grid),
        "verdict": quality.verdict,
        "warnings": warnings,
        "outputs": {kind: path.name for kind, path in files.paths.items()},
    }


def _model(prediction: Prediction) -> dict[str, str] | None:
    model = prediction.model
    return {"name": model.name, "title": model.title, "sha256": model.sha256} if model is not None else None


def _torch_version() -> dict[str, str]:
    torch = sys.modules.get("torch")
    return {"torch": str(torch.__version__)} if torch else {}


def _input(prediction: Prediction, warnings: list[str]) -> dict[str, Any]:
    native = prediction.conformed.native
    entry: dict[str, Any] = {
        "name": None,
        "sha256": None,
        "modality": prediction.conformed.modality,
        "grid": _grid(native.grid),
    }
    if native.source is not None:
        entry["name"] = native.source.name
        try:
            entry["sha256"] = file_sha256(native.source)
        except FileAccessError:
            warnings.append("the input file was gone when the report was written, so it has no checksum")
    return entry


def _grid(grid: Grid) -> dict[str, Any]:
    return {
        "shape": list(grid.shape),
        "spacing_mm": [round(float(spacing), 6) for spacing in grid.spacing_mm],
        "affine_ras": [[float(value) for value in row] for row in grid.affine_ras],
    }
