"""Runs pytest inside Slicer; started by `harness/real_slicer.py` through `Slicer --python-script`."""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NO_PYTEST = "pytest is not in Slicer's Python: PythonSlicer -m pip install pytest pytest-timeout"


def main() -> int:
    try:
        import pytest
    except ImportError:
        sys.stderr.write(NO_PYTEST + "\n")
        return 4
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT / "Testing"), str(ROOT / "Testing" / "Slicer")]
    arguments = json.loads(os.environ.get("BRAINFM_PYTEST_ARGUMENTS", '["Testing/Slicer"]'))
    return int(pytest.main(["-p", "no:cacheprovider", "--capture=sys", *arguments]))


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    import slicer

    slicer.util.exit(status)
