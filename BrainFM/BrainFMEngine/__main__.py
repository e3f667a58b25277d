"""`python -m BrainFMEngine` is the command `brainfm`."""

from __future__ import annotations

import sys

from BrainFMEngine.cli import main
from BrainFMEngine.parent import start_own_session

if __name__ == "__main__":
    start_own_session()
    sys.exit(main())
