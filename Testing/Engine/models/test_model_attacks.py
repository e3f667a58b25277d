"""Malicious and broken checkpoint files: each is refused with its cause, and nothing in it is executed."""

from __future__ import annotations

import gzip
import io
import pickle
import re
import struct
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from checkpoint_makers import refused, weights  # noqa: E402


def entries_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_zip(path: Path, entries: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, data in entries:
            archive.writestr(name, data)
    return path


def raw_call(module: str, name: str, argument: str) -> bytes:
    """A protocol-2 pickle that calls module.name(argument)."""
    text = argument.encode()
    call = f"c{module}\n{name}\n".encode()
    return b"\x80\x02" + call + b"X" + struct.pack("<I", len(text)) + text + b"\x85R."


PAYLOADS = {
    "os.system": ("os", "system"),
    "posix.system": ("posix", "system"),
    "nt.system": ("nt", "system"),
    "eval": ("builtins", "eval"),
    "exec": ("builtins", "exec"),
    "old-eval": ("__builtin__", "eval"),
    "getattr": ("builtins", "getattr"),
    "io.open": ("io", "open"),
    "popen": ("subprocess", "Popen"),
    "runpy": ("runpy", "run_path"),
    "pickle.loads": ("pickle", "loads"),
    "torch.load": ("torch", "load"),
    "torch.hub": ("torch.hub", "load"),
    "torch.jit": ("torch.jit", "load"),
    "numpy.load": ("numpy", "load"),
    "import": ("importlib", "import_module"),
    "dotted-namespace": ("argparse", "Namespace.__init__.__globals__"),
    "dotted-module": ("argparse", "_sys.modules"),
    "dotted-rebuild": ("torch._utils", "_rebuild_tensor_v2.__globals__"),
    "dotted-class": ("collections", "OrderedDict.fromkeys"),
    "namespace-prefix": ("argparse", "Namespace2"),
    "module-prefix": ("argparse.Namespace", "system"),
    "codecs": ("_codecs", "decode"),
    "rebuild-object": ("torch._utils", "_rebuild_wrapper_subclass"),
}


@pytest.mark.parametrize("kind", PAYLOADS)
def test_code_in_the_pickle_of_a_checkpoint_is_named_and_not_run(home, tmp_path, checkpoint, kind):
    module, name = PAYLOADS[kind]
    canary = tmp_path / "canary"
    entries = entries_of(checkpoint())
    entries["authors/data.pkl"] = raw_call(module, name, f"open({str(canary)!r}, 'w').close()")
    path = write_zip(tmp_path / "evil.pth", list(entries.items()))
    refused(path, re.escape(f"contains code (global {module}.{name})"))
    assert not canary.exists()


class Payload:
    def __init__(self, canary: Path):
        self.canary = canary

    def __reduce__(self):
        return exec, (f"open({str(self.canary)!r}, 'w').close()",)


@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
@pytest.mark.parametrize("place", ["alone", "argument", "weight name"])
def test_payloads_of_every_protocol_are_refused(home, tmp_path, checkpoint, protocol, place):
    canary = tmp_path / "canary"
    content = {
        "alone": Payload(canary),
        "argument": {"model": {}, "train_args": Payload(canary)},
        "weight name": {"model": {"backbone": [Payload(canary)]}},
    }[place]
    entries = entries_of(checkpoint())
    entries["authors/data.pkl"] = pickle.dumps(content, protocol)
    refused(write_zip(tmp_path / "evil.pth", list(entries.items())), "contains code .*exec")
    assert not canary.exists()


@pytest.mark.parametrize("container", ["legacy", "legacy torch", "tar", "gzip"])
def test_payloads_in_other_containers_are_refused(home, tmp_path, container):
    canary, path = tmp_path / "canary", tmp_path / "evil.pth"
    payload = pickle.dumps(Payload(canary), 2)
    if container == "legacy":
        path.write_bytes(payload)
    elif container == "legacy torch":
        torch.save({"model": weights()}, path, _use_new_zipfile_serialization=False)
    elif container == "gzip":
        path.write_bytes(gzip.compress(payload))
    else:
        with tarfile.open(path, "w") as archive:
            member = tarfile.TarInfo("pickle")
            member.size = len(payload)
            archive.addfile(member, io.BytesIO(payload))
    refused(path, {"tar": "tar archive", "gzip": "not a model file"}.get(container, "bare pickle"))
    assert not canary.exists()


def test_torchscript_is_refused(home, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.Conv3d(1, 1, 1)).save(str(tmp_path / "script.pth"))
    refused(tmp_path / "script.pth", "TorchScript")


EXTRA_ENTRIES = {
    "code": ("authors/code/__torch__.py", "contains code"),
    "constants": ("authors/constants.pkl", "contains code"),
    "parent": ("authors/../../escape", "outside"),
    "absolute": ("/etc/passwd", "outside"),
    "backslash": ("authors\\data\\0", "outside"),
    "drive": ("C:/windows/x", "outside"),
    "stranger": ("authors/readme.txt", "which no checkpoint has"),
    "second pickle": ("authors/data2.pkl", "which no checkpoint has"),
    "other root": ("other/data.pkl", "which no checkpoint has"),
    "twice": ("authors/data.pkl", "same name twice"),
    "twice by case": ("authors/DATA.PKL", "which no checkpoint has"),
    "folder": ("authors/data/", "which no checkpoint has"),
}


@pytest.mark.parametrize("kind", EXTRA_ENTRIES)
def test_strange_zip_entries_are_refused(home, tmp_path, checkpoint, kind):
    name, cause = EXTRA_ENTRIES[kind]
    entries = [*entries_of(checkpoint()).items(), (name, b"x")]
    refused(write_zip(tmp_path / "evil.pth", entries), cause)


def test_compressed_entries_are_refused(home, tmp_path, checkpoint):
    entries = list(entries_of(checkpoint()).items())
    refused(write_zip(tmp_path / "evil.pth", entries, zipfile.ZIP_DEFLATED), "compressed")


def test_zip_without_a_pickle_is_refused(home, tmp_path):
    refused(write_zip(tmp_path / "evil.pth", [("authors/version", b"3")]), "not a torch checkpoint")


def test_other_byte_order_is_refused(home, tmp_path, checkpoint):
    entries = {**entries_of(checkpoint()), "authors/byteorder": b"big"}
    refused(write_zip(tmp_path / "evil.pth", list(entries.items())), "big-endian")


def damage(path: Path, change) -> Path:
    data = bytearray(path.read_bytes())
    result = change(data)
    path.write_bytes(bytes(data if result is None else result))
    return path


def flip_in(name: str):
    def change(data: bytearray) -> None:
        with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
            entry = archive.getinfo(name)
        lengths = struct.unpack("<HH", data[entry.header_offset + 26 : entry.header_offset + 30])
        data[entry.header_offset + 30 + sum(lengths) + entry.file_size // 2] ^= 0x10

    return change


def overlap(data: bytearray) -> None:
    """Let the second directory record point at the first entry."""
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 1)
    data[second + 42 : second + 46] = data[first + 42 : first + 46]


def encrypt(data: bytearray) -> None:
    data[data.index(b"PK\x01\x02") + 8] |= 1


DAMAGES = {
    "bit flip in weights": (flip_in("authors/data/3"), "does not match its checksum"),
    "bit flip in pickle": (flip_in("authors/data.pkl"), "does not match its checksum"),
    "cut in half": (lambda data: data[: len(data) // 2], "cut short"),
    "cut by one byte": (lambda data: data[:-1], "cut short"),
    "cut to 10 bytes": (lambda data: data[:10], "cut short"),
    "bytes appended": (lambda data: data + b"payload", "something follows"),
    "comment added": (lambda data: data[:-2] + b"\x04\0PK\x05\x06" + bytes(18), "damaged|cut short|follows|entries"),
    "bytes before": (lambda data: b"junk" + data, "unknown content"),
    "zip before": (lambda data: b"PK\x03\x04" + bytes(60) + data, "overlap|damaged"),
    "overlapping entries": (overlap, "overlap|damaged"),
    "encrypted": (encrypt, "encrypted|damaged"),
    "directory overwritten": (lambda data: data[:-400] + bytes(378) + data[-22:], "damaged|entries"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_files_are_refused(home, checkpoint, kind):
    change, cause = DAMAGES[kind]
    refused(damage(checkpoint(), change), cause)


NOT_MODELS = {
    "empty": (b"", "empty"),
    "web page": (b"<!DOCTYPE html><html>Sign in</html>", "web page"),
    "web page after blanks": (b"\xef\xbb\xbf\n  <html>", "web page"),
    "lfs pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "Git-LFS pointer"),
    "json": (b'{"error": "not found"}', "JSON"),
    "random": (bytes(range(7, 256)) * 9, "unknown content"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(99), "unknown content"),
    "safetensors": (struct.pack("<Q", 2) + b"{}", "safetensors"),
}


@pytest.mark.parametrize("kind", NOT_MODELS)
def test_what_is_no_model_is_named(home, tmp_path, kind):
    content, cause = NOT_MODELS[kind]
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    refused(path, cause)


def test_a_folder_is_named(home, tmp_path):
    refused(tmp_path, "it is a folder")


def test_pickle_that_does_not_end_where_it_should_is_refused(home, tmp_path, checkpoint):
    entries = entries_of(checkpoint())
    tail = {**entries, "authors/data.pkl": entries["authors/data.pkl"] + b"cos\nsystem\n."}
    refused(write_zip(tmp_path / "tail.pth", list(tail.items())), "something follows")
    cut = {**entries, "authors/data.pkl": entries["authors/data.pkl"][:-9]}
    refused(write_zip(tmp_path / "cut.pth", list(cut.items())), "pickle is damaged")


def test_storage_shorter_than_its_tensor_is_refused(home, tmp_path, checkpoint):
    entries = entries_of(checkpoint())
    largest = max((name for name in entries if "/data/" in name), key=lambda name: len(entries[name]))
    entries[largest] = entries[largest][:64]
    refused(write_zip(tmp_path / "short.pth", list(entries.items())), "cannot read it|more values")


def test_missing_storage_is_refused(home, tmp_path, checkpoint):
    entries = entries_of(checkpoint())
    del entries["authors/data/0"]
    refused(write_zip(tmp_path / "short.pth", list(entries.items())), "cannot read it")
