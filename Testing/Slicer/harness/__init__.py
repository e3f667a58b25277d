"""A bed to test 3D Slicer modules without the Slicer desktop.

The scene, the nodes, the logics and the pictures are Slicer's own (PyPI `slicer-core`). Only the Qt side is imitated:
`qt` is PySide6 behaving as PythonQt does; the CTK, qMRML and qSlicer classes are made from `facts/classes.json`, so
that what real Slicer does not have raises here. `start.py` brings everything up, `bed.py` is what the fixtures call.

SLICER_SOURCE=path of a Slicer checkout    its own Python files instead of the stand-ins in `python_layer`
SLICER_API=5.10.0 | 5.12.3 | main          the version whose members the made-up classes have
BRAINFM_TREE=installed | folder            the modules of the tree that CMake installs, or of a folder
SLICER_SCREENSHOTS=folder                  keep the pictures that tests take
SLICER_EXECUTABLE=path of Slicer           `test_real_slicer.py` runs the same tests inside it
"""
