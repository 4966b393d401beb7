"""The pass over particles: each is cut out once, and all that needs its crop looks at the same one.

Particles go in the order of their boxes, the largest first, and come back in any: no answer depends on it. What is made
for several looks (`crops.box.Body`: padded box, distances) is made once. Crops that are large together wait for each
other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np

from ..ground.executors import as_done
from ..ground.work import Work
from ..segment.labels.envelope import Crop, Envelope, batches, crop_step
from .crops.box import Body, Spacing

# bytes of all crops under way together, by the estimate of CROP_VOXEL_BYTES; one that needs more goes alone
CROPS_BYTES = 3 << 29
CROP_VOXEL_BYTES = 40  # of a voxel of a crop while it is measured


class Cut:
    """A particle cut out when it is first looked at.

    Attributes
    ----------
    particle : int
        Its row; the label is one more.
    box : (6,) int64, z0 z1 y0 y1 x0 x1.
    """

    def __init__(self, envelope: Envelope, particle: int, box: np.ndarray, spacing: Spacing) -> None:
        self.envelope, self.particle, self.box, self._spacing = envelope, particle, box, spacing

    @cached_property
    def crop(self) -> Crop:
        """Its crop."""
        return self.envelope.crop(self.box, np.array([self.particle + 1]))

    @cached_property
    def body(self) -> Body:
        """The crop made ready."""
        return Body(self.crop.mask, self.spacing, self.crop.solid)

    def within(self, envelope: Envelope) -> Cut:
        """The same particle cut out of another envelope."""
        return Cut(envelope, self.particle, self.box, self._spacing)

    @property
    def spacing(self) -> Spacing:
        """z, y, x edges of a voxel of the crop."""
        step = crop_step(self.box)
        return (self._spacing[0] * step, self._spacing[1] * step, self._spacing[2] * step)


class Look(Protocol):
    """What is measured of a particle that is cut out.

    Attributes
    ----------
    width : int or None
        How many numbers `of` gives; None: it depends on the particle.
    """

    @property
    def width(self) -> int | None: ...

    def of(self, cut: Cut) -> Sequence[float] | np.ndarray:
        """The numbers of one particle."""


@dataclass(frozen=True)
class _Task:
    envelope: Envelope
    boxes: np.ndarray
    spacing: Spacing
    looks: tuple[Look, ...]


def particle_pass(
    envelope: Envelope, boxes: np.ndarray, spacing: Spacing, looks: Sequence[Look], work: Work
) -> list[Any]:
    """Look at every particle.

    Parameters
    ----------
    envelope : Envelope
    boxes : (N, 6) int64
        z0 z1 y0 y1 x0 x1 of each label's envelope.
    spacing : z, y, x voxel edges.
    looks : sequence of Look
    work : Work
        Tells of particles done.

    Returns
    -------
    list, one entry a look: (N, width) float; of a look without a width a dict, row of a particle to its numbers, of
    particles that have any
    """
    task = _Task(envelope, boxes, spacing, tuple(looks))
    tables: list[Any] = [{} if k.width is None else np.full((len(boxes), k.width), np.nan) for k in looks]
    parts = list(batches(boxes)) if looks else []
    room = min(CROPS_BYTES, work.room)
    sizes = [CROP_VOXEL_BYTES * max(map(_voxels, boxes[part])) for part in parts]
    for particles, found in as_done(work.run_map, partial(_measure, task), parts, sizes, room):
        for table, rows in zip(tables, found):
            if isinstance(table, dict):
                table.update((int(p), row) for p, row in zip(particles, rows) if len(row))
            else:
                table[particles] = rows
        work.tell(len(particles))
    return tables


def _voxels(box: np.ndarray) -> int:
    """Voxels of the crop of a box."""
    return int(np.prod(-(-(box[1::2] - box[0::2]) // crop_step(box))))


def _measure(task: _Task, particles: np.ndarray) -> tuple[np.ndarray, list[Any]]:
    """Some particles: their rows, and what each look found of them."""
    found: list[list[Any]] = [[] for _ in task.looks]
    for particle in particles:
        cut = Cut(task.envelope, int(particle), task.boxes[particle], task.spacing)
        for rows, look in zip(found, task.looks):
            rows.append(look.of(cut))
    return particles, [rows if k.width is None else np.array(rows, float) for rows, k in zip(found, task.looks)]
