"""How far to trust a column at this voxel size, blur and noise: known bodies put through what the scan did to them."""

from .conditions import Conditions, conditions
from .found import Found
from .study import CalibrateOptions, Calibration, calibrate, calibrate_measured, planned

__all__ = [
    "CalibrateOptions",
    "Calibration",
    "Conditions",
    "Found",
    "calibrate",
    "calibrate_measured",
    "conditions",
    "planned",
]
