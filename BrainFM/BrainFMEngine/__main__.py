"""`python -m BrainFMEngine` is the command `brainfm`."""

from __future__ import annotations

import sys

from BrainFMEngine.cli import main

if __name__ == "__main__":
    sys.exit(main())
