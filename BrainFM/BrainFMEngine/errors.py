"""The errors users see: a sentence, a hint and the exit code of the command line."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class BrainFMError(Exception):
    """Base of every error that is explained to the user.

    Args:
        message: what went wrong with what, in one sentence without a final period.
        hint: what the user can do about it; may be empty.
    """

    code = 2

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}".strip() if self.hint else self.message


class UsageError(BrainFMError):
    """The request itself makes no sense (exit code 2)."""


class InputImageError(BrainFMError):
    """An image cannot be right, so it is not processed (exit code 2)."""


class FileAccessError(BrainFMError):
    """A file or folder cannot be read or written (exit code 3)."""

    code = 3


class DownloadError(FileAccessError):
    """A download failed or did not match its checksum (exit code 3)."""


class ModelFileError(BrainFMError):
    """A model file is refused (exit code 4)."""

    code = 4


class DeviceMemoryError(BrainFMError):
    """The device is missing, or memory ran out on every path tried (exit code 5)."""

    code = 5


class CancelledError(BrainFMError):
    """The user cancelled (exit code 130)."""

    code = 130

    def __init__(self, message: str = "cancelled", hint: str = "Nothing was written"):
        super().__init__(message, hint)


def nearest_name(name: object, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known word, or lists them all."""
    known = list(known)
    nearest = get_close_matches(str(name), known, n=1)
    return f"Did you mean {nearest[0]!r}?" if nearest else f"Known: {', '.join(known)}."
