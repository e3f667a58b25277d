"""Is this file the plain zip that `torch.save` writes, and is every byte of it intact? Torch-free, unpickles nothing.

Order of the checks: size, magic, zip directory (names, only stored entries, no overlap), then the CRC of every entry.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from BrainFMEngine.errors import FileAccessError, ModelFileError

MAX_ENTRIES = 20_000
MAX_PICKLE_BYTES = 4 << 20
_ENTRY = re.compile(
    r"data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id|data/\d+"
)
_END_RECORD = b"PK\x05\x06"
_END_RECORD_BYTES = 22
_BLOCK = 1 << 20


def read_checked_pickle(path: Path) -> bytes:
    """Check a torch zip from end to end and return its pickle, unread.

    Raises:
        ModelFileError: names the cause: web page, Git-LFS pointer, cut short, damaged, code inside, ...
        FileAccessError: the file cannot be read.
    """
    try:
        _check_magic(path)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            root = _check_directory(path, entries, archive.start_dir)
            _check_contents(path, archive, entries)
            byteorder = f"{root}/byteorder"
            if byteorder in archive.namelist() and archive.read(byteorder) != b"little":
                raise refusal(path, "it was written on a big-endian machine")
            return archive.read(f"{root}/data.pkl")
    except OSError as error:
        raise FileAccessError(f"cannot read {path}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError) as error:
        raise refusal(path, f"it is damaged or cut short ({error})", "Download or copy it again.") from error


def refusal(path: Path | str, cause: str, hint: str = "") -> ModelFileError:
    """Return the error for a refused model file."""
    return ModelFileError(f"refused {Path(path).name}: {cause}", hint)


def _check_magic(path: Path) -> None:
    if not path.exists():
        raise FileAccessError(f"no such file: {path}")
    if path.is_dir():
        raise refusal(path, "it is a folder", "Give the .pth file itself, or a folder that holds model.json.")
    size = path.stat().st_size
    with open(path, "rb") as stream:
        start = stream.read(512)
        stream.seek(max(0, size - _END_RECORD_BYTES))
        end = stream.read()
    if not start.startswith(b"PK\x03\x04"):
        raise refusal(path, *_name_cause(start))
    if not end.startswith(_END_RECORD) or end[-2:] != b"\0\0":
        raise refusal(path, "it is cut short, or something follows the zip archive", "Download or copy it again.")


def _name_cause(start: bytes) -> tuple[str, str]:
    """Say what a file that is no zip archive is, and what to do."""
    again = "Download it again and look at its size; sharing services often send a page instead of the file."
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "the file is empty", again
    if text[:1] == b"<":
        return "it is a web page, not a model", again
    if text.startswith(b"version https://git-lfs"):
        return "it is a Git-LFS pointer, not the model itself", "Fetch the real file with 'git lfs pull'."
    if start[257:262] == b"ustar":
        return "it is a tar archive (old torch format), which can run code", "Only zip files of torch >= 1.6 are read."
    if start[:1] == b"\x80" or start.startswith((b"c", b"(")):
        return "it is a bare pickle (legacy torch format), which can run code", "Only zip files are read."
    if text[:1] in (b"{", b"["):
        return "it is a text file (JSON), not a model", again
    if start[8:9] == b"{":
        return "it is a safetensors file", "Import the folder that holds model.safetensors and model.json."
    return "it is not a model file (unknown content)", again


def _check_directory(path: Path, entries: list[zipfile.ZipInfo], directory_start: int) -> str:
    """Check names and places of all entries; return the folder that they share."""
    names = [entry.orig_filename for entry in entries]
    if not names or len(names) > MAX_ENTRIES:
        raise refusal(path, f"its zip archive has {len(names)} entries")
    root = names[0].split("/")[0]
    for name in names:
        _check_name(path, name, root)
    if len({name.casefold() for name in names}) != len(names):
        raise refusal(path, "its zip archive holds the same name twice")
    if f"{root}/data.pkl" not in names:
        raise refusal(path, "it is a zip archive but not a torch checkpoint (no data.pkl)")
    position = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise refusal(path, f"its zip entry {entry.filename!r} is compressed")
        if entry.flag_bits & 0x1:
            raise refusal(path, f"its zip entry {entry.filename!r} is encrypted")
        if entry.header_offset < position or (position == 0 and entry.header_offset != 0):
            raise refusal(path, "entries of its zip archive overlap")
        position = entry.header_offset + 30 + len(entry.filename.encode()) + entry.file_size
    if position > directory_start:
        raise refusal(path, "its zip entries are longer than the file")
    return root


def _check_name(path: Path, name: str, root: str) -> None:
    parts = re.split(r"[/\\]", name)
    if name.startswith(("/", "\\")) or ".." in parts or "\\" in name or ":" in parts[0] or not root:
        raise refusal(path, f"its zip entry {name!r} points outside the archive")
    inner = name.removeprefix(f"{root}/")
    if parts[0] == root and (inner.startswith("code/") or inner == "constants.pkl"):
        raise refusal(path, "it contains code (a TorchScript program, not a checkpoint)")
    if parts[0] != root or not _ENTRY.fullmatch(inner):
        raise refusal(path, f"its zip archive holds {name!r}, which no checkpoint has")


def _check_contents(path: Path, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """Read every entry to its end, so that its CRC is compared."""
    for entry in entries:
        if entry.filename.endswith("/data.pkl") and entry.file_size > MAX_PICKLE_BYTES:
            raise refusal(path, "its description of tensors is too long to be a checkpoint")
        try:
            with archive.open(entry) as stream:
                while stream.read(_BLOCK):
                    pass
        except zipfile.BadZipFile as error:
            cause = f"it is damaged: {entry.filename!r} does not match its checksum"
            raise refusal(path, cause, "Download or copy it again.") from error
