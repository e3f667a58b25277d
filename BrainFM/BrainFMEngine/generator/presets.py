"""Contrasts of real scanners: grey levels computed from published tissue values and a randomly drawn protocol.

MR presets put relaxation times and proton densities of `tissues.csv` into the signal equation of a drawn sequence; the
CT preset takes Hounsfield units in the 0 to 80 HU window that the network sees. Ranges of the protocols span routine
brain protocols: T1, T2 and FLAIR at 1.5 and 3 T as in Lu et al. 2005 (J Magn Reson Imaging 22:13-22), MP-RAGE as in
Wang et al. 2014 (PLoS ONE 9:e96899).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from BrainFMEngine.errors import UsageError, nearest_name
from BrainFMEngine.generator import signals
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.labels import LabelScheme
from BrainFMEngine.generator.tissues import FIELDS_TESLA, REFERENCE_TISSUES, tissues

PRESETS = ("t1", "mprage", "t2", "flair", "ct")
FULL_SCALE = 255.0
CT_WINDOW_HU = 80.0

Range = tuple[float, float]


@dataclass(frozen=True)
class Protocol:
    """Ranges that the settings of one sequence are drawn from; ms and degrees."""

    sequence: str
    repetition: Range = (0.0, 0.0)
    echo: Range = (0.0, 0.0)
    inversion: Range = (0.0, 0.0)
    flip: Range = (90.0, 90.0)
    echo_spacing: Range = (0.0, 0.0)
    echoes: tuple[int, int] = (1, 1)


MP_RAGE = Protocol("mp-rage", (1900, 2500), (2, 4.5), (850, 1100), (7, 12), (6, 8), (128, 176))
PROTOCOLS = {
    "t1": (
        Protocol("spin-echo", (400, 700), (8, 16)),
        Protocol("gradient-echo", (15, 25), (3, 6), flip=(24, 32)),
        MP_RAGE,
    ),
    "mprage": (MP_RAGE,),
    "t2": (Protocol("spin-echo", (3000, 6500), (80, 115)),),
    "flair": (Protocol("inversion-recovery", (7000, 10000), (90, 140), (0.96, 1.02)),),
    "ct": (Protocol("ct"),),
}
"""Kind -> the sequences it is drawn from; the inversion of FLAIR is relative to the null of CSF."""

REFERENCE_LEVEL = {"t1": (140, 210), "mprage": (140, 210), "t2": (190, 250), "flair": (110, 190), "ct": (255, 255)}
"""Grey level of the brightest of white matter, cortex and CSF; of 80 HU for CT."""

T1_SPREAD, T2_SPREAD, DENSITY_SPREAD, TEXTURE_SPREAD = 0.06, 0.05, 0.02, 0.4
GRAIN = (1.0, 4.0)
CT_GRAIN_HU = (1.5, 4.0)
MOST_INFLOW = 0.3
"""Share of arterial spins that reach a gradient echo unsaturated; slow flow hardly does, so it counts cubed."""


@dataclass(frozen=True, eq=False)
class Preset:
    """One drawn protocol and how the tissues of this head deviate from the table.

    Attributes:
        kind: one of `PRESETS`.
        sequence: "spin-echo", "gradient-echo", "mp-rage", "inversion-recovery" or "ct".
        field_tesla: 1.5 or 3.
        repetition_ms, echo_ms, inversion_ms, flip_degrees, echo_spacing_ms, echoes: of the sequence, 0 where unused.
        level: grey level of the reference, see `REFERENCE_LEVEL`.
        flow: 0..1, how much flowing spins are changed.
        grain: standard deviation of single voxels, grey levels (HU for CT).
        deviation: (tissues, 3) float32, -1..1: of T1 or HU, of T2 and density, of texture.
    """

    kind: str
    sequence: str
    field_tesla: float
    repetition_ms: float
    echo_ms: float
    inversion_ms: float
    flip_degrees: float
    echo_spacing_ms: float
    echoes: int
    level: float
    flow: float
    grain: float
    deviation: np.ndarray


def sample_preset(draws: Draws, kind: str) -> Preset:
    """Draw a protocol of a kind, all uniformly from the pattern stream; UsageError for an unknown kind."""
    _check(kind, PRESETS)
    random = draws.pattern
    protocol = PROTOCOLS[kind][random.integers(len(PROTOCOLS[kind]))]
    field_tesla = FIELDS_TESLA[random.integers(len(FIELDS_TESLA))]
    repetition, echo = random.uniform(*protocol.repetition), random.uniform(*protocol.echo)
    inversion = random.uniform(*protocol.inversion)
    if protocol.sequence == "inversion-recovery":
        csf = tissues().t1_ms[field_tesla][tissues().index("csf")]
        inversion *= signals.fluid_null(float(csf), repetition)
    return Preset(
        kind=kind,
        sequence=protocol.sequence,
        field_tesla=field_tesla,
        repetition_ms=float(repetition),
        echo_ms=float(echo),
        inversion_ms=float(inversion),
        flip_degrees=float(random.uniform(*protocol.flip)),
        echo_spacing_ms=float(random.uniform(*protocol.echo_spacing)),
        echoes=int(random.integers(protocol.echoes[0], protocol.echoes[1] + 1)),
        level=float(random.uniform(*REFERENCE_LEVEL[kind])),
        flow=float(random.uniform(0.5, 1)),
        grain=float(random.uniform(*(CT_GRAIN_HU if kind == "ct" else GRAIN))),
        deviation=random.uniform(-1, 1, (len(tissues().names), 3)).astype(np.float32),
    )


def preset_means(preset: Preset, scheme: LabelScheme) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute what every row is painted with.

    Returns:
        Mean, standard deviation of single voxels, and standard deviation of patches of a few mm, each (rows,) float32
        on the 0..255 scale. CT is not windowed: 255 is 80 HU, and air lies far below 0.
    """
    mean, texture, grain_level = _hounsfield_levels(preset) if preset.kind == "ct" else _signal_levels(preset)
    texture = texture * (1 + TEXTURE_SPREAD * preset.deviation[:, 2])
    grain = grain_level * (tissues().density > 0)
    mean, texture, grain = (values[scheme.tissue] for values in (mean, texture, grain))
    return *scheme.mix(mean, grain), scheme.mix(mean, texture)[1]


