"""`brainfm generate`: samples, replay, label maps that are not known, and nothing of the user's overwritten."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("torch")

SHAPE = (44, 48, 40)


def head_labels() -> np.ndarray:
    """Nested ellipsoids: skin, bone, fluid, and a brain of two halves with cortex, white matter and ventricles."""
    axes = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in SHAPE), indexing="ij")
    radius = np.sqrt((axes[0] / 20) ** 2 + (axes[1] / 22) ** 2 + (axes[2] / 18) ** 2)
    labels = np.zeros(SHAPE, np.int16)
    for limit, label in ((1.0, 511), (0.9, 515), (0.8, 24)):
        labels[radius < limit] = label
    right = axes[0] > 0
    for limit, left_label, right_label in ((0.72, 3, 42), (0.5, 2, 41), (0.2, 4, 43)):
        labels[radius < limit] = np.where(right, right_label, left_label)[radius < limit]
    return labels


@pytest.fixture
def write_labels(tmp_path):
    """Function that writes a label map, its array axes LIA as SynthSeg's maps are stored."""

    def write(name: str = "köpfe/kopf 1.nii.gz", replacing: dict[int, int] | None = None):
        labels = head_labels()
        for old, new in (replacing or {}).items():
            labels[labels == old] = new
        affine = np.array([[-1, 0, 0, 20], [0, 0, 1, -22], [0, -1, 0, 18], [0, 0, 0, 1]], float)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(np.ascontiguousarray(labels[::-1, :, ::-1].transpose(0, 2, 1)), affine), path)
        return path

    return write


@pytest.fixture
def generate(brainfm):
    """Function that runs `brainfm generate` small, on the CPU, with JSON lines."""

    def call(*arguments):
        return brainfm("generate", "--size", 32, "--device", "cpu", "--progress", "json", *arguments)

    return call


def load(path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)


def test_samples_targets_records_and_picture(generate, write_labels, tmp_path):
    folder = tmp_path / "proben ü"
    outcome = generate(write_labels(), "-o", folder, "--seed", 4, "--targets")
    assert outcome.code == 0, outcome.err
    names = {path.name for path in folder.iterdir()}
    assert names >= {f"sample-{i}.{ending}" for i in range(4) for ending in ("nii.gz", "json")}
    assert names >= {"overview.png", "target_segmentation.nii.gz", "target_distance.nii.gz"}
    assert "target_registration.nii.gz" not in names
    assert sorted(entry["path"] for entry in outcome.of("output")) == sorted(str(path) for path in folder.iterdir())
    image, labels = nib.load(folder / "sample-0.nii.gz"), nib.load(folder / "target_segmentation.nii.gz")
    assert image.shape == labels.shape == (32, 32, 32) and np.allclose(image.affine, labels.affine)
    assert set(np.unique(load(folder / "target_segmentation.nii.gz"))) >= {0, 2, 41, 3, 42}
    severities = [json.loads((folder / f"sample-{i}.json").read_text())["parameters"]["severity"] for i in range(4)]
    assert severities == sorted(set(severities))


def test_the_same_seed_and_a_replay_give_the_same_bits(generate, write_labels, tmp_path):
    labels = write_labels()
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        assert generate(labels, "-o", tmp_path / name, "--seed", seed, "--pathology").code == 0
    replay = generate(labels, "-o", tmp_path / "again", "--replay", tmp_path / "a" / "sample-2.json")
    assert replay.code == 0, replay.err
    first = load(tmp_path / "a" / "sample-2.nii.gz")
    assert np.array_equal(first, load(tmp_path / "b" / "sample-2.nii.gz"))
    assert np.array_equal(first, load(tmp_path / "again" / "sample-2.nii.gz"))
    assert not np.array_equal(first, load(tmp_path / "c" / "sample-2.nii.gz"))
    assert (tmp_path / "again" / "sample-2.json").read_bytes() == (tmp_path / "a" / "sample-2.json").read_bytes()


