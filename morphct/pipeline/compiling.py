"""The first run after an install compiles its kernels: said in one line, done by a second process beside the work.

Numba compiles a kernel when it is first called, and keeps it on disk. A process of its own measures two small bodies
meanwhile, so that the kernels of the later stages are there when the run comes to them.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .job import Job
from .machine import processors

if TYPE_CHECKING:
    from ..measurement.labelled import Labelled

COLD_SHARE = 0.5  # of the kernels that are to be compiled: fewer are a new type of voxels, and soon done
KERNELS_PER_MINUTE = 240  # in two processes; a choice: one process took 85 s for some 280 of them
_CHILD = "import sys; from morphct.pipeline.compiling import child; child(sys.argv[1])"


@contextlib.contextmanager
def compiling_beside(job: Job, grey: np.dtype | None, capped: bool = False) -> Iterator[None]:
    """Inside the block the first kernel to be compiled sets off the line and the second process; both stay away when
    nearly all kernels are kept.

    grey : type of the grey values that will be measured; None: there are none.
    capped : whether a memory cap was asked for; it has no room for another process.
    """
    from ..kernels import jit

    started: list[subprocess.Popen] = []

    def begin() -> None:
        missing, known = jit.not_kept(), len(jit.KERNELS)
        if not known or missing < COLD_SHARE * known:
            return
        minutes = missing / KERNELS_PER_MINUTE
        about = "about a minute" if minutes < 1.5 else f"about {minutes:.0f} minutes"
        job.progress.note(f"compiling {missing} kernels for this machine, once: {about}")
        if not capped and min(job.plan.workers, processors()) > 1:
            started.append(_start(grey))

    with jit.at_first_compile(begin):
        try:
            yield
        finally:
            for process in started:
                process.kill()
                process.wait()


def _start(grey: np.dtype | None) -> subprocess.Popen:
    # this very package, wherever it was imported from
    found = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": found.rstrip(os.pathsep)}
    arguments = [sys.executable, "-P", "-c", _CHILD, "" if grey is None else np.dtype(grey).str]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(arguments, stdin=nowhere, stdout=nowhere, stderr=nowhere, env=environment)


def child(grey: str) -> None:
    """What the second process does: what is measured last comes first, so that the two meet where nothing is left."""
    from ..ground.work import Work
    from ..measurement.all_passes import EVERYTHING, measure

    labelled, values = _two_bodies(np.dtype(grey) if grey else None)
    work = Work.of(labelled.labels.shape)
    for wanted in (("curvature_share",), ("silhouette_corner_share",), ("width_max",), ("solid_thickness_mean",)):
        measure(labelled, work, wanted=wanted)
    measure(labelled, work, grey=values, wanted=EVERYTHING)
    _digitise()


def _two_bodies(grey: np.dtype | None) -> "tuple[Labelled, np.ndarray | None]":
    """Two touching balls with a void in one, 40 voxels along z, and their grey values."""
    from ..ground.units import VoxelSize
    from ..measurement.labelled import Labelled
    from ..segment.voids.ownership import Voids

    z, y, x = np.ogrid[:40, :22, :22]
    labels = np.zeros((40, 22, 22), np.int32)
    for label, middle in ((1, 11), (2, 28)):
        labels[(z - middle) ** 2 + (y - 11) ** 2 + (x - 11) ** 2 < 81] = label
    voids = np.zeros(labels.shape, np.int32)
    voids[10:13, 10:13, 10:13] = 1
    values = None
    if grey is not None:
        noise = np.random.default_rng(0).normal(100, 8, labels.shape)
        values = (noise + 60 * (labels > 0) * (voids == 0)).clip(0, 255).astype(grey)
    return Labelled(labels, 2, VoxelSize(1, 1, 1, "um"), Voids(voids, np.array([0, 1]), 1)), values


def _digitise() -> None:
    """A few bodies as the calibration has them."""
    from ..truth.bodies import block, ellipsoid
    from ..uncertainty.calibration.conditions import Conditions
    from ..uncertainty.calibration.ladder import Specimen
    from ..uncertainty.calibration.trials import run_trials

    cubic = (1.0, 1.0, 1.0)
    scan = Conditions(cubic, 1.0, blur=1.2, noise=0.06, noise_sigma=cubic, level_bound=0.05, local=True, by_dips=True)
    hollow = ellipsoid("hollow", 0.9, 0.8).with_voids(((0.0, 0.0, 0.0, 0.3),))
    for bodies in ([ellipsoid("ball"), block("cube")], [hollow]):
        trials = [Specimen(body, 16.0, 16.0, 0, i, (0, i)) for i, body in enumerate(bodies)]
        run_trials(trials, ("equivalent_diameter", "void_fraction"), scan, 0)
