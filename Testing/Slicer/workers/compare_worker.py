"""A stand-in for `brainfm compare`: the same files and JSON lines, no network.

`compare_worker.py [OPTIONS] compare FIRST SECOND --data DATASET --subject NAME --input NAME -o DIR ...`:
    --slow        goes on until it is told to stop
    --deaf        as --slow, and does not listen
    --fail        ends with a sentence
    --crash       ends in the middle
    --damaged     an image is cut short
    --alone       the subject has no reference
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the engine's environment leaves the script's folder out
from BrainFMEngine.parent import start_own_session, wait_for_stop
from stub_results import EDGE, tiny_nifti

MAPS = (("T1w", "grey"), ("CT", "ct"), ("dseg", "labels"), ("lp", "signed_mm"), ("biasfield", "ratio"))
VALUES = {"first": 17, "second": 10, "reference": 17}
CANCELLED = 130


def send(event: str, **values) -> None:
    """Print an event."""
    sys.stdout.write(json.dumps({"event": event, **values}) + "\n")
    sys.stdout.flush()


def write(options: argparse.Namespace) -> None:
    """Write what a comparison leaves; every image is a cube of the column's value."""
    folder = options.output
    folder.mkdir(parents=True)
    (folder / "input.nii").write_bytes(tiny_nifti(9))
    maps = []
    for name, display in MAPS:
        files = {}
        for column, value in VALUES.items():
            if column != "reference" or not options.alone:
                files[column] = f"{column}_{name}.nii"
                data = tiny_nifti(value)
                (folder / files[column]).write_bytes(data[: 400 if options.damaged and name == "T1w" else len(data)])
        maps.append({"name": name, "title": name, "display": display, "unit": "", "files": files})
    scores = [
        score("seg", "Dice Left-Thalamus", "", (0.5, 0.9), True, False),
        score("seg", "mean Dice", "", (0.5, 0.75), True, True),
        score("distance", "L1 inside ±3 mm", "mm", (0.25, 1.0), False, True),
        score("bias", "norm-L2 in brain", "", (None, 0.1), False, True),
    ]
    model = {"source": "", "name": "", "title": "", "sha256": "", "step": "", "device": "cpu"}
    record = {
        "format": 1,
        "subject": options.subject,
        "input": options.input,
        "image": "input.nii",
        "grid": {"shape": [EDGE] * 3, "affine_ras": [[1, 0, 0, 5], [0, 1, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1]]},
        "models": [{**model, "warnings": ["the image is small"]}, {**model, "warnings": ["the image is small"]}],
        "maps": maps,
        "scores": [] if options.alone else scores,
    }
    (folder / "comparison.json").write_text(json.dumps(record), encoding="utf-8")


def score(title: str, metric: str, unit: str, values: tuple, higher: bool, main: bool) -> dict:
    """One line of scores."""
    difference = None if None in values else values[1] - values[0]
    about = {"task": title, "title": title, "metric": metric, "unit": unit, "values": values}
    return {**about, "difference": difference, "higher_is_better": higher, "main": main}


def main(words: list[str]) -> int:
    """Behave as told."""
    start_own_session()
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("slow", "deaf", "fail", "crash", "damaged", "alone", "stdin"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("-o", "--output", type=Path)
    for name in ("subject", "input"):
        parser.add_argument(f"--{name}")
    options, _others = parser.parse_known_args(words)
    asked = threading.Event()
    if options.stdin and not options.deaf:
        threading.Thread(target=lambda: (wait_for_stop(), asked.set()), daemon=True).start()
    send("start", protocol=1, version="stand-in")
    send("progress", stage="network", fraction=0.25)
    if options.crash:
        os._exit(77)
    while (options.slow or options.deaf) and not asked.wait(0.02):
        time.sleep(0.02)
    if asked.is_set():
        send("error", code=CANCELLED, message="cancelled", hint="")
        send("done", code=CANCELLED, results=[])
        return CANCELLED
    if options.fail:
        send("error", code=3, message="anna.npz is damaged", hint="Prepare it again.")
        send("done", code=3, results=[])
        return 3
    write(options)
    send("progress", stage="done", fraction=1.0)
    send("done", code=0, results=[])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
