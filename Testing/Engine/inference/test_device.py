"""Devices by name."""

from __future__ import annotations

import pytest
import torch
from BrainFMEngine.errors import DeviceMemoryError, UsageError
from BrainFMEngine.inference.device import choose_device, list_devices, run_settings


def test_auto_and_cpu_always_work():
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
    assert choose_device(" CPU ") == torch.device("cpu")
    assert list_devices()[-1].name == "cpu"


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:-1", "", "cpu:0", "0"])
def test_unknown_name(name):
    with pytest.raises(UsageError):
        choose_device(name)


def test_absent_device():
    with pytest.raises(DeviceMemoryError) as caught:
        choose_device("cuda:99")
    assert caught.value.code == 5 and "cpu" in caught.value.hint


def test_settings_are_restored_even_after_a_failure():
    before = torch.get_num_threads()
    with pytest.raises(ValueError), run_settings(before + 1):
        assert torch.get_num_threads() == before + 1 and torch.is_inference_mode_enabled()
        raise ValueError
    assert torch.get_num_threads() == before and not torch.is_inference_mode_enabled()
