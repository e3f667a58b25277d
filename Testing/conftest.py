"""Fixtures for every test: where reference data lie, and a small synthetic head."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder of reference data outside the repository; tests that need it skip without it."""
    folder = Path(os.environ.get("BRAINFM_REFERENCE_DIR", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"reference data not found at {folder} (set BRAINFM_REFERENCE_DIR)")
    return folder


@pytest.fixture(scope="session")
def golden_dir(shared_dir: Path) -> Path:
    """Folder of reference inputs and outputs of the published systems."""
    folder = shared_dir / "golden"
    if not folder.is_dir():
        pytest.skip(f"reference values not found at {folder}")
    return folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Let PyTorch use one thread, and afterwards as many as before."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator."""
    return np.random.default_rng(20251120)
