"""The picture of a subject: what it has, in three planes, the patient's right on the left; damage is a sentence."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from boxes import box_subject, write_dataset
from BrainFMEngine.dataset.folder import DatasetFolder
from BrainFMEngine.dataset.picture import draw_subject, write_picture
from BrainFMEngine.errors import FileAccessError, InputImageError, UsageError
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    subjects = [box_subject(("T1", "T2")), box_subject(), box_subject(("CT",))]
    names = ("both", "labels", "scan")
    named = [replace(subject, name=name) for subject, name in zip(subjects, names, strict=True)]
    named[2] = replace(named[2], rows=None, distance=None)
    return write_dataset(tmp_path / "satz ü", named)


def test_a_row_for_each_scan_and_one_for_the_labels(folder):
    dataset = DatasetFolder(folder)
    heights = {name: draw_subject(dataset, name).height for name in ("both", "labels", "scan")}
    assert abs(heights["labels"] - heights["scan"]) < 10 and heights["both"] > 2.5 * heights["scan"]


def test_the_patients_right_is_on_the_left(folder):
    """Left white matter is one colour, right cortex another; the box has them on either side."""
    picture = np.asarray(draw_subject(DatasetFolder(folder), "labels").convert("RGB")).astype(int)
    axial = picture[:, : picture.shape[1] // 3]
    cortex = axial[..., 0] - axial[..., 2] > 40
    white_matter = np.abs(axial - 152).max(-1) < 3
    assert cortex.sum() > 100 < white_matter.sum()
    assert np.argwhere(cortex)[:, 1].mean() < np.argwhere(white_matter)[:, 1].mean() - 20


def test_it_is_written_complete_and_without_torch(folder, tmp_path):
    target = tmp_path / "bilder ü" / "both.png"
    code = "import sys; from pathlib import Path; from BrainFMEngine.dataset.picture import write_picture\n"
    code += "write_picture(Path(sys.argv[1]), 'both', Path(sys.argv[2])); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(folder), str(target)], check=False).returncode == 0
    with Image.open(target) as picture:
        assert picture.format == "PNG" and picture.width > 300
    assert [path.name for path in target.parent.iterdir()] == ["both.png"]


def test_damage_and_strangers_are_sentences(folder, tmp_path):
    file = DatasetFolder(folder).file("both")
    file.write_bytes(file.read_bytes()[:-300])
    for name, error, says in (("both", InputImageError, "damaged"), ("bath", UsageError, "Did you mean 'both'")):
        with pytest.raises(error) as told:
            write_picture(folder, name, tmp_path / "x.png")
        assert says in str(told.value)
    file.unlink()
    with pytest.raises(FileAccessError, match="cannot read"):
        write_picture(folder, "both", tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_values_that_are_no_numbers_do_not_stop_it(tmp_path):
    subject = box_subject(("T1",))
    subject.images["T1"][3, 3, 3] = float("nan")
    folder = write_dataset(tmp_path / "set", [subject])
    assert draw_subject(DatasetFolder(folder), "boxes").height > 100
    rows = torch.full_like(subject.rows, 250)
    folder = write_dataset(tmp_path / "other", [replace(subject, rows=rows)])
    with pytest.raises(InputImageError, match="does not know"):
        draw_subject(DatasetFolder(folder), "boxes")
