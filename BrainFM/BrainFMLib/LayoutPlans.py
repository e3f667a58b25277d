"""The plans of the layouts: which view shows which result, and how views are arranged. Pure data and XML.

Every layout uses the module's own views (`BrainFM1`, `BrainFM2`...), so the user's Red, Green and Yellow stay as they
are. A plan is made for the results at hand: a view whose result is missing is left out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from xml.etree import ElementTree

from slicer.i18n import tr as _

NAMES = ("Contrasts", "Anatomy", "Cortex", "Bias", "Atlas")
FIRST_ID = 29310
VIEW_GROUP = 29
OTHER_VIEWS = "BrainFM"
"""Name of the 3D view and of the table view."""
INPUT = "input"
_COLORS = {"Axial": "#F34A33", "Coronal": "#6EB04B", "Sagittal": "#EDD54C"}


@dataclass(frozen=True)
class Pane:
    """One slice view.

    Attributes:
        label: what users read on it.
        background: kind of the image, or INPUT.
        overlay: kind of what is blended over it, "" for nothing.
        orientation: "Axial", "Coronal" or "Sagittal".
        legend: whether it shows the overlay's colour legend.
    """

    label: str
    background: str
    overlay: str = ""
    orientation: str = "Axial"
    legend: bool = False


@dataclass(frozen=True)
class Plan:
    """One layout.

    Attributes:
        name: one of NAMES.
        panes: the slice views, in order of their view names.
        tree: how they are arranged: ("h" | "v", [children]) with a child's share of space in front of it, where a leaf
            is the number of a pane, "3d" or "table".
        segmentation: whether the segmentation covers the slices.
        segments3D: whether the 3D view shows the structures.
        surfaces: whether the cortical surfaces are shown, in 3D and as lines on the slices.
        overlay: what users read at the slider; "" if there is nothing to blend.
        opacity: where the slider stands at first.
    """

    name: str
    panes: tuple[Pane, ...]
    tree: tuple
    segmentation: bool = False
    segments3D: bool = False
    surfaces: bool = False
    overlay: str = ""
    opacity: float = 0.5

    @property
    def layoutID(self) -> int:
        """Number of the layout in the layout node."""
        return FIRST_ID + NAMES.index(self.name)

    def xml(self) -> str:
        """Return the layout's description."""
        return ElementTree.tostring(_element(self.tree, self.panes), encoding="unicode")


def viewName(number: int) -> str:
    """Return the name of the slice view of pane `number`."""
    return f"BrainFM{number + 1}"


def available(kinds: Collection[str]) -> tuple[str, ...]:
    """Return the layouts that these results can fill."""
    return tuple(name for name in NAMES if planFor(name, kinds) is not None)


def planFor(name: str, kinds: Collection[str]) -> Plan | None:
    """Return the plan of a layout for results of these kinds, None if they lack what it shows."""
    makers = {"Contrasts": _contrasts, "Anatomy": _anatomy, "Cortex": _cortex, "Bias": _bias, "Atlas": _atlas}
    return makers[name](set(kinds))


def _contrasts(kinds: set[str]) -> Plan | None:
    shown = [kind for kind in ("T1w", "T2w", "FLAIR", "CT", "highres") if kind in kinds]
    if not shown:
        return None
    titles = {"highres": _("Super-resolution")}
    panes = (Pane(_("Scan"), INPUT), *(Pane(titles.get(kind, kind), kind) for kind in shown))
    numbers = list(range(1, len(panes)))
    rows = [numbers] if len(numbers) < 3 else [numbers[:2], numbers[2:]]
    grid = ("v", [(1, ("h", [(1, number) for number in row])) for row in rows])
    segmentation = "dseg" in kinds
    overlay = _("Anatomy overlay:") if segmentation else ""
    return Plan("Contrasts", panes, ("h", [(1, 0), (1, grid)]), segmentation, overlay=overlay, opacity=0.0)


