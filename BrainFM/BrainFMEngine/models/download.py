"""Downloads: https only, resumable, verified before the file gets its name. Torch-free.

Bytes go to `<name>.part` beside the target; `<name>.part.tag` keeps the server's validator (ETag), so that a resumed
download continues the same file or starts over. Only when size and SHA-256 are right does the file get its name. One
process at a time writes it; another one that wants the same file waits, and then finds it.
"""

from __future__ import annotations

import http.client
import ipaddress
import os
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from BrainFMEngine.errors import CancelledError, DownloadError, UsageError
from BrainFMEngine.folder_lock import FolderLock
from BrainFMEngine.hashing import file_sha256
from BrainFMEngine.progress import Progress, SilentProgress

_TIMEOUT_S = 30.0
_BLOCK = 1 << 18
_LOOK_AGAIN_S = 0.5
_WORTH_RETRYING = (408, 425, 429, 500, 502, 503, 504)
_HINT = "Check the connection and try again, or get {url} in another way and use: brainfm models import FILE"


@dataclass(frozen=True)
class DownloadOptions:
    """How hard to try.

    Attributes:
        max_bytes: a longer file is refused.
        attempts: connections before giving up.
        wait_s: pause before the second attempt; it doubles each time.
        cancelled: asked often; True stops the download and keeps what has arrived for the next time.
        received: told the bytes that are here and, None if the server does not say, those of the whole file.
    """

    max_bytes: int
    attempts: int = 5
    wait_s: float = 2.0
    cancelled: Callable[[], bool] = lambda: False
    received: Callable[[int, int | None], None] = lambda present, total: None


class _Interrupted(Exception):
    """The connection broke; another attempt may go on."""


def download(url: str, target: Path, sha256: str, options: DownloadOptions, progress: Progress | None = None) -> Path:
    """Download a file unless it is there already.

    Args:
        url: https address (http is accepted for this very machine).
        target: where the file goes; its folder is made.
        sha256: what the file must have, lower-case hexadecimal.
        options: limits and cancellation.
        progress: told the fraction that has arrived, and why it is tried again.

    Returns:
        `target`.

    Raises:
        DownloadError: it cannot be got, or it is not the expected file.
        CancelledError: the user cancelled.
    """
    _check_address(url)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target, options):
            return _download(url, target, sha256, options, progress or SilentProgress())
    except OSError as error:
        raise DownloadError(
            f"cannot write {target}: {error.strerror or error}", "Check folder and disk space."
        ) from error


def _download(url: str, target: Path, sha256: str, options: DownloadOptions, progress: Progress) -> Path:
    part = target.with_name(target.name + ".part")
    if target.is_file() and file_sha256(target) == sha256:
        return target
    for _ in range(2 if part.exists() else 1):
        _fetch(url, part, options, progress)
        if file_sha256(part) == sha256:
            os.replace(part, target)
            _tag_file(part).unlink(missing_ok=True)
            return target
        cause = _describe(part)
        _forget(part)
    raise DownloadError(f"{url} did not give the expected file ({cause})", _HINT.format(url=url))


@contextmanager
def _alone(target: Path, options: DownloadOptions) -> Iterator[None]:
    """Wait until no other process downloads this file."""
    while True:
        try:
            lock = FolderLock(target.with_name(target.name + ".part.lock"), "a download")
            break
        except UsageError:
            _wait(_LOOK_AGAIN_S, options)
    with lock:
        yield


