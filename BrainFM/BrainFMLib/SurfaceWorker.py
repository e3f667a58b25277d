"""The process that makes surfaces: `main` with a folder as the only argument, run by Slicer's own Python.

The folder holds `request.json` and the raw voxels that it names, see `SurfaceProcess`; surfaces go into it, too.
Speaks the engine's JSON lines, and ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from BrainFMLib.SurfaceFile import writeSurface
from BrainFMLib.SurfaceMaking import labelSurface

REQUEST = "request.json"
CANCELLED = 130


def main() -> int:
    """Make everything that is asked for."""
    folder = Path(sys.argv[1])
    threading.Thread(target=_endWithInput, daemon=True).start()
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    count = sum(len(image["labels"]) for image in request["images"])
    done = 0
    _say("start")
    for image in request["images"]:
        voxels = np.memmap(folder / image["file"], image["dtype"], "r", shape=tuple(image["shape"]))
        affine = np.array(image["affine"])
        for label in image["labels"]:
            _say("progress", fraction=done / count, total=done / count)
            surface = labelSurface(voxels, label["value"], image["first"], affine, request["smoothing"])
            if surface is not None:
                writeSurface(folder / label["file"], surface)
            done += 1
    _say("done", code=0, results=[])
    return 0


def _endWithInput() -> None:
    """Whoever asked is gone, or says stop: there is nobody to work for."""
    sys.stdin.readline()
    os._exit(CANCELLED)


def _say(event: str, **values: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **values}) + "\n")
    sys.stdout.flush()