def _anatomy(kinds: set[str]) -> Plan | None:
    if "dseg" not in kinds:
        return None
    titles = {"Axial": _("Axial"), "Coronal": _("Coronal"), "Sagittal": _("Sagittal")}
    panes = tuple(Pane(title, INPUT, orientation=name) for name, title in titles.items())
    views = ("v", [(1, ("h", [(1, 0), (1, "3d")])), (1, ("h", [(1, 1), (1, 2)]))])
    tree = ("h", [(5, views), (2, "table")]) if "volumes" in kinds else views
    return Plan("Anatomy", panes, tree, True, True, overlay=_("Anatomy overlay:"), opacity=0.5)


def _cortex(kinds: set[str]) -> Plan | None:
    titles = {"rp": _("Right pial"), "lp": _("Left pial"), "rw": _("Right white"), "lw": _("Left white")}
    shown = [kind for kind in titles if kind in kinds]
    if not shown:
        return None
    panes = [Pane(titles[kind], INPUT, kind, "Coronal", legend=index == 0) for index, kind in enumerate(shown)]
    panes.append(Pane(_("Surfaces"), INPUT))
    numbers: list[int | str] = list(range(len(shown)))
    half = (len(numbers) + 1) // 2
    rows = [[*numbers[:half], "3d"], [*numbers[half:], len(shown)]]
    tree = ("v", [(1, ("h", [(1, leaf) for leaf in row])) for row in rows])
    return Plan("Cortex", tuple(panes), tree, surfaces=True, overlay=_("Distance overlay:"), opacity=0.55)


def _bias(kinds: set[str]) -> Plan | None:
    if not kinds >= {"biasfield", "corrected"}:
        return None
    columns = ((_("Before"), INPUT, ""), (_("After"), "corrected", ""), (_("Field"), INPUT, "biasfield"))
    panes = tuple(
        Pane(label, background, overlay, orientation, legend=bool(overlay) and orientation == "Axial")
        for orientation in ("Axial", "Coronal")
        for label, background, overlay in columns
    )
    return Plan("Bias", panes, _grid(2, 3), overlay=_("Field overlay:"), opacity=0.5)


def _atlas(kinds: set[str]) -> Plan | None:
    if "atlas" not in kinds:
        return None
    columns = ((_("Scan"), INPUT, ""), (_("Scan and atlas"), INPUT, "atlas"), (_("Atlas"), "atlas", ""))
    panes = tuple(
        Pane(label, background, overlay, orientation)
        for orientation in ("Axial", "Sagittal")
        for label, background, overlay in columns
    )
    return Plan("Atlas", panes, _grid(2, 3), overlay=_("Scan to atlas:"), opacity=0.5)


def _grid(rows: int, columns: int) -> tuple:
    return ("v", [(1, ("h", [(1, row * columns + column) for column in range(columns)])) for row in range(rows)])


def _element(node: tuple | int | str, panes: tuple[Pane, ...]) -> ElementTree.Element:
    if isinstance(node, tuple):
        direction = {"h": "horizontal", "v": "vertical"}[node[0]]
        layout = ElementTree.Element("layout", type=direction, split="true")
        for share, child in node[1]:
            item = ElementTree.SubElement(layout, "item", splitSize=str(share * 300))
            item.append(_element(child, panes))
        return layout
    if node == "3d":
        return _view("vtkMRMLViewNode", OTHER_VIEWS, viewlabel="3D", viewgroup=str(VIEW_GROUP))
    if node == "table":
        return _view("vtkMRMLTableViewNode", OTHER_VIEWS, viewlabel=_("Volumes"))
    pane = panes[node]
    properties = {"orientation": pane.orientation, "viewlabel": pane.label, "viewcolor": _COLORS[pane.orientation]}
    return _view("vtkMRMLSliceNode", viewName(node), **properties, viewgroup=str(VIEW_GROUP))


def _view(nodeClass: str, tag: str, **properties: str) -> ElementTree.Element:
    view = ElementTree.Element("view", {"class": nodeClass, "singletontag": tag})
    for name, value in properties.items():
        for action in ("default", "relayout"):
            ElementTree.SubElement(view, "property", name=name, action=action).text = value
    return view
