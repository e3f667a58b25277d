"""The loader: the batches of a seed, made ahead; errors arrive; it stops when asked."""

from __future__ import annotations

import threading

import pytest
import torch
from boxes import box_subject
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.loader import BatchLoader
from BrainFMEngine.generator.parameters import GeneratorOptions

OPTIONS = GeneratorOptions(shape=(16, 16, 16), severities=(0.3, 0.6))


def take(loader: BatchLoader, count: int) -> list[torch.Tensor]:
    with loader:
        return [torch.cat([sample.image for sample in batch]) for batch, _ in zip(loader, range(count), strict=False)]


def test_batches_follow_from_seed_and_step():
    subjects = [box_subject(), box_subject(("T1",))]
    whole = take(BatchLoader(subjects, OPTIONS, seed=5), 4)
    later = take(BatchLoader(subjects, OPTIONS, seed=5, first_step=2), 2)
    assert all(torch.equal(a, b) for a, b in zip(whole[2:], later, strict=True))
    assert not torch.equal(whole[0], whole[1])


def test_it_leaves_no_thread_behind():
    before = threading.active_count()
    take(BatchLoader([box_subject()], OPTIONS, seed=0, ahead=2), 1)
    assert threading.active_count() == before


def test_an_error_in_the_background_is_raised_in_front(monkeypatch):
    loader = BatchLoader([box_subject()], OPTIONS, seed=0)
    monkeypatch.setattr(loader, "batch", lambda step: (_ for _ in ()).throw(UsageError("no good")))
    with pytest.raises(UsageError, match="no good"):
        next(iter(loader))


def test_no_subjects_is_an_error():
    with pytest.raises(UsageError, match="no subject"):
        BatchLoader([], OPTIONS, seed=0)