def test_a_replay_needs_the_files_of_the_sample(generate, write_labels, tmp_path):
    labels, other = write_labels(), write_labels("other.nii.gz", {24: 0})
    assert generate(labels, "-o", tmp_path / "a", "--samples", 1).code == 0
    outcome = generate(other, "-o", tmp_path / "b", "--replay", tmp_path / "a" / "sample-0.json")
    assert outcome.code == 2 and "another file" in outcome.of("error")[0]["message"]
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "not JSON"), ("[]", "no record"), ('{"parameters": {"format_version": 9}}', "version 9")],
)
def test_a_wrong_record_is_explained(generate, write_labels, tmp_path, text, says):
    record = tmp_path / "record.json"
    record.write_text(text)
    outcome = generate(write_labels(), "-o", tmp_path / "b", "--replay", record)
    assert outcome.code == 2 and says in outcome.of("error")[0]["message"]


def test_unknown_labels_are_listed_and_can_be_mapped(generate, write_labels, tmp_path):
    labels = write_labels(replacing={24: 4711})
    outcome = generate(labels, "-o", tmp_path / "a")
    error = outcome.of("error")[0]
    assert outcome.code == 2 and "4711" in error["message"] and "--map-labels" in error["hint"]
    table = tmp_path / "map.csv"
    table.write_text("id,known_id\n4711,24\n")
    assert generate(labels, "-o", tmp_path / "a", "--map-labels", table, "--samples", 1).code == 0


def test_a_real_scan_can_be_mixed_in_and_is_a_target(generate, write_labels, tmp_path):
    labels = write_labels()
    source = nib.load(labels)
    image = np.random.default_rng(0).random(source.shape) * 50 + 100 * (np.asarray(source.dataobj) > 0)
    scan = tmp_path / "t1 scan.nii.gz"
    nib.save(nib.Nifti1Image(image.astype(np.float32), source.affine), scan)
    outcome = generate(labels, "-o", tmp_path / "a", "--real", f"t1={scan}", "--mix", 1, "--targets", "--samples", 2)
    assert outcome.code == 0, outcome.err
    record = json.loads((tmp_path / "a" / "sample-0.json").read_text())
    assert set(record["parameters"]["mixup"]["weights"]) == {"synthetic", "T1"}
    assert (tmp_path / "a" / "target_T1.nii.gz").exists() and not (tmp_path / "a" / "target_T2.nii.gz").exists()


def test_what_is_there_is_not_replaced_unasked(generate, write_labels, tmp_path):
    labels, folder = write_labels(), tmp_path / "a"
    folder.mkdir()
    (folder / "sample-0.nii.gz").write_bytes(b"mine")
    outcome = generate(labels, "-o", folder, "--samples", 1)
    assert outcome.code == 2 and "--overwrite" in outcome.of("error")[0]["hint"]
    assert [path.name for path in folder.iterdir()] == ["sample-0.nii.gz"]
    assert (folder / "sample-0.nii.gz").read_bytes() == b"mine"
    assert generate(labels, "-o", folder, "--samples", 1, "--overwrite").code == 0


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--severity", "awful", "no severity"),
        ("--severity", "1.5", "no severity"),
        ("--real", "t1", "does not name"),
        ("--real", "t7=x.nii", "not known"),
        ("--surface", "lp=lh.pial", "surfaces are needed"),
        ("--protocol", "nope", "unknown label protocol"),
        ("--device", "gpu9", "device"),
    ],
)
def test_wrong_options_are_explained(generate, write_labels, tmp_path, option, value, says):
    outcome = generate(write_labels(), "-o", tmp_path / "a", option, value)
    assert outcome.code == 2 and says in outcome.of("error")[0]["message"]
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("size", ["7", "ten", "-40", "9999"])
def test_wrong_sizes_are_explained(brainfm, write_labels, tmp_path, size):
    outcome = brainfm("generate", write_labels(), "-o", tmp_path / "a", f"--size={size}", "--progress", "json")
    assert outcome.code == 2 and "no size" in outcome.of("error")[0]["message"]


def test_a_scan_is_no_label_map(generate, make_scan, tmp_path):
    outcome = generate(make_scan(), "-o", tmp_path / "a")
    assert outcome.code == 2 and "no label map" in outcome.of("error")[0]["message"]


