"""The arrays of a subject's `.npz`, as they are stored and as every reader may rely on them. Torch-free."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from BrainFMEngine.errors import FileAccessError, InputImageError
from BrainFMEngine.generator.labels import SCHEMES, LabelScheme
from BrainFMEngine.generator.subject_units import COARSE_STEP
from BrainFMEngine.generator.tissues import CONTRASTS
from BrainFMEngine.image.volume import Shape3D, shape_3d

IMAGE_PREFIX = "image_"
MASK = "brain_mask"
KINDS = {"rows": "uint8", "distance": "uint8", "atlas_mm": "float16", "affine_ras": "float64", MASK: "uint8"}
HINT = "Prepare the subject again."


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a subject and hold them to what the format promises.

    Raises:
        FileAccessError: the file cannot be read.
        InputImageError: it is damaged, or its arrays do not belong together.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
    except (zipfile.BadZipFile, ValueError, EOFError, KeyError, NotImplementedError) as error:
        raise InputImageError(f"{path.name} is damaged", HINT) from error
    except OSError as error:
        raise FileAccessError(f"cannot read {path}: {error.strerror or error}", HINT) from error
    except Exception as error:  # zlib.error and what else broken bytes cause
        raise InputImageError(f"{path.name} is damaged", HINT) from error
    _check_arrays(path.name, arrays)
    return arrays


def mask_of(arrays: dict[str, np.ndarray]) -> np.ndarray | None:
    """Return the brain mask of checked arrays, (X, Y, Z) bool, or None."""
    if MASK not in arrays:
        return None
    shape = shape_of(arrays)
    return np.unpackbits(arrays[MASK], count=int(np.prod(shape))).reshape(shape).astype(bool)


def shape_of(arrays: dict[str, np.ndarray]) -> Shape3D:
    """Return the (X, Y, Z) of a subject's arrays."""
    volumes = [array for key, array in arrays.items() if key == "rows" or key.startswith(IMAGE_PREFIX)]
    return shape_3d(volumes[0].shape[:3])


def find_scheme(name: str | None) -> LabelScheme:
    """Return the label scheme of that name, the first one for None; InputImageError if there is none."""
    known = {scheme().name: scheme() for scheme in SCHEMES}
    if name is not None and name not in known:
        raise InputImageError(f"unknown label scheme {name!r}", f"Known: {', '.join(known)}.")
    return known[name] if name else SCHEMES[0]()


def _check_arrays(name: str, arrays: dict[str, np.ndarray]) -> None:
    for key, array in arrays.items():
        kind = "float16" if key.startswith(IMAGE_PREFIX) else KINDS.get(key)
        if kind is None or (key.startswith(IMAGE_PREFIX) and key.removeprefix(IMAGE_PREFIX) not in CONTRASTS):
            raise InputImageError(f"{name} has an unknown array {key!r}", HINT)
        if array.dtype != kind:
            raise InputImageError(f"{name}: {key} is {array.dtype} and not {kind}", HINT)
    if not any(key == "rows" or key.startswith(IMAGE_PREFIX) for key in arrays):
        raise InputImageError(f"{name} has neither labels nor images", HINT)
    if arrays.get("affine_ras", np.empty(0)).shape != (4, 4):
        raise InputImageError(f"{name} lacks its affine", HINT)
    if any(array.ndim != 3 for key, array in arrays.items() if key == "rows" or key.startswith(IMAGE_PREFIX)):
        raise InputImageError(f"{name} has a volume that is not three-dimensional", HINT)
    shape = shape_of(arrays)
    promised = {
        "rows": shape,
        "distance": (4, *shape),
        "atlas_mm": (3, *(-(-n // COARSE_STEP) + 1 for n in shape)),
        MASK: (-(-int(np.prod(shape)) // 8),),
    }
    for key, array in arrays.items():
        expected = shape if key.startswith(IMAGE_PREFIX) else promised.get(key, array.shape)
        if array.shape != expected:
            raise InputImageError(f"{name}: {key} has shape {array.shape} and not {expected}", HINT)
