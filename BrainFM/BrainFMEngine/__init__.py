"""BrainFM's engine: one scan in; contrasts, anatomy, distances, bias field and atlas coordinates out.

Rules of this package: it never imports slicer, qt, ctk or vtk; importing it does not import torch (the two
names below load on first use); everything the command line does can be done from Python with the same code.

>>> from BrainFMEngine import Predictor, load_model          # doctest: +SKIP
>>> Predictor(load_model("compact")).predict("head.nii.gz")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["Predictor", "load_model", "__version__"]

if TYPE_CHECKING:
    from BrainFMEngine.inference.predictor import Predictor
    from BrainFMEngine.models import load_model


def __getattr__(name: str):
    if name == "load_model":
        from BrainFMEngine.models import load_model

        return load_model
    if name == "Predictor":
        from BrainFMEngine.inference.predictor import Predictor

        return Predictor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
