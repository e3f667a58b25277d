"""Everything that can go wrong with an image, and how strongly; the defaults leave it clean."""

from __future__ import annotations

from dataclasses import dataclass

from BrainFMEngine.generator.background import BackgroundRanges
from BrainFMEngine.generator.bias import BiasRanges
from BrainFMEngine.generator.defacing import DefacingRanges
from BrainFMEngine.generator.field_of_view import FieldOfViewRanges
from BrainFMEngine.generator.gamma import GammaRanges
from BrainFMEngine.generator.ghosting import GhostingRanges
from BrainFMEngine.generator.gibbs import GibbsRanges
from BrainFMEngine.generator.noise import NoiseRanges
from BrainFMEngine.generator.resolution import ResolutionRanges
from BrainFMEngine.generator.spikes import SpikesRanges


@dataclass(frozen=True)
class CorruptionRanges:
    """Ranges of every corruption; each part is described in the file of its name."""

    gamma: GammaRanges = GammaRanges()
    bias: BiasRanges = BiasRanges()
    resolution: ResolutionRanges = ResolutionRanges()
    noise: NoiseRanges = NoiseRanges()
    ghosting: GhostingRanges = GhostingRanges()
    gibbs: GibbsRanges = GibbsRanges()
    spikes: SpikesRanges = SpikesRanges()
    field_of_view: FieldOfViewRanges = FieldOfViewRanges()
    background: BackgroundRanges = BackgroundRanges()
    defacing: DefacingRanges = DefacingRanges()
