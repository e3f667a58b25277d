"""A prepared dataset of small heads, and what is told while preparing."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")


class Told:
    """Keeps what `prepare` reports."""

    def __init__(self) -> None:
        self.warnings, self.errors, self.all = [], [], []

    def begin(self, index: int) -> None:
        self.all.append(("begin", index))

    def stage(self, name: str, fraction: float) -> None:
        assert 0 <= fraction <= 1
        self.all.append(("stage", name, fraction))

    def warning(self, message: str) -> None:
        self.warnings.append(message)
        self.all.append(("warning", message))

    def error(self, error: BaseException) -> None:
        self.errors.append(error)
        self.all.append(("error", type(error), str(error)))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def prepare_folder(told):
    """Function that prepares a source without registering, and returns (outcomes, folder)."""
    from BrainFMEngine.dataset.prepare import PrepareOptions, prepare
    from BrainFMEngine.dataset.sources import find_subjects

    def call(source: Path, folder: Path, layout: str = "auto", jobs: int = 1, **options):
        options = PrepareOptions(**{"register": False, **options})
        return prepare(find_subjects(source, layout), folder, options, told, jobs), folder

    return call
