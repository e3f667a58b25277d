from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from BrainFMEngine.errors import CancelledError, FileAccessError, UsageError
from BrainFMEngine.inference.prediction import Prediction
from BrainFMEngine.outputs import OutputOptions, check_target, target, write, write_results

OVERWRITE = OutputOptions(overwrite=True)


class Cancelling:
    """Progress that cancels at a certain file."""

    def __init__(self, at: str):
        self.at = at

    def stage(self, name: str, fraction: float) -> None:
        if self.at in name:
            raise CancelledError()

    def warning(self, message: str) -> None:
        pass


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_complete_results_are_refused_and_replaced_only_when_asked(small: Prediction, tmp_path: Path) -> None:
    write_results(small, tmp_path, "a")
    before = snapshot(tmp_path)
    with pytest.raises(UsageError, match="already has complete results") as refusal:
        check_target(tmp_path, "a", OutputOptions())
    assert "--overwrite" in refusal.value.hint
    with pytest.raises(UsageError):
        write_results(small, tmp_path, "a")
    assert snapshot(tmp_path) == before
    write_results(small, tmp_path, "a", OVERWRITE)
    assert set(snapshot(tmp_path)) == set(before)


def test_overwriting_removes_results_of_the_earlier_run_and_keeps_foreign_files(
    phantom: Prediction, small: Prediction, tmp_path: Path
) -> None:
    write_results(phantom, tmp_path, "a")
    (tmp_path / "a" / "notes.txt").write_text("mine")
    (tmp_path / "a" / "a_extra.nii.gz").write_text("mine too")
    kept = write_results(small, tmp_path, "a", OVERWRITE)
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names == {path.name for path in kept.values()} | {"notes.txt", "a_extra.nii.gz"}


def test_a_report_cannot_make_us_remove_other_files(small: Prediction, tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "own.txt").write_text("mine")
    forged = {"outputs": {"x": "../precious.txt", "y": "own.txt", "z": str(precious)}}
    (tmp_path / "a" / "a_report.json").write_text(json.dumps(forged))
    write_results(small, tmp_path, "a", OVERWRITE)
    assert precious.read_text() == "mine"
    assert (tmp_path / "a" / "own.txt").read_text() == "mine"


def test_the_users_file_of_a_results_name_is_not_overwritten(small: Prediction, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "a_T1w.nii.gz").write_text("mine")
    with pytest.raises(UsageError, match="a_T1w.nii.gz"):
        write_results(small, tmp_path, "a")
    assert snapshot(tmp_path) == {"a/a_T1w.nii.gz": b"mine"}


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    scan = tmp_path / "a" / "a_T1w.nii.gz"
    scan.parent.mkdir()
    scan.write_text("scan")
    with pytest.raises(UsageError, match="overwrite the input"):
        check_target(tmp_path, "a", OVERWRITE, scan)


def test_an_input_beside_its_results_is_fine(tmp_path: Path) -> None:
    scan = tmp_path / "a" / "a.nii.gz"
    scan.parent.mkdir()
    scan.write_text("scan")
    check_target(tmp_path, "a", OutputOptions(), scan)


@pytest.mark.parametrize("at", ["T1w", "overview", "report"])
def test_cancelling_leaves_nothing(small: Prediction, tmp_path: Path, at: str) -> None:
    with pytest.raises(CancelledError):
        write_results(small, tmp_path / "new", "a", progress=Cancelling(at))
    assert list(tmp_path.iterdir()) == []


def test_cancelling_an_overwrite_leaves_the_old_results(small: Prediction, tmp_path: Path) -> None:
    write_results(small, tmp_path, "a")
    before = snapshot(tmp_path)
    with pytest.raises(CancelledError):
        write_results(small, tmp_path, "a", OVERWRITE, Cancelling("report"))
    assert snapshot(tmp_path) == before


def test_a_full_disk_is_explained_and_old_results_stay(
    small: Prediction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_results(small, tmp_path, "a")
    before = snapshot(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "write_report", full)
    with pytest.raises(FileAccessError, match="No space left"):
        write_results(small, tmp_path, "a", OVERWRITE)
    assert snapshot(tmp_path) == before


def test_a_failed_exchange_is_undone(small: Prediction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_results(small, tmp_path, "a")
    before = snapshot(tmp_path)
    replace = os.replace

    def failing(source: Path, goal: Path) -> None:
        if Path(source).parent.name == "new" and Path(goal).name == "a_qc.json":
            raise PermissionError(13, "in use")
        replace(source, goal)

    monkeypatch.setattr(target.os, "replace", failing)
    with pytest.raises(FileAccessError, match="in use"):
        write_results(small, tmp_path, "a", OVERWRITE)
    assert snapshot(tmp_path) == before


def test_a_file_where_a_folder_is_needed(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    for folder in (tmp_path / "taken", tmp_path / "taken" / "deeper"):
        with pytest.raises(FileAccessError, match="is a file"):
            check_target(folder, "a", OutputOptions())
    (tmp_path / "a").write_text("x")
    with pytest.raises(FileAccessError, match="is a file"):
        check_target(tmp_path, "a", OutputOptions())


def test_an_unwritable_folder_is_found_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(**_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(target.tempfile, "mkdtemp", denied)
    with pytest.raises(FileAccessError, match="Permission denied"):
        check_target(tmp_path / "new", "a", OutputOptions())


def test_checking_leaves_no_trace(tmp_path: Path) -> None:
    check_target(tmp_path / "new" / "deep", "a", OutputOptions())
    assert list(tmp_path.iterdir()) == []


def test_a_name_too_long_is_explained(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError):
        check_target(tmp_path, "x" * 400, OutputOptions())
