"""Label schemes: what they know, what shares what, and how a label map becomes rows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from BrainFMEngine.anatomy.protocols import BRAINFM_56, BRAINID_33, COMPACT_40, PROTOCOLS
from BrainFMEngine.errors import FileAccessError, InputImageError, UsageError
from BrainFMEngine.generator.label_maps import read_label_map_csv, recognise, to_rows
from BrainFMEngine.generator.labels import (
    brainfm_scheme,
    freesurfer_scheme,
    mirror_rows,
    rows_to_channels,
    tissue_table,
)
from BrainFMEngine.generator.tissues import tissue_sources, tissues

ASEG = [0, 2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 24, 26, 28, 30, 31, 41, 42, 43, 44, 46, 47, 49, 50]
ASEG += [51, 52, 53, 54, 58, 60, 62, 63, 72, 77, 78, 79, 80, 85, 165, 192, 251, 252, 253, 254, 255, 258, 259, 260]
APARC = [*range(1000, 1036), *range(2000, 2036), 11101, 11175, 12101, 12175]
WMPARC = [*range(3000, 3036), *range(4000, 4036), 5001, 5002]


@pytest.fixture(params=[freesurfer_scheme, brainfm_scheme], ids=["freesurfer", "brainfm"])
def scheme(request):
    return request.param()


def test_synthseg_labels_come_first_and_rise(golden_dir):
    rows = json.loads((golden_dir / "labels" / "synthseg_v1_54.json").read_text())["rows"]
    ids = sorted(row["generation_label"] for row in rows)
    assert freesurfer_scheme().ids[:54].tolist() == ids == tissue_table()["id"].tolist()


@pytest.mark.parametrize(("column", "attribute"), [("", "class_group"), ("_contrast_specific", "tissue_group")])
def test_groups_join_what_the_published_classes_join(golden_dir, column, attribute):
    scheme = freesurfer_scheme()
    rows = json.loads((golden_dir / "labels" / "synthseg_v1_54.json").read_text())["rows"]
    group = getattr(scheme, attribute)
    for one in rows:
        for other in rows:
            if one[f"generation_class{column}"] == other[f"generation_class{column}"]:
                assert group[scheme.row(one["generation_label"])] == group[scheme.row(other["generation_label"])]


def test_partners_share_gaussians_and_tissue(scheme):
    for values in (scheme.group, scheme.class_group, scheme.tissue_group, scheme.tissue, scheme.extracerebral):
        assert np.array_equal(values, values[scheme.partner])
    mirrored = mirror_rows(scheme)
    assert np.array_equal(mirrored[mirrored], np.arange(len(scheme)))
    assert scheme.sided == (mirrored != np.arange(len(scheme))).any()


def test_left_right_merge_is_the_published_one(golden_dir):
    merge = json.loads((golden_dir / "labels" / "generation_labels.json").read_text())["brainid"]["right_to_left"]
    scheme = freesurfer_scheme()
    for right, left in merge.items():
        assert scheme.group[scheme.row(int(right))] == scheme.group[scheme.row(left)] == scheme.row(left)


def test_rows_fit_a_byte_and_background_is_first(scheme):
    assert len(scheme) <= 256
    assert scheme.ids[0] == 0 and len(set(scheme.ids.tolist())) == len(scheme)


def test_every_tissue_value_names_a_known_source():
    table = tissues()
    for name, keys in zip(table.names, table.sources, strict=True):
        assert keys or name in ("background", "air")
        assert set(keys) <= set(tissue_sources())
    assert {key for keys in table.sources for key in keys} == set(tissue_sources())


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.name)
def test_channels_are_in_range_and_mirror_with_the_rows(protocol):
    scheme = freesurfer_scheme()
    channels = rows_to_channels(scheme, protocol)
    assert channels.min() == 0 and channels.max() < len(protocol.ids) and channels[0] == 0
    if protocol.flip is not None:
        sided = ~np.isin(scheme.ids, (77, 99))
        assert np.array_equal(np.array(protocol.flip)[channels][sided], channels[mirror_rows(scheme)][sided])


def test_finer_protocols_get_finer_tissues():
    scheme = freesurfer_scheme()
    artery, choroid, lesion = scheme.row(502), scheme.row(136), scheme.row(25)
    assert BRAINFM_56.ids[rows_to_channels(scheme, BRAINFM_56)[artery]] == 902
    assert COMPACT_40.ids[rows_to_channels(scheme, COMPACT_40)[artery]] == 907
    assert BRAINID_33.ids[rows_to_channels(scheme, BRAINID_33)[artery]] == 0
    assert COMPACT_40.ids[rows_to_channels(scheme, COMPACT_40)[choroid]] == 4
    assert COMPACT_40.ids[rows_to_channels(scheme, COMPACT_40)[lesion]] == 77


@pytest.mark.parametrize("extra", [[], APARC, WMPARC], ids=["aseg", "aparc+aseg", "wmparc"])
def test_freesurfer_maps_are_recognised(extra):
    ids = np.array(ASEG + extra)
    scheme, lookup = recognise(ids)
    assert scheme.name == "freesurfer"
    assert sorted(lookup) == sorted(ids.tolist())
    if extra == APARC:
        assert lookup[1007] == lookup[11101] == scheme.row(3)
        assert lookup[2007] == lookup[12175] == scheme.row(42)
    if extra == WMPARC:
        assert lookup[3001] == lookup[5001] == scheme.row(2)
        assert lookup[4001] == lookup[5002] == scheme.row(41)


def test_own_predictions_are_recognised():
    assert recognise(np.array(BRAINFM_56.ids))[0].name == "freesurfer"


@pytest.mark.parametrize("ids", [[*range(20), *range(100, 251)], [0, 2, 3, 4, 12, 150, 175, 200, 210]])
def test_brainfm_maps_are_recognised(ids):
    assert recognise(np.array(ids))[0].name == "brainfm"


def test_partial_volume_codes_mix_their_neighbours():
    scheme = brainfm_scheme()
    mean = np.arange(len(scheme), dtype=np.float32) * 10
    mixed, _ = scheme.mix(mean, mean)
    for code, expected in ((100, 10), (125, 15), (150, 20), (160, 22), (200, 30), (249, 39.8), (250, 40)):
        assert mixed[scheme.row(code)] == pytest.approx(expected, rel=1e-5)
    assert np.array_equal(mixed[:20], mean[:20])


def test_unknown_labels_are_listed_with_a_way_out():
    with pytest.raises(InputImageError, match=r"6001, 7777") as caught:
        recognise(np.array([*ASEG, 7777, 6001]))
    assert "--map-labels" in caught.value.hint
    with pytest.raises(InputImageError, match=r"-3.*and 5 more"):
        recognise(np.array([-3, *ASEG, *range(20000, 20024)]))
    with pytest.raises(InputImageError, match="6001"):
        to_rows(np.array([[[0, 6001]]]), freesurfer_scheme())


def test_overrides_make_unknown_labels_known():
    scheme, lookup = recognise(np.array([*ASEG, 7777, 6001]), {7777: 0, 6001: 1005})
    assert lookup[7777] == 0 and lookup[6001] == scheme.row(3)
    rows = to_rows(np.array([[[0, 6001, 7777, 2]]]), scheme, {7777: 0, 6001: 3})
    assert rows.tolist() == [[[0, scheme.row(3), 0, scheme.row(2)]]]
    with pytest.raises(InputImageError, match="7777"):
        recognise(np.array([0, 7777]), {7777: 8888})


def test_a_map_without_background_is_refused():
    with pytest.raises(InputImageError, match="background"):
        recognise(np.array([2, 3]))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.uint16, np.float32, np.float64])
def test_to_rows_of_any_dtype(dtype):
    scheme = freesurfer_scheme()
    labels = np.array([0, 2, 41, 85, 60, 17], dtype).reshape(1, 2, 3)
    rows = to_rows(labels, scheme)
    assert rows.dtype == np.uint8 and rows.shape == labels.shape
    assert np.array_equal(scheme.ids[rows], labels)


def test_values_far_apart_are_translated():
    scheme = freesurfer_scheme()
    rows = to_rows(np.array([0, 2, 3_000_000], np.int32).reshape(1, 1, 3), scheme, {3_000_000: 3})
    assert scheme.ids[rows].ravel().tolist() == [0, 2, 3]


def test_fractional_labels_are_refused():
    with pytest.raises(InputImageError, match="whole"):
        to_rows(np.array([[[0, 2.5]]]), freesurfer_scheme())


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("reverse", [False, True])
def test_corpus_callosum_is_divided_between_the_sides(axis, reverse):
    scheme = freesurfer_scheme()
    labels = np.zeros((21, 10, 10), np.int16)
    labels[2:8], labels[8:13, 4:6], labels[13:19] = 2, 253, 41
    labels = np.moveaxis(labels[::-1] if reverse else labels, 0, axis)
    ids = scheme.ids[to_rows(labels, scheme)]
    line = np.moveaxis(ids, axis, 0)[:, 4, 4]
    line = line[::-1] if reverse else line
    assert (line[2:10] == 2).all() and (line[11:19] == 41).all()
    assert set(np.unique(ids)) == {0, 2, 41}


def test_a_midline_label_of_one_hemisphere_goes_to_that_side():
    scheme = freesurfer_scheme()
    labels = np.zeros((6, 4, 4), np.int16)
    labels[1], labels[2] = 41, 255
    assert set(np.unique(scheme.ids[to_rows(labels, scheme)])) == {0, 41}


def test_label_map_csv(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text("id,known_id,comment\n6001,3,cortex\n 7777, 0,\n", encoding="utf-8")
    assert read_label_map_csv(path) == {6001: 3, 7777: 0}
    path.write_text("id,known_id\n6001,cortex\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 2"):
        read_label_map_csv(path)
    path.write_text("from,to\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="columns"):
        read_label_map_csv(path)
    with pytest.raises(FileAccessError):
        read_label_map_csv(tmp_path / "missing.csv")


def test_training_maps_are_translated_without_loss(shared_dir):
    import nibabel as nib

    labels = np.asarray(nib.load(shared_dir / "data" / "labels" / "synthseg_01.nii.gz").dataobj[:, ::8, ::8])
    scheme, _ = recognise(np.unique(labels))
    assert scheme.name == "freesurfer"
    assert np.array_equal(scheme.ids[to_rows(labels, scheme)], labels)
