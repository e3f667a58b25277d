"""PySide6 made to behave as PythonQt, the bridge between Qt and Python inside Slicer.

Properties are attributes and hide the getter of their name; an unknown attribute can not be set; signals are connected
by attribute or by C++ signature; a slot receives as many arguments as it takes and its errors are swallowed (and kept
by `slot_errors`). The PySide6 classes are changed in place, so that objects made by Qt itself behave so too.
"""
