"""Voids as dips of grey inside the envelopes of particles: noise and plateau fitted, dips looked for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ...ground.executors import RunMap
from ...ground.slabs import Slab
from . import dips, false_voids, plateau
from .dip_model import DipModel

Tick = Callable[[int], None] | None


def find_dips(
    codes: Any,
    labels: Any,
    model: DipModel,
    scratch: Any,
    slabs: Sequence[Slab],
    run_map: RunMap = map,
    tick: Tick = None,
    learn: Callable[[DipModel], DipModel] = lambda model: model,
    mirrored: bool = False,
) -> tuple[dips.Dips, DipModel]:
    """Dips of grey inside the particles, and the fitted model; see `plateau.fit` and `dips.find`.

    learn: what is to be found out about dips once noise and plateau are known, before they are looked for. mirrored:
    bright specks are counted as well, see `false_voids`.
    """
    depths = plateau.classify(labels, model, scratch, slabs, run_map, tick)
    model = plateau.fit(codes, depths, model, slabs, run_map)
    if model.streaked and model.factor is None:
        model = false_voids.strict(codes, depths, model, slabs, run_map)
    model = learn(model)
    found = dips.find(codes, depths, model, scratch, slabs, run_map, tick)
    if mirrored and not model.clipped:  # bright noise is cut off then
        found = replace(found, specks=false_voids.expected(codes, depths, model, slabs, run_map))
    scratch.release("depths")
    return found, model
