"""Make `qt.json`: members of the Qt classes that modules use, in Qt 5.15 and in Qt 6.8.

    python Testing/Slicer/facts/make_qt.py scan PyQt5 qt5.json      (in an environment with PyQt5)
    python Testing/Slicer/facts/make_qt.py scan PySide6 qt6.json    (in one with PySide6)
    python Testing/Slicer/facts/make_qt.py join qt5.json qt6.json

A member that only one of the two has is listed apart: Slicer is built with either.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import json
import sys
from pathlib import Path

FACTS = Path(__file__).with_name("qt.json")
MODULES = ("QtCore", "QtGui", "QtWidgets", "QtNetwork")
KINDS = ("properties", "signals", "names")
CLASSES = """
QAbstractButton QAbstractItemModel QAbstractItemView QAbstractScrollArea QAbstractSlider QAbstractSpinBox
QAbstractTableModel QAction QActionGroup QApplication QBoxLayout QBrush QButtonGroup QByteArray QCheckBox QClipboard
QColor QComboBox QCoreApplication QCursor QDesktopServices QDialog QDialogButtonBox QDir QDockWidget QDoubleSpinBox
QDoubleValidator QElapsedTimer QEvent QEventLoop QFile QFileDialog QFileInfo QFont QFontMetrics QFormLayout QFrame
QGraphicsView QGridLayout QGroupBox QGuiApplication QHBoxLayout QHeaderView QIODevice QIcon QImage QInputDialog
QIntValidator QItemSelectionModel QKeySequence QLabel QLayout QLineEdit QListView QListWidget QListWidgetItem QLocale
QMainWindow QMargins QMenu QMenuBar QMessageBox QMimeData QModelIndex QMouseEvent QObject QPaintDevice QPainter QPalette
QPen QPixmap QPlainTextEdit QPoint QPointF QProcess QProcessEnvironment QProgressBar QProgressDialog QPushButton
QRadioButton QRect QRegularExpression QRegularExpressionValidator QScreen QScrollArea QScrollBar QSettings QShortcut
QSignalBlocker QSize QSizePolicy QSlider QSortFilterProxyModel QSpacerItem QSpinBox QSplitter QStackedWidget
QStandardItem QStandardItemModel QStandardPaths QStatusBar QStyle QStyleFactory QStyledItemDelegate QSysInfo QTabBar
QTabWidget QTableView QTableWidget QTableWidgetItem QTemporaryDir QTextBrowser QTextCursor QTextDocument QTextEdit
QThread QTimer QToolBar QToolButton QToolTip QTreeView QTreeWidget QTreeWidgetItem QUrl QVBoxLayout QWhatsThis QWidget
QWizard QWizardPage Qt
""".split()


def scan(binding: str) -> dict:
    """All class names, and the members of the classes in CLASSES that each declares itself."""
    modules = [importlib.import_module(f"{binding}.{name}") for name in MODULES]
    everything = sorted({name for module in modules for name in dir(module) if name.startswith("Q")})
    found = {}
    for name in CLASSES:
        cls = next((getattr(module, name) for module in modules if hasattr(module, name)), None)
        if cls is not None:
            found[name] = declared(cls)
    return {"all": everything, "classes": found}


def declared(cls: type) -> dict:
    """Bases, properties (a trailing - means read only), signals by signature, and every other public name."""
    facts = {"bases": [base.__name__ for base in cls.__bases__ if base.__name__.startswith("Q")]}
    dir(cls)  # PySide6 fills its classes on demand
    names = set()
    for key, value in vars(cls).items():
        if not key.startswith(("_", "pyqt", "Key_", "staticMetaObject")):
            names.add(key)
        if inspect.isclass(value) and issubclass(value, enum.Enum | enum.Flag):
            names |= {member for member in value.__members__ if not member.startswith("Key_")}
    if hasattr(cls, "objectName"):
        meta = cls.staticMetaObject
        properties = [meta.property(i) for i in range(meta.propertyOffset(), meta.propertyCount())]
        facts["properties"] = sorted(p.name() + ("" if p.isWritable() else "-") for p in properties)
        methods = [meta.method(i) for i in range(meta.methodOffset(), meta.methodCount())]
        facts["signals"] = sorted(text(m.methodSignature()) for m in methods if is_signal(m))
        names |= {text(m.name()) for m in methods if text(m.name())[:2] != "_q"}
    facts["names"] = sorted(names)
    return facts


def is_signal(method) -> bool:
    """Whether a QMetaMethod is a signal."""
    return method.methodType() == type(method).Signal


def text(array) -> str:
    """A QByteArray as text."""
    return bytes(array.data()).decode()


def join(qt5: dict, qt6: dict) -> dict:
    """What both have, and what only one of them has."""
    classes = {}
    empty = {"bases": [], "properties": [], "signals": [], "names": []}
    for name in CLASSES:
        old, new = ({**empty, **table["classes"].get(name, {})} for table in (qt5, qt6))
        entry: dict = {"bases": new["bases"] or old["bases"]}
        for kind in KINDS:
            both = sorted(set(old[kind]) & set(new[kind]))
            for key, values in (("", both), ("5", set(old[kind]) - set(both)), ("6", set(new[kind]) - set(both))):
                if values:
                    entry[kind + key] = " ".join(sorted(values)) if kind == "names" else sorted(values)
        classes[name] = entry
    every = [set(table["all"]) for table in (qt5, qt6)]
    shared = {"both": every[0] & every[1], "5": every[0] - every[1], "6": every[1] - every[0]}
    return {"all": {key: " ".join(sorted(names)) for key, names in shared.items()}, "classes": classes}


def written(facts: dict) -> str:
    """One class a line."""
    lines = [f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in facts["classes"].items()]
    return '{"all":' + json.dumps(facts["all"]) + ',\n"classes":{\n' + ",\n".join(lines) + "\n}}\n"


def main(arguments: list[str]) -> None:
    command, first, second = arguments
    if command == "scan":
        Path(second).write_text(json.dumps(scan(first)), encoding="utf-8")
    else:
        tables = [json.loads(Path(path).read_text(encoding="utf-8")) for path in (first, second)]
        FACTS.write_text(written(join(*tables)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
