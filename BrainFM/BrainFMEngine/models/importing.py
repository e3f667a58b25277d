"""Import: a checkpoint file becomes a model folder, once. Afterwards only the model folder is ever loaded."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from BrainFMEngine.anatomy.protocols import protocol_for_channels
from BrainFMEngine.errors import ModelFileError, UsageError
from BrainFMEngine.models.authors import AuthorsFile, read_authors_file
from BrainFMEngine.models.catalogue import catalogue
from BrainFMEngine.models.recognise import absent_heads, file_kind, recognise
from BrainFMEngine.models.store import default_name, new_model_folder
from BrainFMEngine.models.torch_zip import refusal
from BrainFMEngine.network.checkpoint import load_network, network_from_state, save_model, verify_forward
from BrainFMEngine.network.info import INFO_FILE, SEGMENTATION_HEADS, WEIGHTS_FILE, ModelInfo

logger = logging.getLogger(__name__)

_AUTHORS_LABELS = {
    56: (0, 11, 12, 13, 16, *range(31, 45), 46, *range(1, 11), 14, 15, 17, 47, 49, 51, 53, 55)
    + (*range(18, 31), 48, 50, 52, 54, 56),
    18: (0, 1, 2, 3, 4, 7, 8, 9, 10, 14, 15, 17, 31, 34, 36, 38, 40, 42),
}
"""Internal ids, in channel order, that the published label protocols of BrainFM stand for."""


@dataclass(frozen=True)
class ImportedModel:
    """Weights under full names, and what they are; not yet stored."""

    state: dict[str, Tensor]
    info: ModelInfo


def import_model(
    path: str | Path, name: str | None = None, head: str | Path | None = None, title: str = ""
) -> ModelInfo:
    """Store a model under a name.

    Args:
        path: `.pth` file of the authors, a model folder, or the model.safetensors in one.
        name: name to store it under; by default made from the file's name.
        head: separate head file of Brain-ID, when `path` holds the features.
        title: what users will read; "" as the file says.

    Raises:
        UsageError: the name is taken.
        ModelFileError: the file is refused.
        FileAccessError: the file cannot be read, or the model cannot be written.
    """
    path = Path(path)
    folder = new_model_folder(name or default_name(path, head))
    model = read_model(path, head, folder.name)
    return save_model(folder, model.state, replace(model.info, title=title or model.info.title))


def read_model(path: str | Path, head: str | Path | None = None, name: str | None = None) -> ImportedModel:
    """Read and check a model without storing it; arguments and errors as in `import_model`."""
    path = Path(path)
    name = name or default_name(path, head)
    if path.is_file() and path.name == WEIGHTS_FILE:
        path = path.parent
    if not (path / INFO_FILE).is_file():
        return read_authors_model(path, head, name)
    if head is not None:
        raise UsageError("--head belongs to a .pth file of features, not to a model folder")
    network = load_network(path)
    assert network.info is not None
    return ImportedModel(network.state_dict(), replace(network.info, name=name))


def read_authors_model(path: Path, head: str | Path | None, name: str) -> ImportedModel:
    """Read a checkpoint of the authors, or a pair of features and head, and recognise it.

    A head file replaces an output of the same name in the features file; every other tensor is kept.
    """
    source = read_authors_file(path)
    kind = file_kind(source.state, path)
    head_file = None if head is None else read_authors_file(head)
    if head_file is None:
        if kind != "whole":
            lacks = "a head: it holds features only" if kind == "features" else "a backbone: it holds a head only"
            raise refusal(path, f"it lacks {lacks}", "brainfm models import FEATURES.pth --head HEAD.pth")
        state = source.state
    else:
        state = _join(source, kind, head_file)
    config = recognise(state, source)
    network = network_from_state({key: tensor.float() for key, tensor in state.items()}, config, path.name)
    if not config.heads and config.age_size is None:
        raise refusal(path, "it has no output layer that could be used")
    verify_forward(network)
    info = ModelInfo(
        name=name,
        network=config,
        title=f"{source.system or 'BrainFM'} ({path.stem})",
        label_protocol=_label_protocol(config.heads, source),
        atlas_space="MNI152 (which variant is not established)",
        provenance=_provenance(source, head_file, absent_heads(config, head_file or source)),
    )
    return ImportedModel(network.state_dict(), info)


def _join(source: AuthorsFile, kind: str, head_file: AuthorsFile) -> dict[str, Tensor]:
    head_kind = file_kind(head_file.state, head_file.path)
    if kind == "head" or head_kind != "head":
        raise refusal(
            head_file.path if head_kind != "head" else source.path,
            "features and head are not a pair",
            "brainfm models import FEATURES.pth --head HEAD.pth",
        )
    added = {f"head.{key}": tensor for key, tensor in head_file.state.items()}
    replaced = sorted(source.state.keys() & added.keys())
    if replaced:
        logger.warning("%s replaces %s of %s", head_file.path.name, ", ".join(replaced), source.path.name)
    return {**source.state, **added}


def _label_protocol(heads: dict[str, int], source: AuthorsFile) -> str | None:
    channels = next((heads[head] for head in SEGMENTATION_HEADS if head in heads), None)
    if channels is None:
        return None
    stored = source.generator_arguments.get("label_list_segmentation")
    known = _AUTHORS_LABELS.get(channels)
    if isinstance(stored, list) and len(stored) == channels and known and tuple(stored) != known:
        raise refusal(source.path, f"its {channels} labels are not those of a published protocol")
    try:
        return protocol_for_channels(channels).name
    except ModelFileError as error:
        raise refusal(source.path, error.message, error.hint) from error


def _provenance(source: AuthorsFile, head_file: AuthorsFile | None, absent: list[str]) -> dict[str, str]:
    """Say where the weights come from, in words that a report can show."""
    entry = next((entry for entry in catalogue() if entry.sha256 == source.sha256), None)
    verified = f"the file is {entry.title}: {entry.evidence}" if entry else "unverified model: its SHA-256 is unknown"
    return {
        "source_file": source.path.name,
        "source_sha256": source.sha256,
        **({"head_file": head_file.path.name, "head_sha256": head_file.sha256} if head_file else {}),
        "verified": verified,
        **({"finished_epochs": str(source.epoch)} if source.epoch is not None else {}),
        **({"declared_but_absent": ", ".join(absent)} if absent else {}),
    }
