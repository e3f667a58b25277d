"""Downloading and importing a model: the steps, and telling them as JSON lines. Torch where weights are read."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BrainFMEngine.cli.interrupt import stopped_by_stdin
from BrainFMEngine.cli.reporting import JsonReporter
from BrainFMEngine.cli.run_command import result_of, run_command
from BrainFMEngine.errors import BrainFMError, UsageError
from BrainFMEngine.models.catalogue import CatalogueEntry, find_entry
from BrainFMEngine.models.store import home_folder, models_folder, new_model_folder
from BrainFMEngine.progress import PartialProgress, Progress

if TYPE_CHECKING:
    from BrainFMEngine.network.info import ModelInfo

NEEDED_PACKAGES = ("torch", "safetensors")
DOWNLOADED = 0.9
"""Fraction of the work when the file has arrived; the rest is checking and converting."""
SECONDS_BETWEEN_EVENTS = 0.1

Received = Callable[[int, "int | None"], None]


def check_download(name: str) -> CatalogueEntry:
    """Return the catalogue's entry for a download that can begin.

    Raises:
        UsageError: an unknown name, a bundled or installed model, or packages are missing that storing it needs.
    """
    entry = find_entry(name)
    if entry.bundled:
        raise UsageError(f"{name!r} comes with BrainFM and needs no download")
    new_model_folder(name)
    require_packages()
    return entry


def require_packages() -> None:
    """Raise UsageError if packages are missing that reading weights needs; before a long download, not after it."""
    missing = [name for name in NEEDED_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{' and '.join(missing)} must be installed first", "Install what BrainFM needs, then try again."
        )


def download_and_import(entry: CatalogueEntry, progress: Progress, received: Received) -> ModelInfo:
    """Download a model, verify it, convert and store it; a file that is refused is kept and its path told.

    Args:
        entry: what to get, from `check_download`.
        progress: told the fraction of the whole.
        received: told the bytes that are here and, if the server says, those of the whole file.
    """
    from BrainFMEngine.models.download import DownloadOptions, download

    target = home_folder() / "downloads" / entry.url.rsplit("/", 1)[-1]
    options = DownloadOptions(max_bytes=entry.max_bytes, received=received)
    download(entry.url, target, entry.sha256, options, PartialProgress(progress, 0.0, DOWNLOADED))
    progress.stage("checking and converting", DOWNLOADED)
    try:
        info = store_model(target, entry.name, None)
    except BrainFMError as error:
        error.hint = f"{error.hint} The downloaded file is kept: {target}".strip()
        raise
    with suppress(OSError):
        target.unlink()
    return info


def store_model(file: Path, name: str | None, head: Path | None, title: str = "") -> ModelInfo:
    """Check a file, convert and store it; see `import_model`. Of a training run its best checkpoint is taken."""
    from BrainFMEngine.models.importing import import_model
    from BrainFMEngine.models.store import default_name
    from BrainFMEngine.training.export import export_run, find_run

    run = find_run(file)
    if run is None:
        return import_model(file, name, head, title)
    if head is not None:
        raise UsageError("--head belongs to a .pth file of features, not to a training run")
    name = name or default_name(run[0].absolute())
    new_model_folder(name)
    with tempfile.TemporaryDirectory(prefix="brainfm-") as scratch:
        export_run(run[0], Path(scratch) / name, run[1])
        return import_model(Path(scratch) / name, name, None, title)


class TransferReporter(JsonReporter):
    """JSON lines about one model; "progress" also has `bytes` and `bytes_total` (None if unknown)."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._bytes = 0
        self._bytes_total: int | None = None
        self._stage, self._sent = "", float("-inf")

    def received(self, present: int, total: int | None) -> None:
        """Note what has arrived; the next stage tells it."""
        self._bytes, self._bytes_total = present, total

    def stage(self, name: str, fraction: float) -> None:
        """Send a progress event, unless one of this stage was sent a moment ago."""
        now = time.monotonic()
        if name == self._stage and fraction < DOWNLOADED and now < self._sent + SECONDS_BETWEEN_EVENTS:
            return
        self._stage, self._sent = name, now
        about = {"input": self.current, "stage": name, "fraction": round(fraction, 4), "total": round(fraction, 4)}
        self._send("progress", **about, bytes=self._bytes, bytes_total=self._bytes_total)


def run_with_events(
    what: str, work: Callable[[TransferReporter], ModelInfo], cancelled_hint: str, stdin: bool = False
) -> int:
    """Do the work on one model and tell everything as JSON lines.

    Args:
        what: the name or path that the events are about.
        work: given the reporter; returns the stored model.
        cancelled_hint: what is left behind when it is cancelled.
        stdin: whether standard input can cancel it; no more once "done" is sent.

    Returns:
        The exit code.
    """
    reporter = TransferReporter()
    result = result_of(Path(what))

    def run() -> int:
        reporter.stage("starting", 0.0)
        with stopped_by_stdin(stdin):
            result["folder"] = str(models_folder() / work(reporter).name)
        reporter.stage("done", 1.0)
        return 0

    return run_command(reporter, [Path(what)], [result], run, cancelled_hint)
