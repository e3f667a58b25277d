"""What a run begins with: random weights, a model's, or the deep levels of a network for larger voxels."""

from __future__ import annotations

import torch
from torch import Tensor

from BrainFMEngine.errors import UsageError
from BrainFMEngine.models.store import resolve_model
from BrainFMEngine.network.build import BrainNetwork, build_network
from BrainFMEngine.network.checkpoint import load_network
from BrainFMEngine.network.heads import HIDDEN_SLOPE
from BrainFMEngine.training.recipe import Recipe

STEM = "basic_module.SingleConv1."
HIDDEN = "head.layers.0.main"
HIDDEN_NOISE = 0.1
"""How much of its random weights a hidden layer keeps that is added to a model without one."""


def initial_network(recipe: Recipe) -> BrainNetwork:
    """Build the network of a recipe on the CPU with its first weights; the same seed gives the same bits.

    Raises:
        UsageError: the recipe needs a model, or its model has nothing in common with the network.
        ModelFileError: the model is refused.
    """
    recipe.start.check()
    generator_state = torch.get_rng_state()
    torch.manual_seed(recipe.seed)
    network = build_network(recipe.network.config())
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    torch.set_rng_state(generator_state)
    with torch.no_grad():
        for name, gain in recipe.start.head_gains.items():
            getattr(network.head, f"final_conv_{name}").weight.mul_(gain)
    if recipe.start.model is not None:
        _take_over(network, load_network(resolve_model(recipe.start.model)), recipe)
    return network


def grow(fine: BrainNetwork, coarse: BrainNetwork) -> None:
    """Copy a network for voxels twice as large into the deep levels of the next finer one, in place.

    A network without its first level is one of half the resolution, twice the maps and one level less: level k of the
    coarse network becomes level k + 1. Its very first layer saw the image, not maps, so it has no place; nor have its
    heads, which read twice as many maps.

    Raises:
        UsageError: the two are not of that relation.
    """
    wanted, given = fine.config, coarse.config
    if given.f_maps != 2 * wanted.f_maps or given.num_levels != wanted.num_levels - 1:
        raise UsageError(
            f"a model of {given.f_maps} maps and {given.num_levels} levels has not the deep levels of one of "
            f"{wanted.f_maps} and {wanted.num_levels}",
            f"It should have {2 * wanted.f_maps} maps and {wanted.num_levels - 1} levels.",
        )
    for level, encoder in enumerate(coarse.backbone.encoders):
        state = encoder.state_dict()
        if level == 0:
            state = {name: tensor for name, tensor in state.items() if not name.startswith(STEM)}
        fine.backbone.encoders[level + 1].load_state_dict(state, strict=level > 0)
    branches = (network.backbone.decoders_of(network.backbone.decoder_names[0]) for network in (fine, coarse))
    for mine, given in zip(*branches, strict=False):  # the finest has no counterpart
        mine.load_state_dict(given.state_dict())


def widen_heads(state: dict[str, Tensor], maps: int, noise: Tensor) -> dict[str, Tensor]:
    """Give heads without hidden layers one of `2 · maps` channels that changes no answer: the maps and their negatives.

    With LeakyReLU a, a(x) - a(-x) = (1 + slope) x: a head that reads the difference answers as before, and can learn
    from there what no linear function of the maps gives.

    Args:
        state: of a network with linear heads.
        maps: f_maps.
        noise: (2 · maps, maps, 3, 3, 3), added to the new layer so that its neighbours take part; small or 0.
    """
    layer = noise.clone()
    identity = torch.eye(maps)
    layer[:, :, 1, 1, 1] += torch.cat((identity, -identity))
    wide = {f"{HIDDEN}.weight": layer, f"{HIDDEN}.bias": torch.zeros(2 * maps)}
    for name, tensor in state.items():
        reads = name.startswith("head.final_conv_") and name.endswith(".weight")
        wide[name] = torch.cat((tensor, -tensor), 1) / (1 + HIDDEN_SLOPE) if reads else tensor
    return wide


def _take_over(network: BrainNetwork, model: BrainNetwork, recipe: Recipe) -> None:
    if recipe.start.part == "deep-levels":
        grow(network, model)
        return
    mine = network.state_dict()
    state, f_maps = model.state_dict(), network.config.f_maps
    if recipe.start.part == "all" and network.config.hidden_maps == (2 * f_maps,) and not model.config.hidden_maps:
        state = widen_heads(state, f_maps, HIDDEN_NOISE * mine[f"{HIDDEN}.weight"])
    prefix = "backbone." if recipe.start.part == "backbone" else ""
    taken: dict[str, Tensor] = {
        name: tensor
        for name, tensor in state.items()
        if name.startswith(prefix) and name in mine and mine[name].shape == tensor.shape
    }
    missing = [name for name in mine if name.startswith("backbone.") and name not in taken]
    if missing:
        raise UsageError(
            f"the model {recipe.start.model!r} does not have this recipe's backbone ({missing[0]} differs)",
            "Set network.f_maps, network.num_levels and network.unit_features as the model has them.",
        )
    network.load_state_dict({**mine, **taken})
