"""Contrasts of scanners: signal equations in known limits, and the order of grey levels that radiologists expect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator import signals
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.labels import brainfm_scheme, freesurfer_scheme
from BrainFMEngine.generator.presets import PRESETS, Preset, preset_means, sample_preset, target_values
from BrainFMEngine.generator.record import from_record, to_record
from BrainFMEngine.generator.tissues import tissues

WHITE, GREY, CSF, VENTRICLE, BONE, FAT, PALLIDUM, LESION, AIR = 2, 3, 24, 4, 515, 125, 13, 25, 501


def levels(kind: str, seed: int, *labels: int, typical: bool = False) -> list[float]:
    preset = sample_preset(Draws.from_seed(seed), kind)
    preset = replace(preset, deviation=np.zeros_like(preset.deviation)) if typical else preset
    scheme = freesurfer_scheme()
    mean = preset_means(preset, scheme)[0]
    return [float(mean[scheme.row(label)]) for label in labels]


EXPECTED = {
    "t1": [(WHITE, GREY), (GREY, CSF), (WHITE, PALLIDUM), (WHITE, LESION), (FAT, WHITE), (CSF, BONE)],
    "mprage": [(WHITE, GREY), (GREY, CSF), (WHITE, PALLIDUM), (WHITE, LESION), (FAT, WHITE), (CSF, BONE)],
    "t2": [(CSF, GREY), (GREY, WHITE), (LESION, WHITE), (WHITE, PALLIDUM), (WHITE, BONE)],
    "flair": [(GREY, WHITE), (WHITE, CSF), (LESION, GREY), (WHITE, PALLIDUM), (WHITE, BONE)],
    "ct": [(BONE, GREY), (GREY, WHITE), (WHITE, CSF), (CSF, FAT), (FAT, AIR), (WHITE, LESION)],
}


@pytest.mark.parametrize(("kind", "brighter", "darker"), [(k, a, b) for k, pairs in EXPECTED.items() for a, b in pairs])
def test_order_of_grey_levels(kind, brighter, darker):
    pairs = np.array([levels(kind, seed, brighter, darker, typical=True) for seed in range(60)])
    assert (pairs[:, 0] > pairs[:, 1]).all()
    pairs = np.array([levels(kind, seed, brighter, darker) for seed in range(200)])
    assert (pairs[:, 0] > pairs[:, 1]).mean() > 0.95


def test_fluid_is_dark_in_flair_and_bright_in_t2():
    for seed in range(40):
        white, csf = levels("flair", seed, WHITE, CSF)
        assert csf < 0.45 * white
        white, csf = levels("t2", seed, WHITE, CSF)
        assert csf > 2 * white


def test_ct_is_hounsfield_units_in_the_window_of_the_network():
    scale = 255 / 80
    grey, white, csf, bone, air = levels("ct", 3, GREY, WHITE, CSF, BONE, AIR, typical=True)
    assert 35 <= grey / scale <= 45 and 25 <= white / scale <= 35 and 0 <= csf / scale <= 15
    assert 700 <= bone / scale <= 1500
    assert air / scale == pytest.approx(-1000)


@pytest.mark.parametrize("kind", PRESETS)
def test_draws_are_in_range_and_repeat(kind):
    scheme = freesurfer_scheme()
    for seed in range(20):
        preset = sample_preset(Draws.from_seed(seed), kind)
        assert from_record(Preset, to_record(preset)).deviation.tolist() == preset.deviation.tolist()
        assert np.abs(preset.deviation).max() <= 1 and preset.field_tesla in (1.5, 3.0)
        first, again = (preset_means(sample_preset(Draws.from_seed(seed), kind), scheme) for _ in range(2))
        for one, other in zip(first, again, strict=True):
            assert one.dtype == np.float32 and np.array_equal(one, other) and np.isfinite(one).all()
        assert all((values >= 0).all() for values in first[1:])
        assert kind == "ct" or (first[0].min() >= 0 and first[0].max() < 450)
        assert np.array_equal(first[0], first[0][scheme.partner])


def test_t1_presets_use_several_sequences():
    sequences = {sample_preset(Draws.from_seed(seed), "t1").sequence for seed in range(30)}
    assert sequences == {"spin-echo", "gradient-echo", "mp-rage"}


def test_unknown_kind_names_the_nearest():
    with pytest.raises(UsageError, match="flair"):
        sample_preset(Draws.from_seed(0), "flare")
    with pytest.raises(UsageError, match="FLAIR"):
        target_values("FLARE", freesurfer_scheme())


def test_targets_keep_their_values():
    scheme = freesurfer_scheme()
    values = {kind: target_values(kind, scheme) for kind in ("T1", "T2", "FLAIR", "CT")}
    expected = {
        WHITE: (0.90, 0.30, 0.50, 0.030),
        GREY: (0.60, 0.48, 0.68, 0.038),
        VENTRICLE: (0.18, 1.00, 0.15, 0.006),
        BONE: (0.06, 0.05, 0.06, 1.100),
        511: (0.75, 0.55, 0.60, 0.000),
        0: (0.0, 0.0, 0.0, -1.0),
    }
    for label, wanted in expected.items():
        assert [values[kind][scheme.row(label)] for kind in values] == pytest.approx(wanted, abs=1e-6)


def test_brainfm_rows_get_mixtures():
    scheme = brainfm_scheme()
    target = target_values("T1", scheme)
    white, grey = target[2], target[3]
    assert target[scheme.row(175)] == pytest.approx((white + grey) / 2)
    mean, std, texture = preset_means(sample_preset(Draws.from_seed(1), "t1"), scheme)
    assert len(mean) == len(std) == len(texture) == len(scheme)
    assert mean[scheme.row(160)] == pytest.approx(0.8 * mean[2] + 0.2 * mean[3], rel=1e-5)


def test_signals_in_known_limits():
    t1, t2 = np.array([800.0, 4000.0]), np.array([70.0, 2000.0])
    density = np.array([0.7, 1.0])
    assert signals.spin_echo(t1, t2, density, 1e6, 1e-9) == pytest.approx(density)
    assert signals.spin_echo(t1, t2, density, 1e6, 70.0)[0] == pytest.approx(0.7 * np.exp(-1))
    assert signals.spin_echo(t1, t2, density, 500.0, 10.0, flow=1.0) == pytest.approx([0, 0])
    assert signals.gradient_echo(t1, t2, density, 1e6, 1e-9, 90.0) == pytest.approx(density)
    null = signals.fluid_null(4000.0, 9000.0)
    fluid = signals.inversion_recovery(t1, t2, density, 9000.0, 1e-6, null)[1]
    assert fluid == pytest.approx(0, abs=1e-6)


def test_mp_rage_agrees_with_a_simulation():
    t1, flip, spacing, echoes, inversion, repetition = 1300.0, 9.0, 7.0, 160, 950.0, 2300.0
    magnetisation, wait = 1.0, inversion - echoes * spacing / 2
    for _ in range(12):
        magnetisation = 1 - (1 + magnetisation) * np.exp(-wait / t1)
        for echo in range(echoes):
            if echo == echoes // 2:
                signal = abs(magnetisation * np.sin(np.deg2rad(flip)))
            magnetisation = 1 - (1 - magnetisation * np.cos(np.deg2rad(flip))) * np.exp(-spacing / t1)
        magnetisation = 1 - (1 - magnetisation) * np.exp(-(repetition - wait - echoes * spacing) / t1)
    one = np.ones(1)
    computed = signals.mp_rage(t1 * one, 1e9 * one, one, repetition, 0.0, inversion, flip, spacing, echoes)
    assert computed[0] == pytest.approx(signal, rel=1e-6)


def test_relaxation_times_change_with_the_field_as_measured():
    table = tissues()
    brain = [table.index(name) for name in ("white", "cortex", "thalamus", "caudate", "putamen")]
    assert (table.t1_ms[3.0][brain] > 1.1 * table.t1_ms[1.5][brain]).all()
    assert (table.t2_ms[3.0][brain] < 0.95 * table.t2_ms[1.5][brain]).all()
