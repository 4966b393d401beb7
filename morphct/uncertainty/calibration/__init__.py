"""How far to trust a column at this voxel size, blur and noise: known bodies put through what the scan did to them.

In: the conditions of a scan and what particles were seen in it. Out: a `Calibration`, which knows bias and spread of
every column by size and shape. Start reading at `calibration`; `ladder`, `digitising`, `trials` and `error_model` are
its steps.

- `calibration`: the calibration of a run: known bodies through its conditions, bias and spread
- `conditions`: the conditions of a scan: what stands between a body and its mask, as `threshold.json` tells it
- `digitising`: known bodies through the conditions of a scan: from their surface to grey, to a mask, to labels and
  voids
- `error_model`: from errors of digitised bodies to the uncertainty of a particle
- `kept`: bodies that were measured before under the very same conditions, from the user's cache folder
- `ladder`: which bodies of which sizes are put through the conditions of a scan
- `population_seen`: how large, long and flat the particles and voids of a run are
- `trials`: digitised bodies measured by the very code that measures particles: what it says of them beside what is true
"""

from .calibration import CalibrateOptions, Calibration, calibrate, calibrate_measured, planned
from .conditions import Conditions, conditions
from .population_seen import PopulationSeen

__all__ = [
    "CalibrateOptions",
    "Calibration",
    "Conditions",
    "PopulationSeen",
    "calibrate",
    "calibrate_measured",
    "conditions",
    "planned",
]
