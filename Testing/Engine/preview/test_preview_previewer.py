"""What the previewer keeps, breaks off and refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import DeviceMemoryError
from BrainFMEngine.preview import anatomies, previewer
from BrainFMEngine.preview.files import PreviewFiles
from BrainFMEngine.preview.previewer import Previewer
from BrainFMEngine.preview.request import parse_request
from BrainFMEngine.preview.told import Superseded, Told
from small_heads import head_labels, save, scan_of

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def made():
    return Previewer(torch.device("cpu"))


@pytest.fixture
def ask(tmp_path, made):
    """Function that makes the samples of a request; return them."""
    labels = save(tmp_path / "head.nii.gz", head_labels())

    def call(told: Told | None = None, **values) -> list:
        record = {"request": 1, "folder": str(tmp_path / "out"), "anatomy": str(labels), "shape": 24, **values}
        request = parse_request(record)
        drawn = made.draw(request, told or Told())
        return list(made.samples(drawn, frozenset(request.targets), told or Told()))

    return call


def count(monkeypatch, module, name: str) -> list:
    calls: list = []
    original = getattr(module, name)

    def counted(*arguments, **options):
        calls.append(arguments)
        return original(*arguments, **options)

    monkeypatch.setattr(module, name, counted)
    return calls


def test_nothing_is_done_twice(monkeypatch, ask, tmp_path):
    read, deformed = count(monkeypatch, anatomies, "read_subject"), count(monkeypatch, previewer, "deform")
    for change in ({}, {"severity": "mild"}, {"contrast": "t2"}, {"options": {"corruption.noise.std": [0, 9]}}):
        ask(seed=1, **change)
    assert (len(read), len(deformed)) == (1, 1)
    ask(seed=2)
    assert (len(read), len(deformed)) == (1, 2)
    ask(seed=2, targets=["distance"])
    ask(seed=2, targets=["distance"])
    assert (len(read), len(deformed)) == (1, 3)
    save(tmp_path / "head.nii.gz", head_labels(1))
    ask(seed=2)
    assert len(read) == 2


def test_only_few_anatomies_are_kept(monkeypatch, ask, made, tmp_path):
    for index in range(4):
        ask(anatomy=str(save(tmp_path / f"head{index}.nii.gz", head_labels(index))))
    assert len(made._anatomies._kept) == anatomies.KEPT
    made.clear()
    assert not made._anatomies._kept and made._deformed is None


def test_it_breaks_off_between_samples(ask):
    stages: list[str] = []
    told = Told(lambda name, fraction: stages.append(name), is_wanted=lambda: "sample 2" not in stages)
    with pytest.raises(Superseded):
        ask(told, samples=8)
    assert stages[-1] == "sample 2"
    assert len(ask(samples=8)) == 8


def test_reading_breaks_off_only_when_nobody_wants_the_head(ask, made):
    with pytest.raises(Superseded):
        ask(Told(is_wanted=lambda: False, anatomy_is_wanted=lambda: True))
    assert len(made._anatomies._kept) == 1
    made.clear()
    with pytest.raises(Superseded):
        ask(Told(is_wanted=lambda: False))
    assert not made._anatomies._kept


def test_what_cannot_fit_is_refused_before_it_is_made(monkeypatch, ask):
    monkeypatch.setattr(previewer, "available_bytes", lambda device: 10**5)
    with pytest.raises(DeviceMemoryError, match="24 x 24 x 24"):
        ask()


def test_only_scans_that_show_are_deformed(ask, tmp_path):
    scans = {name: str(save(tmp_path / f"{name}.nii.gz", scan_of(head_labels()))) for name in ("T1", "T2")}
    never = {"real_input_probability": 0, "mixup.probability": 0}
    plain = ask(images=scans, options=never)
    assert not {"T1", "T2", "CT", "distance"} & set(plain[0].targets)
    shown = ask(images=scans, options=never, targets=["T2"])
    assert "T2" in shown[0].targets and "T1" not in shown[0].targets and "CT" not in shown[0].targets
    assert all(torch.equal(a.image, b.image) for a, b in zip(plain, shown, strict=True))


def test_the_bundled_head_is_there_without_asking_for_one(made, tmp_path):
    request = parse_request({"request": 1, "folder": str(tmp_path / "out"), "shape": 32, "samples": 1})
    drawn = made.draw(request, Told())
    (sample,) = made.samples(drawn, frozenset(), Told())
    files = PreviewFiles(tmp_path / "out", drawn, frozenset()).write(sample)
    assert set(files) == {"image"} and float(sample.image.std()) > 0.01
    assert np.isclose(drawn.subject.shape, (160, 194, 155), atol=8).all()
