"""Samples: reproducible, aligned with their targets, mirrored consistently, mild to severe."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from boxes import SHAPE, box_subject, row
from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.affine import AffineRanges
from BrainFMEngine.generator.contrast import ContrastRanges
from BrainFMEngine.generator.deformation import DeformationRanges
from BrainFMEngine.generator.extracerebral import ExtracerebralRanges
from BrainFMEngine.generator.generator import generate, make_batch
from BrainFMEngine.generator.labels import mirror_rows
from BrainFMEngine.generator.mixup import MixupRanges
from BrainFMEngine.generator.parameters import SYNTHETIC, GeneratorOptions, SampleParameters, draw_batch
from BrainFMEngine.generator.pathology import PathologyRanges
from BrainFMEngine.generator.record import from_record, to_record
from BrainFMEngine.generator.severity import ranges_at
from BrainFMEngine.generator.velocity import VelocityRanges

STILL = DeformationRanges(AffineRanges(0, 0, 0), VelocityRanges(std_mm=0.0), flip_probability=0.0)
KEEP = ExtracerebralRanges(1.0, 0.0, 0.0, cluster_probability=0.0)
OPTIONS = GeneratorOptions(shape=SHAPE, paint_targets=True)


@pytest.fixture
def subject():
    return box_subject()


def test_same_seed_same_bits_other_seed_other_samples(subject):
    first, again, other = (generate(subject, OPTIONS, seed) for seed in (3, 3, 4))
    for one, two in zip(first, again, strict=True):
        assert torch.equal(one.image, two.image)
        assert all(torch.equal(one.targets[name], two.targets[name]) for name in one.targets)
    assert not torch.equal(first[0].image, other[0].image)
    assert not torch.equal(first[0].image, first[1].image)


@pytest.mark.parametrize("index", range(4))
def test_a_recorded_sample_is_made_again_alone(subject, index):
    options = replace(OPTIONS, pathology=PathologyRanges(probability=1.0))
    sample = generate(subject, options, 11)[index]
    record = json.loads(json.dumps(to_record(sample.parameters)))
    again = make_batch(subject, (from_record(SampleParameters, record),), options)[0]
    assert torch.equal(sample.image, again.image)
    assert sample.targets.keys() == again.targets.keys()
    assert all(torch.equal(sample.targets[name], again.targets[name]) for name in sample.targets)


@pytest.mark.parametrize("seed", range(6))
def test_values_are_in_the_ranges_of_the_heads(subject, seed):
    for sample in generate(subject, OPTIONS, seed):
        assert sample.image.shape == (1, *SHAPE)
        assert 0 <= sample.image.min() and sample.image.max() <= 1
        assert sample.targets["segmentation"].max() < len(COMPACT_40.ids)
        assert sample.targets["distance"].abs().max() <= 3
        assert all(torch.isfinite(target).all() for target in sample.targets.values())
        assert sample.image.std() > 0


def test_what_a_subject_lacks_is_absent(subject):
    bare = replace(subject, distance=None, atlas_mm=None)
    sample = generate(bare, replace(OPTIONS, paint_targets=False), 0)[0]
    missing = {"distance", "registration", "T1", "T2", "FLAIR", "CT", "image", "pathology"}
    assert not missing & set(sample.targets)
    assert {"segmentation", "high_res_residual"} <= set(sample.targets)


def test_severities_rise_and_corruptions_never_get_weaker(subject):
    for seed in range(10):
        batch = draw_batch(subject, OPTIONS, seed)
        severities = [parameters.severity for parameters in batch]
        assert all(a < b for a, b in zip(severities, severities[1:], strict=False))
        for strength in (
            lambda c: c.bias.std,
            lambda c: c.noise.std,
            lambda c: max(c.resolution.spacing_mm),
            lambda c: abs(np.log(c.gamma.exponent)),
            lambda c: c.ghosting.strength if c.ghosting else 0.0,
        ):
            values = [strength(parameters.corruption) for parameters in batch]
            assert all(a <= b for a, b in zip(values, values[1:], strict=False))
        assert all(parameters.deformation is batch[0].deformation for parameters in batch)
        assert len({parameters.contrast.seed for parameters in batch}) == 4


def test_samples_of_one_severity_differ_in_strength(subject):
    batch = draw_batch(subject, replace(OPTIONS, severities=(0.5,) * 3), 0)
    assert len({parameters.corruption.noise.std for parameters in batch}) == 3


def test_severity_0_is_the_clean_image(subject):
    options = replace(OPTIONS, severities=(0.0,), deformation=STILL, extracerebral=KEEP)
    sample = generate(subject, options, 5)[0]
    assert (
        torch.equal(sample.targets["bias_field_log"], torch.zeros(1, *SHAPE)) or sample.parameters.contrast.kind == "ct"
    )
    assert torch.equal(sample.targets["high_res_residual"], torch.zeros(1, *SHAPE))


def test_without_deformation_labels_are_the_crop(subject):
    options = replace(OPTIONS, shape=subject.shape, deformation=STILL, extracerebral=KEEP, severities=(0.0,))
    centred = replace(subject, rows=subject.rows.clone())
    object.__setattr__(centred, "centre_voxel", (np.array(subject.shape) - 1) / 2)
    sample = generate(centred, options, 1)[0]
    white = sample.targets["segmentation"] == COMPACT_40.ids.index(2)
    assert torch.equal(white, subject.rows == row(2))
    coordinates = 100 * sample.targets["registration"]
    assert coordinates[:, 10, 11, 12] == pytest.approx([10 - 19, 11 - 19, 12 - 19], abs=0.05)


def test_image_and_labels_move_together(subject):
    contrast = ContrastRanges(kind="random", std=(0.0, 0.0), class_probability=0, tissue_probability=0)
    options = replace(OPTIONS, shape=(40, 40, 40), severities=(0.0,), contrast=contrast, extracerebral=KEEP)
    for seed in range(4):
        sample = generate(subject, options, seed)[0]
        flip = sample.parameters.deformation.flip
        white = sample.targets["segmentation"] == COMPACT_40.ids.index(41 if flip else 2)
        inner = -torch.nn.functional.max_pool3d(-white[None].float(), 5, 1, 2)[0] > 0
        assert sample.image[0][inner].std() < 1e-3
        near = sample.targets["registration"][0][white].median() * 100
        assert near > 4 if flip else near < -4


def test_a_flipped_sample_mirrors_labels_distances_and_coordinates(subject):
    options = replace(OPTIONS, severities=(0.5,), extracerebral=KEEP)
    (parameters,) = draw_batch(subject, options, 2)
    plain, mirrored = (
        make_batch(subject, (replace(parameters, deformation=replace(parameters.deformation, flip=flip)),), options)[0]
        for flip in (False, True)
    )
    channels = torch.tensor(COMPACT_40.flip)
    assert torch.equal(mirrored.targets["segmentation"].flip(0), channels[plain.targets["segmentation"]])
    distance = plain.targets["distance"][[2, 3, 0, 1]]
    assert torch.allclose(mirrored.targets["distance"].flip(1), distance, atol=1e-3)
    expected = plain.targets["registration"] * torch.tensor([-1.0, 1.0, 1.0]).reshape(3, 1, 1, 1)
    assert torch.allclose(mirrored.targets["registration"].flip(1), expected, atol=1e-3)


def test_skull_stripping_leaves_exact_air(subject):
    options = replace(OPTIONS, extracerebral=ExtracerebralRanges(0, 0, 1), severities=(0.0,))
    for seed in range(4):
        sample = generate(subject, options, seed)[0]
        assert sample.image[0][~sample.head].max() == 0


def test_real_images_are_targets_and_may_be_the_input():
    subject = box_subject(("T1", "CT"))
    options = replace(OPTIONS, real_input_probability=1.0, severities=(0.2, 0.4))
    kinds = set()
    for seed in range(8):
        for sample in generate(subject, options, seed):
            kinds.add(sample.parameters.input)
            assert {"T1", "CT", "image"} <= set(sample.targets)
            assert not {"T2", "FLAIR"} & set(sample.targets)
            assert ("bias_field_log" in sample.targets) == (sample.parameters.input != "CT")
    assert kinds == {"T1", "CT"}


def test_a_mixed_sample_lies_between_the_synthetic_and_the_real():
    subject = box_subject(("T1",))
    options = replace(OPTIONS, mixup=MixupRanges(1.0), severities=(0.0,), contrast=ContrastRanges(kind="t2"))
    sample = generate(subject, options, 1)[0]
    assert sample.parameters.input == SYNTHETIC
    parameters = [
        replace(sample.parameters, mixup=replace(sample.parameters.mixup, weights={"synthetic": 1 - w, "T1": w}))
        for w in (0.0, 0.5, 1.0)
    ]
    painted, mixed, real = (make_batch(subject, (p,), options)[0].image for p in parameters)
    assert (mixed - painted).abs().mean() < (real - painted).abs().mean()
    assert (mixed - real).abs().mean() < (real - painted).abs().mean()


def test_a_lesion_changes_the_image_only_where_it_is():
    subject = box_subject()
    options = replace(
        OPTIONS, severities=(0.0,), pathology=PathologyRanges(probability=1.0, radius_mm=(4, 6)), deformation=STILL
    )
    (parameters,) = draw_batch(subject, options, 3)
    assert parameters.pathology is not None
    sick = make_batch(subject, (parameters,), options)[0]
    well = make_batch(subject, (replace(parameters, pathology=None),), options)[0]
    lesion = sick.targets["pathology"][0]
    assert lesion.max() == 1 and "pathology" not in well.targets
    ratio = (well.image[0] * sick.image.max() / well.image.max()).clamp(min=1e-3)
    assert not torch.allclose(sick.image[0][lesion > 0.5], ratio[lesion > 0.5], atol=1e-2)


def test_fixed_ranges_replace_those_of_the_severity(subject):
    options = replace(OPTIONS, corruption=ranges_at(0.0), severities=(1.0,))
    (parameters,) = draw_batch(subject, options, 0)
    assert parameters.corruption.noise.std == 0


def test_painting_a_subject_without_labels_is_refused():
    subject = box_subject(("T1",))
    painted = draw_batch(subject, replace(OPTIONS, real_input_probability=0.0), 0)
    with pytest.raises(UsageError, match="needs labels"):
        make_batch(replace(subject, rows=None), painted, OPTIONS)


def test_samples_of_different_batches_are_refused(subject):
    mixed = (*draw_batch(subject, OPTIONS, 0)[:1], *draw_batch(subject, OPTIONS, 1)[:1])
    with pytest.raises(UsageError, match="not of one batch"):
        make_batch(subject, mixed, OPTIONS)


def test_a_larger_spacing_sees_more_of_the_head(subject):
    fine, coarse = (
        generate(subject, replace(OPTIONS, shape=(16,) * 3, spacing_mm=mm, severities=(0.3,), deformation=STILL), 0)[0]
        for mm in (1.0, 2.0)
    )
    assert coarse.targets["registration"][0].max() > 1.5 * fine.targets["registration"][0].max()


def test_noise_of_a_device_that_is_not_here_is_refused(subject):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    (parameters,) = draw_batch(subject, replace(OPTIONS, severities=(0.5,)), 0)
    with pytest.raises(UsageError, match="cuda"):
        make_batch(subject, (replace(parameters, noise_device="cuda"),), OPTIONS)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("seed", range(4))
def test_cpu_and_gpu_agree(subject, seed):
    options = replace(OPTIONS, noise_device="cpu", pathology=PathologyRanges(probability=1.0))
    parameters = draw_batch(subject, options, seed)
    here, there = (make_batch(subject.to(device), parameters, options) for device in ("cpu", "cuda"))
    for one, other in zip(here, there, strict=True):
        assert torch.allclose(one.image, other.image.cpu(), atol=1e-3)
        for name, target in one.targets.items():
            moved = other.targets[name].cpu()
            if name == "segmentation":
                assert (target != moved).float().mean() < 1e-3
            else:
                assert (target - moved).abs().mean() < 1e-3


def test_a_painted_ct_is_not_mixed_with_mr():
    options = replace(OPTIONS, contrast=ContrastRanges(kind="ct"), mixup=MixupRanges(1.0))
    assert all(parameters.mixup is None for parameters in draw_batch(box_subject(("T1",)), options, 0))


def test_flipping_a_sample_and_mirroring_its_subject_are_the_same(subject):
    """A mirrored head, deformed by the mirrored deformation, is the flipped sample of the head."""
    middle = (np.array(subject.shape) - 1) / 2
    mirror = torch.from_numpy(mirror_rows(subject.scheme))
    mirrored = replace(
        subject,
        rows=mirror[subject.rows.flip(0).long()],
        distance=subject.distance.flip(1)[[2, 3, 0, 1]],
        atlas_mm=None,
    )
    for head in (subject, mirrored):
        object.__setattr__(head, "centre_voxel", middle)
    options = replace(OPTIONS, shape=(40, 36, 38), severities=(0.0,), deformation=STILL, extracerebral=KEEP)
    (parameters,) = draw_batch(subject, options, 4)
    flipped = replace(parameters, deformation=replace(parameters.deformation, flip=True))
    one = make_batch(subject, (flipped,), options)[0]
    other = make_batch(mirrored, (parameters,), options)[0]
    assert torch.equal(one.image, other.image)
    assert torch.equal(one.targets["segmentation"], other.targets["segmentation"])
    assert torch.allclose(one.targets["distance"], other.targets["distance"], atol=1e-3)
