from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from BrainFMEngine.errors import UsageError
from BrainFMEngine.inference.prediction import Prediction
from BrainFMEngine.outputs import OutputOptions, require_surfaces, surfaces, write_results
from BrainFMEngine.outputs.surfaces import extract_surface, signed_volume_mm3
from phantom_head import make_prediction

SPHERE_MM3 = 4 / 3 * np.pi * 30**3


def distances(prediction: Prediction) -> dict[str, np.ndarray]:
    return {name: prediction.maps[name] for name in ("lp", "lw", "rp", "rw")}


def test_missing_scikit_image_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, phantom) -> None:
    monkeypatch.setattr(surfaces, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as refusal:
        write_results(phantom, tmp_path, "a", OutputOptions(surfaces=True))
    assert 'pip install "brainfm[surfaces]"' in refusal.value.hint
    assert list(tmp_path.iterdir()) == []


def test_surfaces_are_closed_outward_spheres_in_scan_millimetres(phantom: Prediction, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    require_surfaces()
    one = replace(phantom, maps=distances(phantom), options={"tasks": ["distance"]})
    files = write_results(one, tmp_path, "a", OutputOptions(surfaces=True))
    for kind, side, name in (("lp", -1, "hemi-L_pial"), ("rp", 1, "hemi-R_pial")):
        path = files[f"surface_{kind}"]
        assert path.name == f"a_{name}.surf.gii"
        mesh = nib.load(path)
        vertices, triangles = mesh.agg_data("pointset"), mesh.agg_data("triangle")
        radius = np.linalg.norm(vertices - [32.0 * side, 0, 0], axis=1)
        assert np.abs(radius - 30).max() < 1.0
        assert signed_volume_mm3(vertices.astype(float), triangles) == pytest.approx(SPHERE_MM3, rel=0.05)
        edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
        assert set(np.unique(edges, axis=0, return_counts=True)[1]) == {2}
        points = mesh.get_arrays_from_intent("NIFTI_INTENT_POINTSET")[0]
        assert points.coordsys.xform.tolist() == np.eye(4).tolist()
        assert points.meta["AnatomicalStructurePrimary"] == ("CortexLeft" if side < 0 else "CortexRight")


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_triangles_face_outward_on_either_handedness(sign: float) -> None:
    pytest.importorskip("skimage")
    affine = np.diag([sign * 3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ [24, 24, 24]
    prediction = make_prediction(None, (49, 49, 49), affine_ras=affine)
    vertices, triangles = extract_surface(prediction.maps["lp"], prediction.grid)
    assert signed_volume_mm3(vertices.astype(float), triangles) > 0
    assert vertices[:, 0].mean() == pytest.approx(-32, abs=1)


def test_no_inside_gives_a_warning_and_no_file(phantom: Prediction, tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    maps = distances(phantom) | {"rw": np.full(phantom.grid.shape, 3.0, dtype=np.float32)}
    one = replace(phantom, maps=maps, options={"tasks": ["distance"]})
    files = write_results(one, tmp_path, "a", OutputOptions(surfaces=True))
    assert "surface_rw" not in files and "surface_lw" in files
    assert "hemi-R_white" in files["qc"].read_text(encoding="utf-8")
