"""Left is left: the same head stored along any axes gives the same results in the same places."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine import Predictor
from BrainFMEngine.image.volume import Volume
from phantom import ORIENTATIONS, make_head, rotation, stored_as


@pytest.fixture(scope="module", params=["upright", "oblique"])
def head(request) -> Volume:
    directions = rotation(12, -8, 15) if request.param == "oblique" else None
    return make_head((26, 30, 27), (1.7, 1.6, 2.1), directions)


@pytest.mark.parametrize("tta", [False, True], ids=["once", "mirrored"])
def test_every_result_agrees_in_world_space_for_all_48_orientations(head, make_network, tta):
    predictor = Predictor(make_network(num_levels=3), device="cpu", tta=tta)
    expected = predictor.predict(head)
    for order, flips in ORIENTATIONS[:: 5 if tta else 1]:
        found = predictor.predict(stored_as(head, order, flips))
        assert found.grid.shape == tuple(head.array.shape[axis] for axis in order)
        np.testing.assert_array_equal(as_head(found.labels, order, flips), expected.labels)
        for name, values in expected.maps.items():
            np.testing.assert_allclose(as_head(found.maps[name], order, flips), values, atol=1e-4, err_msg=name)


def as_head(array: np.ndarray, order: tuple[int, ...], flips: tuple[bool, ...]) -> np.ndarray:
    """Undo `stored_as` for an array that may have channels."""
    array = np.flip(array, [axis for axis, flip in enumerate(flips) if flip])
    back = [*np.argsort(order), *range(3, array.ndim)]
    return array.transpose(back)