def _check_address(url: str, came_from: str = "") -> None:
    """Refuse everything but https; http only between addresses of this very machine."""
    parts = urlsplit(url)
    local = parts.scheme == "http" and _is_loopback(parts.hostname or "")
    if came_from:
        local = local and urlsplit(came_from).scheme == "http"
    if not (parts.scheme == "https" and parts.hostname) and not local:
        raise DownloadError(f"refused to download from {url}: only https addresses are used", "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_WORTH_RESUMING = (
    _Interrupted,
    urllib.error.URLError,
    http.client.HTTPException,
    ssl.SSLError,
    ConnectionError,
    TimeoutError,
)


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        _check_address(newurl, came_from=req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(url: str, part: Path, options: DownloadOptions, progress: Progress) -> None:
    """Bring `part` to its full length, going on after interruptions."""
    cause = ""
    for attempt in range(options.attempts):
        if attempt:
            progress.warning(f"the download is interrupted ({cause}); trying again")
            _wait(options.wait_s * 2 ** (attempt - 1), options)
        try:
            return _fetch_rest(url, part, options, progress)
        except urllib.error.HTTPError as error:
            error.close()
            cause = f"the server answered {error.code} {error.reason}"
            if error.code == 416:
                if error.headers.get("Content-Range", "") == f"bytes */{part.stat().st_size}":
                    return None
                _forget(part)
            elif error.code not in _WORTH_RETRYING:
                break
        except _WORTH_RESUMING as error:
            cause = str(getattr(error, "reason", error)) or type(error).__name__
    raise DownloadError(f"cannot download {url}: {cause}", _HINT.format(url=url))


def _wait(seconds: float, options: DownloadOptions) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _check_cancelled(options)
        time.sleep(min(0.1, seconds))


def _check_cancelled(options: DownloadOptions) -> None:
    if options.cancelled():
        raise CancelledError("download cancelled", "what has arrived is kept; the next download goes on from there")


def _fetch_rest(url: str, part: Path, options: DownloadOptions, progress: Progress) -> None:
    """Make one request for what is missing and append it; `_Interrupted` if the connection ends early."""
    _check_cancelled(options)
    tag = _tag_file(part).read_text(encoding="utf-8") if _tag_file(part).is_file() else ""
    offset = part.stat().st_size if part.is_file() and tag else 0
    headers = {"User-Agent": "brainfm", "Accept-Encoding": "identity"}
    if offset:
        headers |= {"Range": f"bytes={offset}-", "If-Range": tag}
    with _opener(url).open(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_S) as response:
        if response.status == 206 and not _continues(response, offset):
            _forget(part)
            raise _Interrupted("the server sent another part than asked for")
        received, total = _receive(response, url, part, offset if response.status == 206 else 0, options, progress)
    if total is not None and received < total:
        raise _Interrupted(f"the connection ended after {received} of {total} bytes")


def _receive(
    response: http.client.HTTPResponse, url: str, part: Path, offset: int, options: DownloadOptions, progress: Progress
) -> tuple[int, int | None]:
    """Append the answer to the first `offset` bytes of `part`; return bytes present and bytes expected."""
    length = response.headers.get("Content-Length", "")
    total = offset + int(length) if length.isdigit() else None
    _check_size(url, total or 0, offset, part, options)
    _tag_file(part).write_text(_validator(response), encoding="utf-8")
    with open(part, "ab" if offset else "wb") as stream:
        while block := response.read1(_BLOCK):
            _check_cancelled(options)
            stream.write(block)
            offset += len(block)
            _check_size(url, offset, offset, part, options)
            options.received(offset, total)
            progress.stage(f"download {part.stem}", offset / total if total else 0.0)
        stream.flush()
        os.fsync(stream.fileno())
    return offset, total


def _opener(url: str) -> urllib.request.OpenerDirector:
    direct = [urllib.request.ProxyHandler({})] if urlsplit(url).scheme == "http" else []
    return urllib.request.build_opener(_SafeRedirects, *direct)


def _continues(response: http.client.HTTPResponse, offset: int) -> bool:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return match is not None and int(match[1]) == offset


def _validator(response: http.client.HTTPResponse) -> str:
    """Return what If-Range may hold: a strong ETag or else the date; "" means that this cannot be resumed."""
    tag = response.headers.get("ETag", "")
    return response.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def _check_size(url: str, size: int, present: int, part: Path, options: DownloadOptions) -> None:
    if size > options.max_bytes:
        _forget(part)
        raise DownloadError(f"{url} is larger than the {options.max_bytes} bytes that it may have")
    free = shutil.disk_usage(part.parent).free if size > present else size
    if size - present > free:
        raise DownloadError(f"{size - present} bytes are needed in {part.parent}, {free} are free", "Free some space.")


def _describe(part: Path) -> str:
    with open(part, "rb") as stream:
        start = stream.read(64).lstrip()
    return "it is a web page" if start.startswith(b"<") else "its SHA-256 differs"


def _tag_file(part: Path) -> Path:
    return part.with_name(part.name + ".tag")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag_file(part).unlink(missing_ok=True)
