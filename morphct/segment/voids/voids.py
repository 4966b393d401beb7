"""Voids as dips of grey inside the envelopes of particles: depth classes, noise and plateau, then the dips."""

from dataclasses import dataclass
from typing import Any

from ...ground.work import Work
from . import dips, false_voids, plateau
from .dip_model import DipModel


@dataclass(frozen=True)
class Cores:
    """The insides of particles, in which dips are looked for.

    Attributes
    ----------
    depths : (Z,Y,X) uint8 array-like
        Depth classes (`plateau.classify`), in scratch; whoever asked releases them.
    model : DipModel
        With plateau, noise and its correlation as they are there.
    """

    depths: Any
    model: DipModel


def fit_cores(codes: Any, labels: Any, model: DipModel, work: Work) -> Cores:
    """Depth classes of the particles, and the model fitted to their cores; parameters as in `find_dips`."""
    depths = plateau.classify(labels, model, work)
    model = plateau.fit(codes, depths, model, work)
    if model.streaked and model.factor is None:
        model = false_voids.strict(codes, depths, model, work)
    return Cores(depths, model)


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
    found = dips.find_dips(codes, cores.depths, cores.model, work)
    work.scratch.release(cores.depths)
    return found, cores.model
