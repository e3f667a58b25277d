"""Our own format: what is written can be read, and every way in which it can be wrong is refused."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from BrainFMEngine import load_model  # noqa: E402
from BrainFMEngine.errors import FileAccessError, ModelFileError  # noqa: E402
from BrainFMEngine.network.checkpoint import ModelInfo, load_network, read_info, save_model  # noqa: E402
from BrainFMEngine.network.config import NetworkConfig  # noqa: E402
from checkpoint_makers import SMALL, weights  # noqa: E402

INFO = ModelInfo("model", SMALL, label_protocol="brainfm-56")
FIRST = "backbone.encoders.0.basic_module.SingleConv1.groupnorm.weight"


def edit_info(folder: Path, **changes) -> None:
    path = folder / "model.json"
    values = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in values.items() if value is not ...}))


def replace_weights(folder: Path, data: bytes) -> None:
    """Exchange the weights and the hash with them, so that only the content can be refused."""
    (folder / "model.safetensors").write_bytes(data)
    edit_info(folder, sha256=hashlib.sha256(data).hexdigest())


def pack(header: dict | str, data: bytes) -> bytes:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text)) + text + data


def unpack(folder: Path) -> tuple[dict, bytes]:
    data = (folder / "model.safetensors").read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def test_saved_network_is_loaded_bit_for_bit(model_folder):
    network = load_network(model_folder)
    assert not network.training
    assert network.info == read_info(model_folder)
    assert all(torch.equal(tensor, weights()[name]) for name, tensor in network.state_dict().items())
    outputs = load_model(model_folder / "model.safetensors")(torch.rand(1, 1, 8, 8, 8))
    assert {"T1", "segmentation", "distance", "features"} == set(outputs)


def test_half_precision_weights_are_stored_as_they_are(tmp_path):
    save_model(tmp_path / "m", {name: tensor.half() for name, tensor in weights().items()}, INFO)
    assert {entry["dtype"] for name, entry in unpack(tmp_path / "m")[0].items() if name != "__metadata__"} == {"F16"}
    with pytest.raises(ModelFileError, match="stored as float32"):
        save_model(tmp_path / "n", {name: tensor.double() for name, tensor in weights().items()}, INFO)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_storage_becomes_float32(tmp_path, dtype):
    save_model(tmp_path / "half", weights(), INFO, dtype)
    save_model(tmp_path / "full", weights(), INFO)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("half", "full")]
    assert sizes[0] < 0.6 * sizes[1]
    state = load_network(tmp_path / "half").state_dict()
    assert all(torch.equal(tensor, weights()[name].to(dtype).float()) for name, tensor in state.items())


def test_existing_folder_is_replaced_only_on_request(model_folder):
    before = read_info(model_folder)
    with pytest.raises(FileAccessError, match="exists already"):
        save_model(model_folder, weights(seed=1), INFO)
    assert read_info(model_folder) == before
    after = save_model(model_folder, weights(seed=1), INFO, overwrite=True)
    assert load_network(model_folder).info == after != before
    assert [path.name for path in model_folder.parent.iterdir()] == ["model"]


def test_failed_save_leaves_nothing(tmp_path):
    for broken in (float("nan"), 1e6):
        state = {**weights(), FIRST: torch.full((1,), broken)}
        with pytest.raises(ModelFileError, match="not numbers"):
            save_model(tmp_path / "model", state, INFO, torch.float16)
    with pytest.raises(ModelFileError, match="1 missing"):
        save_model(tmp_path / "model", {k: v for k, v in weights().items() if k != FIRST}, INFO)
    assert list(tmp_path.iterdir()) == []


def test_description_survives_json(tmp_path):
    info = replace(INFO, title="Ä", provenance={"source": "x"}, metrics={"dice": 0.8}, licence="Apache-2.0")
    saved = save_model(tmp_path / "model", weights(), info)
    assert read_info(tmp_path / "model") == saved
    values = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    assert values["format_version"] == 1
    assert values["tasks"] == ["t1", "seg", "distance"]
    assert values["units"]["distance"] == "mm"


def test_explicit_label_ids_are_a_protocol(tmp_path):
    config = NetworkConfig(heads={"segmentation": 3}, f_maps=8, num_levels=2)
    save_model(tmp_path / "m", weights(config), ModelInfo("m", config, label_protocol=(0, 2, 41)))
    assert load_network(tmp_path / "m").info.protocol.ids == (0, 2, 41)


DESCRIPTIONS = {
    "future version": ({"format_version": 2}, "format version 2"),
    "no version": ({"format_version": ...}, "format version"),
    "version is a text": ({"format_version": "1"}, "format version"),
    "unknown key": ({"licens": "x"}, "'licens'.*'licence'"),
    "no hash": ({"sha256": ...}, "lacks sha256"),
    "no network": ({"network": ...}, "lacks network"),
    "unknown network key": ({"network": {"heads": {}, "f_map": 8}}, "'f_map'.*'f_maps'"),
    "network is a list": ({"network": [1]}, "not a table"),
    "other levels": ({"network": {**SMALL.to_dict(), "num_levels": 4}}, "tensors do not fit"),
    "unknown protocol": ({"label_protocol": "mine"}, "unknown label protocol"),
    "protocol of another length": ({"label_protocol": "brain-id-33"}, "56 classes"),
    "no protocol": ({"label_protocol": None}, "56 classes"),
    "unknown label": ({"label_protocol": [0, 123456]}, "no known structure"),
    "wrong tasks": ({"tasks": ["t1"]}, "do not fit its heads"),
    "path as name": ({"name": "../x"}, "not a model name"),
    "provenance is a list": ({"provenance": []}, "'provenance'"),
    "metrics are texts": ({"metrics": {"dice": "good"}}, "'metrics'"),
    "zero spacing": ({"spacing_mm": 0}, "spacing_mm"),
    "other hash": ({"sha256": "0" * 64}, "SHA-256 differs"),
}


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_wrong_descriptions_are_refused(model_folder, kind):
    changes, cause = DESCRIPTIONS[kind]
    edit_info(model_folder, **changes)
    with pytest.raises(ModelFileError) as caught:
        load_network(model_folder)
    assert re.search(cause, str(caught.value))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "not a table"),
        (b'{"name": "a", "name": "b"}', "a key twice"),
        (b'{"metrics": {"x": NaN}}', "NaN"),
        (b" " * (1 << 21), "too big"),
    ],
)
def test_descriptions_that_are_no_json_are_refused(model_folder, text, cause):
    (model_folder / "model.json").write_bytes(text)
    with pytest.raises(ModelFileError, match=cause):
        load_network(model_folder)


def test_missing_files_are_named(model_folder, tmp_path):
    (model_folder / "model.safetensors").unlink()
    with pytest.raises(ModelFileError, match="has no model.safetensors"):
        load_network(model_folder)
    with pytest.raises(ModelFileError, match="model.json"):
        load_network(tmp_path)


def test_one_flipped_bit_is_noticed(model_folder):
    data = bytearray((model_folder / "model.safetensors").read_bytes())
    data[-5] ^= 1
    (model_folder / "model.safetensors").write_bytes(bytes(data))
    with pytest.raises(ModelFileError, match="SHA-256 differs"):
        load_network(model_folder)


def entry(start: int, stop: int, dtype: str = "F32", shape: list | None = None) -> dict:
    return {"dtype": dtype, "shape": [(stop - start) // 4] if shape is None else shape, "data_offsets": [start, stop]}


HEADERS = {
    "empty file": (b"", "cut short"),
    "seven bytes": (b"1234567", "cut short"),
    "length beyond the file": (struct.pack("<Q", 1 << 40) + b"{}", "cut short"),
    "huge header": (struct.pack("<Q", 9 << 20) + b"{" + b" " * (9 << 20), "cut short"),
    "no object": (pack("[]", b""), "not a safetensors file"),
    "no JSON": (pack("{nonsense", b""), "not valid JSON"),
    "deep nesting": (pack('{"a":' * 50_000, b""), "not valid JSON"),
    "key twice": (pack('{"a": %s, "a": %s}' % ((json.dumps(entry(0, 4)),) * 2), bytes(4)), "a key twice"),
    "field twice": (pack('{"a": {"dtype": "F32", "dtype": "F16"}}', b""), "a key twice"),
    "overlap": (pack({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)), "overlap"),
    "same place": (pack({"a": entry(0, 8), "b": entry(0, 8)}, bytes(8)), "overlap"),
    "hole": (pack({"a": entry(0, 4), "b": entry(8, 12)}, bytes(12)), "holes"),
    "beyond the end": (pack({"a": entry(0, 400)}, bytes(4)), "describes 400 bytes"),
    "bytes left over": (pack({"a": entry(0, 4)}, bytes(400)), "describes 4 bytes"),
    "backwards": (pack({"a": entry(8, 0, shape=[1])}, bytes(8)), "bytes that its shape needs"),
    "negative": (pack({"a": entry(-4, 0)}, bytes(4)), "not possible"),
    "negative shape": (pack({"a": entry(0, 4, shape=[-1, -1])}, bytes(4)), "not possible"),
    "overflowing shape": (pack({"a": entry(0, 4, shape=[1 << 62, 4])}, bytes(4)), "not possible"),
    "fraction": (pack({"a": entry(0, 4, shape=[1.0])}, bytes(4)), "not possible"),
    "wrong size": (pack({"a": entry(0, 4, shape=[2])}, bytes(4)), "bytes that its shape needs"),
    "integers": (pack({"a": entry(0, 4, "I32")}, bytes(4)), "has type I32"),
    "unknown type": (pack({"a": entry(0, 4, "X1")}, bytes(4)), "has type X1"),
    "type is a list": (pack({"a": {**entry(0, 4), "dtype": []}}, bytes(4)), "has type"),
    "extra field": (pack({"a": {**entry(0, 4), "code": "x"}}, bytes(4)), "not described as a tensor"),
    "no tensor": (pack({"a": 7}, b""), "not described as a tensor"),
    "six dimensions": (pack({"a": entry(0, 4, shape=[1] * 6)}, bytes(4)), "bytes that its shape needs"),
    "nothing inside": (pack({}, b""), "missing"),
    "other tensors": (pack({"a": entry(0, 4)}, bytes(4)), r"missing .*1 extra \(a\)"),
    "nan": (pack({"a": entry(0, 4)}, struct.pack("<f", float("nan"))), "not numbers"),
    "pickle": (b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.", "cut short"),
    "zip": (b"PK\x03\x04" + bytes(100), "cut short"),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_wrong_weight_files_are_refused(model_folder, kind):
    data, cause = HEADERS[kind]
    replace_weights(model_folder, data)
    with pytest.raises(ModelFileError, match=cause):
        load_network(model_folder)


def test_misshapen_weights_are_listed(model_folder):
    header, data = unpack(model_folder)
    header["head.final_conv_T1.weight"]["shape"] = [8, 1, 1, 1, 1]
    replace_weights(model_folder, pack(header, data))
    with pytest.raises(ModelFileError, match=r"1 misshapen \(head.final_conv_T1.weight \(8, 1, 1, 1, 1\) instead of"):
        load_network(model_folder)


def test_weights_that_overflow_in_use_are_refused(model_folder):
    header, data = unpack(model_folder)
    count = len(data) // 4
    values = torch.frombuffer(bytearray(data), dtype=torch.float32) * 1e30
    assert values.numel() == count
    replace_weights(model_folder, pack(header, values.numpy().tobytes()))
    with pytest.raises(ModelFileError, match="not finite"):
        load_network(model_folder)
