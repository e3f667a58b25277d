"""Make `classes.json`: the properties, signals, slots and invokables that the Slicer classes used here really have.

    python Testing/Slicer/facts/make_classes.py 5.10.0=a.json 5.12.3=b.json main=c.json

Each input is a full manifest of one Slicer version: names and signatures read from its public headers. Only the classes
named in CLASSES and their bases are kept. A class that is the same in the next version is written as its name.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FACTS = Path(__file__).with_name("classes.json")
KINDS = ("bases", "properties", "signals", "slots", "invokables", "enums")
CLASSES = """
ctkAxesWidget ctkBasePopupWidget ctkButtonGroup ctkCheckBox ctkCheckableComboBox ctkCheckablePushButton
ctkCollapsibleButton ctkCollapsibleGroupBox ctkColorPickerButton ctkComboBox ctkDirectoryButton ctkDoubleRangeSlider
ctkDoubleSlider ctkDoubleSpinBox ctkDynamicSpacer ctkErrorLogWidget ctkExpandButton ctkExpandableWidget
ctkFittedTextBrowser ctkFlowLayout ctkMenuButton ctkMenuComboBox ctkMessageBox ctkPathLineEdit ctkPopupWidget
ctkPushButton ctkPythonConsole ctkRangeSlider ctkRangeWidget ctkSearchBox ctkSettingsPanel ctkSliderWidget
ctkThumbnailLabel ctkVTKAbstractView ctkVTKOpenGLNativeWidget ctkVTKRenderView ctkVTKSliceView
qMRMLCheckableNodeComboBox qMRMLCollapsibleButton qMRMLColorPickerWidget qMRMLColorTableComboBox qMRMLLayoutManager
qMRMLLayoutWidget qMRMLNodeComboBox qMRMLPlotView qMRMLPlotViewControllerWidget qMRMLPlotWidget qMRMLRangeWidget
qMRMLSegmentSelectorWidget qMRMLSegmentationShow3DButton qMRMLSegmentsTableView qMRMLSliceControllerWidget
qMRMLSliceView qMRMLSliceWidget qMRMLSliderWidget qMRMLSpinBox qMRMLSubjectHierarchyComboBox
qMRMLSubjectHierarchyTreeView qMRMLTableModel qMRMLTableView qMRMLTableViewControllerWidget qMRMLTableWidget
qMRMLTextWidget qMRMLThreeDView qMRMLThreeDViewControllerWidget qMRMLThreeDWidget qMRMLVolumeThresholdWidget
qMRMLWidget qMRMLWindowLevelWidget
qSlicerAbstractModuleFactoryManager qSlicerAppMainWindow qSlicerApplication qSlicerIOManager qSlicerLayoutManager
qSlicerLoadableModule qSlicerMainWindow qSlicerModuleFactoryManager qSlicerModuleManager qSlicerModuleSelectorToolBar
qSlicerModulesMenu qSlicerScriptedLoadableModule qSlicerScriptedLoadableModuleWidget qSlicerSettingsModulesPanel
qSlicerSimpleMarkupsWidget qSlicerSubjectHierarchyAbstractPlugin qSlicerSubjectHierarchyPluginHandler
qSlicerSubjectHierarchyPluginLogic qSlicerTerminologyNavigatorWidget qSlicerWebWidget qSlicerWidget qSlicerFileDialog
""".split()


def chosen_classes(manifest: dict) -> list[str]:
    """The classes of CLASSES with every base that the manifest knows, sorted."""
    chosen, waiting = set(), list(CLASSES)
    while waiting:
        name = waiting.pop()
        if name in manifest and name not in chosen:
            chosen.add(name)
            waiting += manifest[name].get("bases", [])
    return sorted(chosen)


def reduced(manifest: dict) -> dict[str, dict]:
    """Class name to the kinds of facts the tests use."""
    return {name: {k: manifest[name][k] for k in KINDS if manifest[name].get(k)} for name in chosen_classes(manifest)}


def written(tables: dict[str, dict]) -> str:
    """One class a line, so that a change of the table can be read."""
    versions = list(tables)
    blocks = []
    for version, following in zip(versions, [*versions[1:], None], strict=True):
        lines = []
        for name, facts in tables[version].items():
            same = following and tables[following].get(name) == facts
            lines.append(f"{json.dumps(name)}:{json.dumps(following if same else facts, separators=(',', ':'))}")
        blocks.append(f"{json.dumps(version)}:{{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def main(arguments: list[str]) -> None:
    tables = {}
    for argument in arguments:
        version, path = argument.split("=", 1)
        tables[version] = reduced(json.loads(Path(path).read_text(encoding="utf-8"))["classes"])
    FACTS.write_text(written(tables), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
