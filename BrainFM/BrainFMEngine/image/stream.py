"""Bytes of an image file in order: plain or compressed, counted, with the checksum verified at the end."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from BrainFMEngine.errors import InputImageError

CHUNK_BYTES = 1 << 20
SLACK_BYTES = 1 << 24
GZIP_MAGIC = b"\x1f\x8b"
DAMAGED_HINT = "Copy or download the file again."


class ByteStream:
    """Reads a file forwards; gzip (by content) or, on request, zlib data are inflated on the way.

    Never inflates more than it is asked for, so that a small file cannot fill the memory.
    Concatenated gzip members are one stream; what follows the last member is ignored.

    Args:
        file: opened in binary mode, at the position where the bytes begin.
        name: of the file, for messages.
        compressed: True for data known to be zlib or gzip, False for plain, None to look at the first bytes.

    Attributes:
        position: bytes read so far, after inflating.
        is_compressed: whether bytes are inflated.
    """

    def __init__(self, file: BinaryIO, name: str, compressed: bool | None = None):
        self._file, self._name = file, name
        self._pending = file.read(len(GZIP_MAGIC))
        if compressed is None:
            compressed = self._pending == GZIP_MAGIC
        self.is_compressed = compressed
        self._inflater = zlib.decompressobj(wbits=47)
        self._ended = False
        self.position = 0

    def bytes_left(self) -> int:
        """Return how many stored (not inflated) bytes lie ahead."""
        here = self._file.tell()
        end = self._file.seek(0, 2)
        self._file.seek(here)
        return end - here + len(self._pending)

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer only at the end.

        Raises:
            InputImageError: the compressed data are damaged.
        """
        parts = []
        while count > 0 and (part := self._next(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def read_into(self, buffer: memoryview) -> int:
        """Fill `buffer` (bytes) and return how many bytes there were."""
        filled = 0
        while filled < len(buffer) and (part := self._next(min(len(buffer) - filled, CHUNK_BYTES))):
            buffer[filled : filled + len(part)] = part
            filled += len(part)
        return filled

    def skip(self, count: int) -> int:
        """Go `count` bytes forwards and return how many there were."""
        skipped = 0
        while skipped < count and (part := self._next(min(count - skipped, CHUNK_BYTES))):
            skipped += len(part)
        return skipped

    def finish(self) -> bool:
        """Verify what comes after the last byte that matters; return False when the compressed stream has no end.

        Up to `SLACK_BYTES` of further content are accepted (some writers add tags after the voxels).

        Raises:
            InputImageError: a checksum is wrong, or far more is there than the header says.
        """
        if not self.is_compressed:
            return True
        if self.skip(SLACK_BYTES) == SLACK_BYTES:
            raise InputImageError(f"{self._name} holds far more data than its header says", DAMAGED_HINT)
        return self._ended

    def _next(self, limit: int) -> bytes:
        part = self._next_inflated(limit) if self.is_compressed else self._next_plain(limit)
        self.position += len(part)
        return part

    def _next_plain(self, limit: int) -> bytes:
        if not self._pending:
            return self._file.read(limit)
        part, self._pending = self._pending[:limit], self._pending[limit:]
        return part

    def _next_inflated(self, limit: int) -> bytes:
        while not self._ended:
            data = self._pending or self._file.read(CHUNK_BYTES)
            part = self._inflate(data, limit)
            if self._inflater.eof:
                self._start_next_member()
            if part:
                return part
            if not data:
                break
        return b""

    def _inflate(self, data: bytes, limit: int) -> bytes:
        try:
            part = self._inflater.decompress(data, limit)
        except zlib.error as error:
            cause = "its checksum is wrong" if "check" in str(error) else "its compressed data cannot be read"
            raise InputImageError(f"{self._name} is damaged: {cause}", DAMAGED_HINT) from error
        self._pending = self._inflater.unconsumed_tail
        return part

    def _start_next_member(self) -> None:
        rest = self._inflater.unused_data
        if len(rest) < len(GZIP_MAGIC):
            rest += self._file.read(CHUNK_BYTES)
        if rest.startswith(GZIP_MAGIC):
            self._inflater = zlib.decompressobj(wbits=31)
            self._pending = rest
        else:
            self._ended = True
