"""SHA-256 of files. Torch-free."""

from __future__ import annotations

import hashlib
from pathlib import Path

from BrainFMEngine.errors import FileAccessError


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in lower-case hexadecimal; FileAccessError if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise FileAccessError(f"cannot read {path}: {error.strerror or error}") from error
    return digest.hexdigest()
