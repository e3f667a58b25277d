"""`brainfm prepare --licence`: what the data may be used for goes with them."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")
from small_heads import write_label_maps


def test_the_licence_is_told_by_the_user_or_by_the_source(brainfm, tmp_path):
    source, folder = write_label_maps(tmp_path / "heads"), tmp_path / "set"
    words = ("prepare", source, "-o", folder, "--no-atlas", "--progress", "none")
    (source / "dataset_description.json").write_text(json.dumps({"License": "CC0"}))
    for arguments, said in (((), "CC0"), (("--licence", "CC BY 4.0"), "CC BY 4.0")):
        outcome = brainfm(*words, *arguments)
        assert outcome.code == 0, outcome.err
        assert json.loads((folder / "dataset.json").read_text())["licences"] == {"heads": said}
