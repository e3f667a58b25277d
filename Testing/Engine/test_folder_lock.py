"""One process at work in a folder."""

from __future__ import annotations

import threading
import time

import pytest
from BrainFMEngine.errors import UsageError
from BrainFMEngine.folder_lock import FolderLock, is_locked


def test_a_second_worker_is_refused_with_who_works_there(tmp_path):
    path = tmp_path / "work.lock"
    with FolderLock(path, "testing"):
        assert is_locked(path)
        with pytest.raises(UsageError, match="in use for testing by process"):
            FolderLock(path, "testing")
    assert not path.exists() and not is_locked(path)


def test_who_waits_for_a_lock_that_is_deleted_gets_the_new_one(tmp_path):
    path = tmp_path / "work.lock"
    first = FolderLock(path, "testing")
    taken = []
    waiter = threading.Thread(target=lambda: taken.append(FolderLock(path, "testing")))
    waiter.start()
    time.sleep(0.2)
    first.release(remove=True)
    waiter.join()
    assert is_locked(path)
    taken[0].release()
    assert not is_locked(path)
