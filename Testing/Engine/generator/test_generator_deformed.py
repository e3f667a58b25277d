"""The parts of a sample that are shown beside it: its clean image, its deformation, and what is deformed only once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from boxes import box_subject
from BrainFMEngine.errors import InputImageError
from BrainFMEngine.generator.affine import Affine
from BrainFMEngine.generator.checkerboard import CELL_MM, deformed_checkerboard
from BrainFMEngine.generator.deformation import Deformation
from BrainFMEngine.generator.generator import clean_image, deform, iterate_batch, make_batch
from BrainFMEngine.generator.parameters import GeneratorOptions, draw_batch
from BrainFMEngine.generator.read_subject import read_images_only, read_subject, with_distances
from BrainFMEngine.generator.severity import parse_severity, severities_of
from BrainFMEngine.generator.velocity import Velocity
from BrainFMEngine.image.volume import Volume
from small_heads import head_labels, save

SMALL = GeneratorOptions(shape=(24, 24, 24), severities=(0.0, 1.0))


def test_samples_of_an_anatomy_that_was_deformed_before_are_the_same():
    subject = box_subject(("T1",))
    options = replace(SMALL, pathology=replace(SMALL.pathology, probability=1.0))
    mild, severe = (draw_batch(subject, replace(options, severities=(value,) * 2), 5) for value in (0.1, 0.9))
    anatomy = deform(subject, mild[0], options)
    for parameters in (mild, severe):
        again = list(iterate_batch(subject, parameters, options, anatomy))
        for first, second in zip(make_batch(subject, parameters, options), again, strict=True):
            assert torch.equal(first.image, second.image)
            assert all(torch.equal(first.targets[name], second.targets[name]) for name in first.targets)


def test_the_clean_image_is_the_sample_without_corruption():
    subject = box_subject(("T1",))
    parameters = draw_batch(subject, SMALL, 7)
    anatomy = deform(subject, parameters[0], SMALL)
    clean, sample = clean_image(subject, anatomy, parameters[0]), make_batch(subject, parameters, SMALL)[0]
    assert torch.allclose(clean, sample.image, atol=1e-5)
    severe = make_batch(subject, parameters, SMALL)[1]
    assert not torch.allclose(clean_image(subject, anatomy, parameters[1]), severe.image, atol=1e-2)


def test_cubes_of_the_subject_are_cubes_where_nothing_is_deformed():
    still = Velocity(np.zeros((3, 2, 2, 2), np.float32))
    size = int(4 * CELL_MM)
    board = deformed_checkerboard(Deformation(Affine(), still), (size,) * 3, [(size - 1) / 2] * 3)
    cells = (torch.arange(size) // CELL_MM).int()
    expected = 1 + (cells[:, None, None] + cells[:, None] + cells) % 2
    assert board.dtype == torch.uint8 and torch.equal(board, expected.to(torch.uint8))
    turned = deformed_checkerboard(Deformation(Affine(rotation_deg=(0, 0, 30)), still), (size,) * 3, [20.0] * 3)
    assert set(turned.unique().tolist()) == {1, 2} and not torch.equal(turned, board)


def test_an_empty_scan_that_is_of_no_file_is_refused():
    with pytest.raises(InputImageError, match="0 everywhere"):
        read_images_only("nobody", {"T1": Volume(np.zeros((8, 8, 8), np.float32), np.eye(4))})


def test_distances_can_be_measured_later(tmp_path):
    path = save(tmp_path / "head.nii.gz", head_labels())
    later = read_subject(path, measure=False)
    assert later.distance is None
    assert torch.equal(with_distances(later).distance, read_subject(path).distance)
    measured = with_distances(later)
    assert with_distances(measured) is measured


def test_other_words_for_severities():
    assert parse_severity("moderate") == parse_severity("medium") and parse_severity("clean") == 0
    assert np.allclose(severities_of("mild-to-severe", 3), (1 / 3, 2 / 3, 1)) and severities_of(0.2, 2) == (0.2, 0.2)
