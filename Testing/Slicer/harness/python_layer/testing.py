"""Stand-in of slicer.testing."""

from __future__ import annotations

import sys
import unittest


def exitSuccess():
    sys.exit(0)


def exitFailure(message=""):
    sys.exit(message or 1)


def runUnitTest(path, testname):
    """Run the tests of the module `testname`, found in the folders `path`."""
    sys.path.extend(path)
    result = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromName(testname))
    exitSuccess() if result.wasSuccessful() else exitFailure()
