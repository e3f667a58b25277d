"""NAME.json beside NAME.pt: the step, size and SHA-256 of the bytes that were saved, and of those they replace.

Two files cannot be renamed in one instant. So the description goes first and names both states, the old and the new
one; whichever of them NAME.pt holds after a kill, it can be verified.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from BrainFMEngine.durable_file import staged, write_durably
from BrainFMEngine.errors import ModelFileError
from BrainFMEngine.hashing import file_sha256

FORMAT_VERSION = 1


class DamagedCheckpointError(ModelFileError):
    """A checkpoint's bytes are not the ones that were saved (exit code 4)."""


@dataclass(frozen=True)
class Description:
    """What a checkpoint file holds."""

    step: int
    bytes: int
    sha256: str


def sidecar_of(path: Path) -> Path:
    """Return NAME.json for NAME.pt."""
    return path.with_name(f"{path.stem}.json")


def descriptions(path: Path) -> list[Description]:
    """Return what NAME.json says that NAME.pt holds: the newest state, then the one it replaces if that is possible.

    Raises:
        DamagedCheckpointError: there is no NAME.json, or it cannot be read.
    """
    sidecar = sidecar_of(path)
    try:
        record = json.loads(sidecar.read_text(encoding="utf-8"))
        found = [record, record["replaces"]] if record["replaces"] else [record]
        return [Description(int(r["step"]), int(r["bytes"]), str(r["sha256"])) for r in found]
    except FileNotFoundError as error:
        raise DamagedCheckpointError(f"{path.name} has no {sidecar.name} beside it to verify it with") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedCheckpointError(f"{sidecar.name} cannot be read, so {path.name} cannot be verified") from error


def present(path: Path) -> Description | None:
    """Return what NAME.pt holds now, None if it is not there or nothing describes it.

    The file is hashed only if a kill left two possibilities.
    """
    if not path.exists():
        return None
    with suppress(DamagedCheckpointError):
        found = descriptions(path)
        if len(found) == 1:
            return found[0]
        digest = file_sha256(path)
        return next((description for description in found if description.sha256 == digest), None)
    return None


def verify(path: Path, stream: IO[bytes]) -> Description:
    """Hash an open NAME.pt and rewind it; return what it holds.

    Raises:
        DamagedCheckpointError: other bytes than NAME.json promises.
    """
    found = descriptions(path)
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    stream.seek(0)
    for description in found:
        if description.sha256 == digest.hexdigest():
            return description
    raise DamagedCheckpointError(f"{path.name} does not hold the bytes that were saved")


def stage_sidecar(path: Path, description: Description) -> Path:
    """Write NAME.json under its temporary name, for NAME.pt about to be replaced; return its final path."""
    sidecar = sidecar_of(path)
    with staged(sidecar) as stream:
        stream.write(_record(description, present(path)))
    return sidecar


def settle_sidecar(path: Path, description: Description) -> None:
    """Drop the old state from NAME.json once NAME.pt is replaced; if that fails nothing is lost."""
    with suppress(OSError):
        write_durably(sidecar_of(path), _record(description, None))


def _record(description: Description, replaces: Description | None) -> bytes:
    record: dict[str, Any] = {"format": FORMAT_VERSION, **asdict(description)}
    record["replaces"] = asdict(replaces) if replaces else None
    return json.dumps(record, indent=1).encode()
