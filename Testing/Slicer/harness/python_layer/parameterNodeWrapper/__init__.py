"""Stand-in of slicer.parameterNodeWrapper: typed parameters on a vtkMRMLScriptedModuleNode, bound to widgets.

Types: bool, int, float, str, pathlib.Path, enumerations, MRML nodes, FloatRange, lists of the plain ones, `X | None`.
"""

from .annotations import Choice as Choice
from .annotations import Decimals as Decimals
from .annotations import Default as Default
from .annotations import Exclude as Exclude
from .annotations import FloatRange as FloatRange
from .annotations import IsInstance as IsInstance
from .annotations import Label as Label
from .annotations import Maximum as Maximum
from .annotations import Minimum as Minimum
from .annotations import NotNone as NotNone
from .annotations import RangeBounds as RangeBounds
from .annotations import SingleStep as SingleStep
from .annotations import Validator as Validator
from .annotations import WithinRange as WithinRange
from .wrapper import SlicerParameterNamePropertyName as SlicerParameterNamePropertyName
from .wrapper import findChildWidgetForParameter as findChildWidgetForParameter
from .wrapper import isParameterNodeWrapper as isParameterNodeWrapper
from .wrapper import parameterNodeWrapper as parameterNodeWrapper
