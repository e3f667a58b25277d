"""Intact checkpoint files with the wrong content: every difference is listed, and nothing is stored."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from checkpoint_makers import SMALL, authors_content, refused, weights  # noqa: E402


def changed(**changes) -> dict:
    """The small network's tensors with some replaced; None removes one."""
    names = {"first": "backbone.encoders.0.basic_module.SingleConv1.conv.weight", "head": "head.final_conv_T1.weight"}
    state = weights()
    for key, value in changes.items():
        name = names.get(key, key)
        if value is None:
            del state[name]
        else:
            state[name] = value(state.get(name)) if callable(value) else value
    return state


def with_nan(tensor):
    tensor = tensor.clone()
    tensor.view(-1)[-1] = float("nan")
    return tensor


WRONG_WEIGHTS = {
    "missing": ({"first": None}, r"1 missing \(backbone.encoders.0"),
    "head without weight": ({"head": None}, r"missing \(head.final_conv_T1.weight"),
    "extra": ({"head.final_linear9.weight": torch.zeros(3)}, "age head|extra"),
    "extra layer": ({"backbone.encoders.9.conv.weight": torch.zeros(3)}, "missing|impossible"),
    "extra in backbone": ({"backbone.extra": torch.zeros(3)}, r"1 extra \(backbone.extra\)"),
    "misshapen": ({"first": torch.zeros(4, 2, 3, 3, 3)}, "misshapen"),
    "2D": ({"first": torch.zeros(4, 1, 3, 3)}, "misshapen"),
    "flat head": ({"head": torch.zeros(8)}, "misshapen|channels"),
    "two channels": ({"head": torch.zeros(2, 8, 1, 1, 1)}, "2 channels"),
    "nan": ({"first": with_nan}, "not numbers"),
    "infinite": ({"head": lambda t: t * float("inf")}, "not numbers"),
    "integer": ({"first": lambda t: t.int()}, "int32"),
    "double": ({"first": lambda t: t.double()}, "float64"),
    "boolean": ({"head": lambda t: t > 0}, "bool"),
    "not a tensor": ({"head": "weights"}, "not a tensor"),
    "list": ({"head": [1.0, 2.0]}, "not a tensor"),
    "expanded": ({"first": torch.zeros(1).expand(2048, 2048, 3, 3, 3)}, "more values than the file holds"),
    "other network": ({"encoder.conv1.weight": torch.zeros(3)}, "another network"),
}


@pytest.mark.parametrize("kind", WRONG_WEIGHTS)
def test_wrong_weights_are_listed(home, checkpoint, kind):
    changes, cause = WRONG_WEIGHTS[kind]
    refused(checkpoint(changed(**changes)), cause)


def test_overflowing_network_is_refused(home, checkpoint):
    state = {name: tensor * 1e30 if tensor.ndim == 5 else tensor for name, tensor in weights().items()}
    refused(checkpoint(state), "not finite")


WRONG_CONTENT = {
    "list": [1, 2],
    "tensor": torch.zeros(2),
    "bare state dict": weights(),
    "no weights": {"model": {}},
    "model is a list": {"model": [torch.zeros(1)]},
    "derivative": {"backbone_state_dict": weights()},
    "other": authors_content({"conv1.weight": torch.zeros(3)}, SMALL),
}


@pytest.mark.parametrize("kind", WRONG_CONTENT)
def test_other_contents_are_refused(home, tmp_path, kind):
    torch.save(WRONG_CONTENT[kind], tmp_path / "other.pth")
    refused(tmp_path / "other.pth", "no 'model' entry|no weights|another network")
