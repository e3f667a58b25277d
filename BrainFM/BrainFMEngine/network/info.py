"""`model.json`: what a model is, beside its weights. Torch-free, so that models can be listed at once."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from BrainFMEngine.anatomy.protocols import LabelProtocol, find_protocol
from BrainFMEngine.anatomy.structures import structures
from BrainFMEngine.errors import ModelFileError, nearest_name
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.tasks import offered_tasks

FORMAT_VERSION = 1
INFO_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"
SEGMENTATION_HEADS = ("segmentation", "seg")
_MAX_INFO_BYTES = 1 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TEXTS = ("title", "atlas_space", "licence", "trained_on")


@dataclass(frozen=True)
class ModelInfo:
    """Everything about a model but its weights.

    Attributes:
        name: short name: lower-case letters, digits, '-', '_' and '.'.
        network: the architecture.
        title: name that users read.
        label_protocol: name of a published protocol, or the FreeSurfer id of every channel, or None without anatomy.
        atlas_space: the world that registration coordinates live in.
        spacing_mm: isotropic voxel size of the input that the network expects.
        provenance: where the weights come from (source file, its SHA-256, who reports it, ...).
        licence: licence of the weights, in words.
        trained_on: the training images, in words.
        metrics: measured numbers, name -> value.
        sha256: SHA-256 of the weights file, lower-case hexadecimal; filled in when the model is saved.
    """

    name: str
    network: NetworkConfig
    title: str = ""
    label_protocol: str | tuple[int, ...] | None = None
    atlas_space: str = "MNI152"
    spacing_mm: float = 1.0
    provenance: dict[str, str] = field(default_factory=dict)
    licence: str = "not established"
    trained_on: str = "not established"
    metrics: dict[str, float] = field(default_factory=dict)
    sha256: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        for key in _TEXTS:
            if not isinstance(getattr(self, key), str):
                raise ModelFileError(f"{key!r} in the model description is not a text")
        if not isinstance(self.provenance, dict) or not all(isinstance(v, str) for v in self.provenance.values()):
            raise ModelFileError("'provenance' in the model description is not a table of texts")
        if not isinstance(self.metrics, dict) or not all(map(_is_number, self.metrics.values())):
            raise ModelFileError("'metrics' in the model description is not a table of numbers")
        if not _is_number(self.spacing_mm) or self.spacing_mm <= 0:
            raise ModelFileError("'spacing_mm' in the model description is not a positive number")
        self._check_protocol()

    def _check_protocol(self) -> None:
        channels = [self.network.heads[name] for name in SEGMENTATION_HEADS if name in self.network.heads]
        protocol = self.protocol
        if channels and (protocol is None or len(protocol.ids) != channels[0]):
            raise ModelFileError(
                f"the segmentation has {channels[0]} classes but the label protocol "
                f"{'is not given' if protocol is None else f'has {len(protocol.ids)}'}"
            )

    @property
    def protocol(self) -> LabelProtocol | None:
        """The label protocol of the segmentation head; ModelFileError if it is unknown."""
        if self.label_protocol is None:
            return None
        if isinstance(self.label_protocol, str):
            return find_protocol(self.label_protocol)
        if not isinstance(self.label_protocol, tuple) or any(
            label not in structures() for label in self.label_protocol
        ):
            raise ModelFileError("the label protocol holds an id that is no known structure")
        return LabelProtocol(self.name, self.label_protocol)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks that the network has heads for."""
        return tuple(task.name for task in offered_tasks(self.network.task_heads).values())

    @property
    def units(self) -> dict[str, str]:
        """Task name -> unit of its finished values; "" for relative intensities and labels."""
        return {task.name: task.unit for task in offered_tasks(self.network.task_heads).values()}

    def to_dict(self) -> dict:
        """Return plain JSON values, `format_version` first."""
        return {
            "format_version": FORMAT_VERSION,
            **asdict(self),
            "network": self.network.to_dict(),
            "tasks": list(self.tasks),
            "units": self.units,
        }

    @classmethod
    def from_dict(cls, values: dict) -> ModelInfo:
        """Read plain JSON values.

        Raises:
            ModelFileError: a newer format, an unknown or missing key, or a value that cannot be.
        """
        values = _check_keys(values, [item.name for item in fields(cls)])
        tasks, units = values.pop("tasks", None), values.pop("units", None)
        values["network"] = NetworkConfig.from_dict(values["network"])
        if isinstance(values.get("label_protocol"), list):
            values["label_protocol"] = tuple(values["label_protocol"])
        info = cls(**values)
        if (tasks is not None and tasks != list(info.tasks)) or (units is not None and units != info.units):
            raise ModelFileError("the tasks or units in the model description do not fit its heads")
        return info


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _check_keys(values: object, known: list[str]) -> dict:
    if not isinstance(values, dict):
        raise ModelFileError("the model description is not a table")
    values = dict(values)
    version = values.pop("format_version", None)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ModelFileError("the model description has no format version")
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"the model is written in format version {version}, this program reads up to {FORMAT_VERSION}",
            "Update BrainFM.",
        )
    known = [*known, "tasks", "units"]
    for key in values:
        if key not in known:
            raise ModelFileError(f"unknown key {key!r} in the model description", nearest_name(key, known))
    missing = [key for key in ("name", "network", "sha256") if key not in values]
    if missing:
        raise ModelFileError(f"the model description lacks {', '.join(missing)}")
    return values


def check_name(name: object) -> str:
    """Return a model name that is safe as a folder name on every system; ModelFileError otherwise."""
    reserved = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10))}
    fits = isinstance(name, str) and _NAME.fullmatch(name) and not name.endswith(".")
    if not fits or str(name).split(".")[0] in reserved:
        raise ModelFileError(
            f"{name!r} is not a model name", "Use up to 64 lower-case letters, digits, '-', '_' and '.'."
        )
    return str(name)


def read_json(data: bytes, what: str) -> object:
    """Parse JSON strictly: UTF-8, no key twice, no NaN; ModelFileError otherwise."""

    def unique(pairs: list[tuple[str, object]]) -> dict:
        table = dict(pairs)
        if len(table) != len(pairs):
            raise ModelFileError(f"{what} has a key twice")
        return table

    def refuse_constant(text: str) -> float:
        raise ModelFileError(f"{what} holds {text}, which is not a number")

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{what} is not valid JSON") from error


def write_info(folder: Path, info: ModelInfo) -> None:
    """Write `model.json` into a folder that is being made."""
    text = json.dumps(info.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / INFO_FILE).write_text(text + "\n", encoding="utf-8")


def read_info(folder: str | Path) -> ModelInfo:
    """Read `model.json` of a model folder; ModelFileError if it is missing, too big or not understood."""
    path = Path(folder) / INFO_FILE
    try:
        if path.stat().st_size > _MAX_INFO_BYTES:
            raise ModelFileError(f"{path} is too big for a model description")
        data = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"no readable {INFO_FILE} in {path.parent}", "Is it a BrainFM model folder?") from error
    try:
        return ModelInfo.from_dict(read_json(data, INFO_FILE))  # type: ignore[arg-type]
    except ModelFileError as error:
        raise ModelFileError(f"model refused ({path}): {error.message}", error.hint) from error
