"""A calibration that says of every value that it is good to two per cent: for tests of the columns made from one."""

from typing import Any

import numpy as np
import pytest

from morphct.pipeline import measuring
from morphct.pipeline.settings import Settings
from morphct.results.tabulate import Tables
from morphct.uncertainty.calibration import CalibrateOptions


class Even:
    """Stands in for `calibration.Calibration` where only its answers matter."""

    limits: dict[str, float] = {}  # noqa: RUF012 - no descriptor is limited

    def uncertainty(self, name: str, values: np.ndarray, *shape: np.ndarray) -> np.ndarray:
        """Two per cent of the values."""
        return 0.02 * np.abs(values)

    def void_uncertainty(self, name: str, values: np.ndarray, diameter: np.ndarray) -> np.ndarray:
        """Two per cent of the values, nothing known without voids."""
        return np.where(np.isfinite(diameter), 0.02 * np.abs(values), np.nan)


def measure_evenly(*args: Any, **options: Any) -> Tables:
    """`measure_array` with `Even` for its calibration."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measuring, "calibrate_measured", lambda *_, **__: Even())
        return measuring.measure_array(*args, **options)


def uncalibrated(**sections: Any) -> Settings:
    """Settings without a calibration."""
    return Settings(calibrate=CalibrateOptions(method="none"), **sections)
