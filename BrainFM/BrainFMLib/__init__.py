"""The Slicer side of BrainFM: scene, widgets and the child process; torch never.

Layout, each file with one concept:
    engine       EngineCommand, EngineProcess (LineReader, RunLog, RunOutcome, ProcessTree beneath it)
    setup        Health, Dependencies, PackageInstaller; ModelManager
    input        InputCheck, InputExport
    results      ResultFiles, ResultSet, Results*, Terminology, Transforms, VolumesTable, SubjectHierarchy
    module       Parameters, Settings, Logic, Prediction, Widget, Layouts, Navigation, Widgets/, SampleData

Rules: the standard library, numpy, vtk and slicer may be imported, qt and ctk in the files that need them; torch,
nibabel or anything else that has to be installed never. Nothing runs at import. The engine is reached through its
command line (`EngineProcess`); only its torch-free tables are imported. What touches the scene but no widget
(`Results*`, `ResultSet`, `InputExport`) works without qt, and so do the parts beneath `EngineProcess`. Qt and the
scene are never touched from a thread. Files may be imported by other modules, such as BrainFMTrain.
"""
