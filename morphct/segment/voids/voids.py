"""Voids as dips of grey inside the envelopes of particles: depth classes, noise and plateau, then the dips."""

from dataclasses import replace
from typing import Any

from ...ground.work import Work
from . import dips, false_voids, plateau
from .dip_model import DipModel
from .plateau import Cores


def fit_cores(codes: Any, labels: Any, model: DipModel, work: Work) -> Cores:
    """Depth classes of the particles, and the model fitted to their cores; parameters as in `find_dips`."""
    cores = plateau.fit(codes, labels, model, work)
    if cores.model.streaked and cores.model.factor is None:
        cores = replace(cores, model=false_voids.strict(codes, cores, work))
    return cores


def find_dips(codes: Any, labels: Any, model: DipModel, work: Work) -> tuple[dips.Dips, DipModel]:
    """Dips of grey inside the particles, and the fitted model; see `plateau.fit` and `dips.find_dips`.

    Parameters
    ----------
    codes : (Z,Y,X) uint16 array-like
        Denoised volume, 0 outside.
    labels : (Z,Y,X) int array-like
        Envelopes of the particles, 0 outside.
    model : DipModel
        First guess.
    """
    cores = fit_cores(codes, labels, model, work)
    found = dips.find_dips(codes, cores, work)
    work.scratch.release(cores.depths)
    return found, cores.model