def target_values(kind: str, scheme: LabelScheme) -> np.ndarray:
    """Return the nominal value of every row, (rows,) float32.

    Args:
        kind: "T1", "T2", "FLAIR" (relative intensity, 0..1) or "CT" (1000 HU).
        scheme: of the rows.
    """
    _check(kind, tissues().nominal)
    values = tissues().nominal[kind][scheme.tissue]
    return scheme.mix(values, values)[0]


def _hounsfield_levels(preset: Preset) -> tuple[np.ndarray, np.ndarray, float]:
    table, scale = tissues(), preset.level / CT_WINDOW_HU
    mean = table.hounsfield + preset.deviation[:, 0] * table.hounsfield_spread
    return scale * mean, scale * table.hounsfield_texture, scale * preset.grain


def _signal_levels(preset: Preset) -> tuple[np.ndarray, np.ndarray, float]:
    table = tissues()
    t1 = table.t1_ms[preset.field_tesla] * (1 + T1_SPREAD * preset.deviation[:, 0])
    t2 = table.t2_ms[preset.field_tesla] * (1 + T2_SPREAD * preset.deviation[:, 1])
    density = table.density * (1 + DENSITY_SPREAD * preset.deviation[:, 1])
    signal = _signal(preset, t1, t2, density, preset.flow * table.flow)
    reference = signal[[table.index(name) for name in REFERENCE_TISSUES]].max()
    mean = preset.level * signal / reference
    return mean, mean * table.texture, preset.grain


def _signal(preset: Preset, t1: np.ndarray, t2: np.ndarray, density: np.ndarray, flow: np.ndarray) -> np.ndarray:
    repetition, echo = preset.repetition_ms, preset.echo_ms
    if preset.sequence == "spin-echo":
        return signals.spin_echo(t1, t2, density, repetition, echo, flow)
    if preset.sequence == "inversion-recovery":
        return signals.inversion_recovery(t1, t2, density, repetition, echo, preset.inversion_ms, flow)
    inflow = MOST_INFLOW * flow**3
    if preset.sequence == "gradient-echo":
        return signals.gradient_echo(t1, t2, density, repetition, echo, preset.flip_degrees, inflow)
    readout = (preset.flip_degrees, preset.echo_spacing_ms, preset.echoes)
    return signals.mp_rage(t1, t2, density, repetition, echo, preset.inversion_ms, *readout, inflow)


def _check(kind: str, known) -> None:
    if kind not in known:
        raise UsageError(f"there is no contrast {kind!r}", nearest_name(kind, known))
