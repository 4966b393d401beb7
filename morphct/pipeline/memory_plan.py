"""The memory plan: how many planes a slab has and what may stay in memory, from the cap and the shape.

The plan changes time and memory, never a number.
"""

from dataclasses import dataclass
from typing import Any

from ..ground.errors import MemoryCapError
from ..ground.slabs import Slab, plan_slabs
from ..ground.units import format_bytes, parse_bytes

WORK_VOXEL_BYTES = 40  # of a slab with its halo at the most demanding stage (dips: see voids)
HALO_PLANES = 10  # halo on either side at that stage
LIBRARY_BYTES = 350 << 20  # what drawing, tables and compiled kernels still take after the plan is made
# of the process of its own that draws the 3D pictures: 796 MiB measured with Mesa's software drawing, 46 particles
DRAWING_BYTES = 850 << 20
FIGURES_BYTES = 120 << 20  # of this process while it draws figures: 85 MiB measured, Matplotlib's code among them
SMALLEST_SLAB = 4
COMFORTABLE_SLAB = 32  # thinner slabs spend more on halos than on themselves
REUSED = (
    16 << 20
)  # bytes of an int32 array: what is below is taken from the heap again, not page by page from the system
FEWEST_REUSED = 12  # planes from which thin slabs pay; larger planes are new pages anyhow
DEFAULT_SHARE = 0.5  # of the memory that is free at the start


@dataclass(frozen=True)
class WorkPlan:
    """Slabs, workers and budget of a run.

    Attributes
    ----------
    cap : int
        Bytes the process may take.
    workers : int
        Threads over slabs.
    planes : int
        Planes of a slab.
    scratch : int
        Bytes of intermediate volumes that may stay in memory; the rest goes to files in the output folder.
    """

    cap: int
    workers: int
    planes: int
    scratch: int
    depth: int

    @property
    def slabs(self) -> list[Slab]:
        """The slabs of the volume."""
        return plan_slabs(self.depth, self.planes)


def free_memory() -> int:
    """Bytes the machine can give now."""
    import psutil

    return int(psutil.virtual_memory().available)


def resident() -> int:
    """Bytes this process holds now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def machine_workers() -> int:
    """Processors this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def plan_work(
    shape: tuple[int, int, int], memory: str | None = None, workers: int | None = None, slab: int | str = "auto"
) -> WorkPlan:
    """Divide the memory cap between slabs under way and intermediate volumes.

    Parameters
    ----------
    shape : tuple of int
        (Z,Y,X) of the volume.
    memory : str, optional
        Cap such as `4GiB`; default half of what is free.
    workers : int, optional
        Threads; default all processors of the process.
    slab : int or "auto"
        Planes of a slab.

    Raises
    ------
    MemoryCapError
        When not even thin slabs of one worker fit.
    """
    cap = parse_bytes(memory) if memory else int(DEFAULT_SHARE * free_memory())
    workers = workers or machine_workers()
    plane = shape[1] * shape[2] * WORK_VOXEL_BYTES
    smallest = min(SMALLEST_SLAB, shape[0]) if slab == "auto" else int(slab)
    base = resident() + LIBRARY_BYTES
    while workers > 1 and base + 2 * workers * (smallest + 2 * HALO_PLANES) * plane > cap:
        workers -= 1
    least = base + 2 * (min(smallest + 2 * HALO_PLANES, shape[0])) * plane
    if cap < least:
        raise MemoryCapError(
            f"the memory cap {format_bytes(cap)} is too small for planes of {shape[1]} x {shape[2]} voxels, which take "
            f"{format_bytes(least)}; give at least --memory {_rounded(least)}, or cut the volume with --crop"
        )
    free = cap - base
    if slab == "auto":
        most = int(0.5 * free / (workers * plane)) - 2 * HALO_PLANES
        # no thicker than needed to keep all workers busy a few times
        wanted = max(COMFORTABLE_SLAB, -(-shape[0] // (4 * workers)))
        reused = REUSED // (4 * shape[1] * shape[2])
        wanted = min(wanted, reused) if reused >= FEWEST_REUSED else wanted
        planes = max(smallest, min(most, wanted, shape[0]))
    else:
        planes = min(int(slab), shape[0])
    under_way = workers * min(planes + 2 * HALO_PLANES, shape[0]) * plane
    return WorkPlan(cap, workers, planes, max(0, free - under_way), shape[0])


def why_no_room_to_draw(plan: WorkPlan, meanwhile: int = 0) -> str:
    """The sentence on a cap that has no room for the process that draws beside this one; "" where it has.

    meanwhile : bytes that this one will take in addition while the other draws.
    """
    held = resident() + meanwhile
    if held + DRAWING_BYTES <= plan.cap:
        return ""
    return (
        f"no 3D pictures: the process that draws takes about {format_bytes(DRAWING_BYTES)} beside the "
        f"{format_bytes(held)} held here, above the memory cap {format_bytes(plan.cap)}; draw them afterwards with "
        "`morphct render` on the run folder"
    )


def _rounded(count: int) -> str:
    return f"{-(-count // (100 << 20)) * 100}MiB"


def describe(plan: WorkPlan, shape: tuple[int, int, int]) -> dict[str, Any]:
    """The plan in plain values, for `inspect`, `check` and the log."""
    return {
        "memory_cap_bytes": plan.cap,
        "workers": plan.workers,
        "slab_planes": plan.planes,
        "slabs": len(plan.slabs),
        "in_memory_bytes": plan.scratch,
        # codes, mask, distances, labels and void ids at the stage that holds most of them
        "intermediate_bytes": 13 * shape[0] * shape[1] * shape[2],
    }
