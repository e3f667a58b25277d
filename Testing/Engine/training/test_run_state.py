"""What a state file that is no state file does to whoever looks at the run: a sentence, never a surprise."""

from __future__ import annotations

import json

import pytest
from BrainFMEngine.errors import FileAccessError
from BrainFMEngine.training.run_folder import RunFolder, read_state


@pytest.mark.parametrize(
    "wrong", [{"step": "abc"}, {"started": None}, {"heartbeat_monotonic": "x"}, {"state": []}, {"resources": 3}]
)
def test_a_state_of_the_wrong_kind_is_told_and_no_surprise(tmp_path, wrong):
    with RunFolder.create(tmp_path / "run", "abc", 100):
        pass
    path = tmp_path / "run" / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **wrong}))
    with pytest.raises(FileAccessError, match="cannot be read"):
        read_state(tmp_path / "run")
