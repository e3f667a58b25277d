"""How bright a tissue is in a pulse sequence: steady-state signal equations of spin and gradient echoes.

Equations as in Haacke et al., Magnetic Resonance Imaging: Physical Principles and Sequence Design (Wiley 1999), fluid
attenuation after Hajnal et al. 1992 (J Comput Assist Tomogr 16:841-844), MP-RAGE after Mugler and Brookeman 1990 (Magn
Reson Med 15:152-157) with the approach to a steady state of Deichmann et al. 2000 (NeuroImage 12:112-127).

Times are in ms, angles in degrees; tissue values are arrays of one shape, and so is the signal, in units of the proton
density. Decay by field inhomogeneity is left out: echo times of gradient echoes are short.
"""

from __future__ import annotations

import numpy as np


def spin_echo(
    t1: np.ndarray, t2: np.ndarray, density: np.ndarray, repetition: float, echo: float, flow: np.ndarray | float = 0.0
) -> np.ndarray:
    """Return the signal of a (turbo) spin echo; `flow` is the share of spins that leave between the pulses."""
    recovery = 1 - 2 * np.exp(-(repetition - echo / 2) / t1) + np.exp(-repetition / t1)
    return density * (1 - flow) * recovery * np.exp(-echo / t2)


def inversion_recovery(
    t1: np.ndarray,
    t2: np.ndarray,
    density: np.ndarray,
    repetition: float,
    echo: float,
    inversion: float,
    flow: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Return the magnitude signal of an inversion-recovery spin echo."""
    recovery = 1 - 2 * np.exp(-inversion / t1) + 2 * np.exp(-(repetition - echo / 2) / t1) - np.exp(-repetition / t1)
    return np.abs(density * (1 - flow) * recovery * np.exp(-echo / t2))


def fluid_null(t1: float, repetition: float) -> float:
    """Return the inversion time (ms) at which tissue of that T1 gives no signal, echo times neglected."""
    return float(t1 * (np.log(2) - np.log1p(np.exp(-repetition / t1))))


def gradient_echo(
    t1: np.ndarray,
    t2: np.ndarray,
    density: np.ndarray,
    repetition: float,
    echo: float,
    flip: float,
    flow: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Return the signal of a spoiled gradient echo; `flow` is the share of spins that arrive unsaturated."""
    angle = np.deg2rad(flip)
    recovery = np.exp(-repetition / t1)
    saturated = (1 - recovery) / (1 - np.cos(angle) * recovery)
    return density * np.sin(angle) * (flow + (1 - flow) * saturated) * np.exp(-echo / t2)


def mp_rage(
    t1: np.ndarray,
    t2: np.ndarray,
    density: np.ndarray,
    repetition: float,
    echo: float,
    inversion: float,
    flip: float,
    echo_spacing: float,
    echoes: int,
    flow: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Return the magnitude signal of an MP-RAGE at the centre of k-space.

    Each cycle of `repetition` inverts, waits, takes `echoes` gradient echoes whose middle lies `inversion` after the
    pulse, and recovers. Magnetisation along the field repeats from cycle to cycle.
    """
    angle = np.deg2rad(flip)
    half = echoes * echo_spacing / 2
    apparent = 1 / (1 / t1 - np.log(np.cos(angle)) / echo_spacing)
    driven = (1 - np.exp(-echo_spacing / t1)) / (1 - np.cos(angle) * np.exp(-echo_spacing / t1))
    before, during, after = (
        np.exp(-(inversion - half) / t1),
        np.exp(-2 * half / apparent),
        np.exp(-(repetition - inversion - half) / t1),
    )
    steady = 1 + after * (driven * (1 - during) + (1 - before) * during - 1)
    steady = steady / (1 + before * during * after)
    start = 1 - (1 + steady) * before
    centre = driven + (start - driven) * np.exp(-half / apparent)
    return np.abs(density * np.sin(angle) * (flow + (1 - flow) * centre) * np.exp(-echo / t2))