def sphere(radius_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """A closed mesh of a sphere around RAS 0: rings of 40 vertices between two poles."""
    angles = 2 * np.pi * np.arange(40) / 40
    heights = np.cos(np.pi * np.arange(1, 20) / 20)
    rings = [
        np.stack([np.cos(angles) * np.sqrt(1 - h**2), np.sin(angles) * np.sqrt(1 - h**2), 0 * angles + h], 1)
        for h in heights
    ]
    vertices = radius_mm * np.concatenate([*rings, [[0, 0, 1], [0, 0, -1]]])
    faces = []
    for i in range(40):
        j = (i + 1) % 40
        faces += [[len(vertices) - 2, i, j], [len(vertices) - 1, 18 * 40 + j, 18 * 40 + i]]
        for ring in range(18):
            a, b, c, d = 40 * ring + i, 40 * ring + j, 40 * ring + 40 + i, 40 * ring + 40 + j
            faces += [[a, c, b], [b, c, d]]
    return vertices, np.array(faces)


def test_distances_come_from_surfaces_where_given(generate, write_labels, tmp_path):
    options = []
    for name, radius in (("lp", 9.0), ("lw", 6.0), ("rp", 9.0), ("rw", 6.0)):
        vertices, faces = sphere(radius)
        nib.freesurfer.write_geometry(tmp_path / name, vertices, faces)
        options += ["--surface", f"{name}={tmp_path / name}"]
    outcome = generate(write_labels(), "-o", tmp_path / "a", "--targets", "--samples", 1, "--seed", 1, *options)
    assert outcome.code == 0, outcome.err
    lp, lw, _, _ = np.moveaxis(load(tmp_path / "a" / "target_distance.nii.gz"), -1, 0)
    assert (lp < 0).sum() / (lw < 0).sum() == pytest.approx((9 / 6) ** 3, rel=0.15)


def test_a_broken_surface_is_refused(generate, write_labels, tmp_path):
    (tmp_path / "lp").write_bytes(b"\xff\xff\xfeshort")
    options = [word for name in ("lp", "lw", "rp", "rw") for word in ("--surface", f"{name}={tmp_path / 'lp'}")]
    outcome = generate(write_labels(), "-o", tmp_path / "a", *options)
    assert outcome.code == 2 and "no surface" in outcome.of("error")[0]["message"]


def test_atlas_coordinates_are_a_target(generate, write_labels, tmp_path):
    labels = write_labels()
    affine = nib.load(labels).affine
    index = np.stack(np.meshgrid(*map(np.arange, nib.load(labels).shape), indexing="ij"), -1)
    coordinates = (index @ affine[:3, :3].T + affine[:3, 3]).astype(np.float32)
    path = tmp_path / "coordinates.nii.gz"
    nib.save(nib.Nifti1Image(coordinates, affine), path)
    outcome = generate(labels, "-o", tmp_path / "a", "--coordinates", path, "--targets", "--samples", 1)
    assert outcome.code == 0, outcome.err
    target = load(tmp_path / "a" / "target_registration.nii.gz")
    head = load(tmp_path / "a" / "target_segmentation.nii.gz") > 0
    assert target.shape == (32, 32, 32, 3) and np.abs(target[head]).max() < 45 and target[head].std() > 4
    wrong = generate(labels, "-o", tmp_path / "b", "--coordinates", labels)
    assert wrong.code == 2 and "1 values a voxel" in wrong.of("error")[0]["message"]


def test_painted_targets_and_progress_that_only_rises(generate, write_labels, tmp_path):
    outcome = generate(write_labels(), "-o", tmp_path / "a", "--paint-targets", "--samples", 1)
    kinds = {entry["kind"] for entry in outcome.of("output")}
    assert kinds >= {"sample-0", "sample-0_parameters", "target_T1", "target_CT", "overview"}
    fractions = [entry["fraction"] for entry in outcome.of("progress")]
    assert fractions == sorted(fractions) and fractions[-1] == 1
