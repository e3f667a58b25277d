"""Downloads against a server on this machine that can misbehave."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from BrainFMEngine.errors import CancelledError, DownloadError
from BrainFMEngine.folder_lock import FolderLock
from BrainFMEngine.models.download import DownloadOptions, download
from file_server import CONTENT, SHA256, FileServer


@pytest.fixture
def server():
    with FileServer() as server:
        yield server


def options(**changes) -> DownloadOptions:
    return DownloadOptions(**{"max_bytes": 10_000_000, "attempts": 3, "wait_s": 0.0, **changes})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_file_appears_complete_and_alone(server, tmp_path):
    target = tmp_path / "new" / "model.pth"
    fractions: list[float] = []

    class Recorder:
        def stage(self, name: str, fraction: float) -> None:
            fractions.append(fraction)

        def warning(self, message: str) -> None:
            raise AssertionError(message)

    assert download(server.url, target, SHA256, options(), Recorder()) == target
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["model.pth"]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0


def test_file_that_is_there_is_not_fetched_again(server, tmp_path):
    (tmp_path / "model.pth").write_bytes(CONTENT)
    download(server.url, tmp_path / "model.pth", SHA256, options())
    assert server.ranges == []


def test_interrupted_download_goes_on_where_it_stopped(server, tmp_path):
    server.cut_after = [300_000, 200_000]
    download(server.url, tmp_path / "model.pth", SHA256, options())
    assert server.ranges == [None, "bytes=300000-", "bytes=500000-"]
    assert names(tmp_path) == ["model.pth"]


def test_later_call_resumes_what_an_earlier_one_left(server, tmp_path):
    server.cut_after = [300_000]
    with pytest.raises(DownloadError, match="connection ended after 300000 of 1024000"):
        download(server.url, tmp_path / "model.pth", SHA256, options(attempts=1))
    assert names(tmp_path) == ["model.pth.part", "model.pth.part.tag"]
    download(server.url, tmp_path / "model.pth", SHA256, options())
    assert server.ranges[-1] == "bytes=300000-"


def test_changed_file_on_the_server_starts_over(server, tmp_path):
    server.content, server.tag, server.cut_after = b"old" * 200_000, '"v0"', [300_000]
    with pytest.raises(DownloadError):
        download(server.url, tmp_path / "model.pth", SHA256, options(attempts=1))
    server.content, server.tag = CONTENT, '"v1"'
    download(server.url, tmp_path / "model.pth", SHA256, options())
    assert (tmp_path / "model.pth").read_bytes() == CONTENT


def test_damaged_remainder_is_fetched_again_from_the_start(server, tmp_path):
    (tmp_path / "model.pth.part").write_bytes(b"x" * 1000)
    (tmp_path / "model.pth.part.tag").write_text(server.tag)
    download(server.url, tmp_path / "model.pth", SHA256, options())
    assert server.ranges == ["bytes=1000-", None]


def test_complete_part_is_only_verified(server, tmp_path):
    (tmp_path / "model.pth.part").write_bytes(CONTENT)
    (tmp_path / "model.pth.part.tag").write_text(server.tag)
    download(server.url, tmp_path / "model.pth", SHA256, options())
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


def test_server_without_validator_starts_over(server, tmp_path):
    server.tag, server.cut_after = 'W/"weak"', [300_000]
    download(server.url, tmp_path / "model.pth", SHA256, options())
    assert server.ranges == [None, None]


def test_wrong_part_is_not_appended(server, tmp_path):
    server.cut_after, server.wrong_range = [300_000], True
    download(server.url, tmp_path / "model.pth", SHA256, options())
    assert (tmp_path / "model.pth").read_bytes() == CONTENT


@pytest.mark.parametrize(("content", "said"), [(b"other", "SHA-256 differs"), (b"<html>log in</html>", "web page")])
def test_another_file_is_refused_and_removed(server, tmp_path, content, said):
    server.content = content
    with pytest.raises(DownloadError, match=said) as caught:
        download(server.url, tmp_path / "model.pth", SHA256, options())
    assert "brainfm models import FILE" in caught.value.hint
    assert names(tmp_path) == []


def test_missing_file_is_not_asked_for_again(server, tmp_path):
    server.statuses = [404, 404]
    with pytest.raises(DownloadError, match="404"):
        download(server.url, tmp_path / "model.pth", SHA256, options())
    assert len(server.ranges) == 1
    assert names(tmp_path) == []


def test_busy_server_is_asked_again(server, tmp_path):
    server.statuses = [503, 429]
    download(server.url, tmp_path / "model.pth", SHA256, options())
    assert len(server.ranges) == 3


def test_server_that_is_gone(server, tmp_path):
    url = server.url
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError, match="cannot download"):
        download(url, tmp_path / "model.pth", SHA256, options())


def test_cancel_keeps_the_part_and_writes_no_target(server, tmp_path):
    asked = iter([False, False, True])
    with pytest.raises(CancelledError):
        download(server.url, tmp_path / "model.pth", SHA256, options(cancelled=lambda: next(asked, True)))
    assert "model.pth" not in names(tmp_path)
    download(server.url, tmp_path / "model.pth", SHA256, options())
    assert (tmp_path / "model.pth").read_bytes() == CONTENT


def test_too_large_files_are_stopped(server, tmp_path):
    with pytest.raises(DownloadError, match="larger than"):
        download(server.url, tmp_path / "model.pth", SHA256, options(max_bytes=1000))
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "url",
    ["http://example.org/x.pth", "ftp://127.0.0.1/x", "file:///etc/passwd", "https:///x", "model.pth", "data:,x"],
)
def test_only_https_is_used(tmp_path, url):
    with pytest.raises(DownloadError, match="only https"):
        download(url, tmp_path / "model.pth", SHA256, options())
    assert names(tmp_path) == []


def test_redirects_stay_safe(server, tmp_path):
    server.redirect = server.url.replace("model.pth", "elsewhere")
    download(server.url, tmp_path / "model.pth", SHA256, options())
    server.redirect = "http://example.org/elsewhere"
    with pytest.raises(DownloadError, match="only https"):
        download(server.url, tmp_path / "other.pth", SHA256, options())


def test_unwritable_target_is_explained(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot write"):
        download(server.url, tmp_path / "file" / "model.pth", SHA256, options())


def test_two_processes_that_want_the_same_file_fetch_it_once(server, tmp_path):
    code = (
        "import sys; from pathlib import Path; from BrainFMEngine.models.download import *\n"
        "download(sys.argv[1], Path(sys.argv[2]), sys.argv[3], DownloadOptions(max_bytes=10_000_000))"
    )
    server.seconds_a_piece = 0.02
    command = [sys.executable, "-c", code, server.url, str(tmp_path / "model.pth"), SHA256]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in both] == [("", 0)] * 2
    assert (tmp_path / "model.pth").read_bytes() == CONTENT
    assert names(tmp_path) == ["model.pth"] and server.ranges == [None]


def test_waiting_for_another_process_can_be_cancelled(server, tmp_path):
    with FolderLock(tmp_path / "model.pth.part.lock", "a download"):
        with pytest.raises(CancelledError):
            download(server.url, tmp_path / "model.pth", SHA256, options(cancelled=lambda: True))
    assert server.ranges == []
