"""The memory plan: how large a brick is, how many are worked on at a time and what may stay in memory.

It is made from the cap and the shape; it changes time and memory, never a number.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..ground.bricks import Brick, plan_bricks
from ..ground.chunks import CHUNK_VOXELS
from ..ground.errors import MemoryCapError, SettingsError
from ..ground.units import format_bytes, parse_bytes
from .machine import free_memory, memory_limit, processors, resident

if TYPE_CHECKING:
    from ..ground.cluster.connection import Cluster
    from .settings import RunOptions


@dataclass(frozen=True)
class Demand:
    """What a stage holds while it works on a brick.

    Attributes
    ----------
    stage : str
    reach : int
        Voxels it looks beyond the brick, along z and y.
    voxel_bytes : float
        Bytes at its peak, of a voxel of the brick with what it looks at beyond.
    """

    stage: str
    reach: int
    voxel_bytes: float

    def bytes_of(self, planes: int, rows: int, shape: tuple[int, ...]) -> int:
        """Bytes for a brick of so many planes and rows of a volume of `shape` (Z,Y,X)."""
        depth, height = min(planes + 2 * self.reach, shape[0]), min(rows + 2 * self.reach, shape[1])
        return int(depth * height * shape[2] * self.voxel_bytes)


# measured as the most that was resident above the start, on bricks of 128 x 256 x 256 voxels of a noisy phantom; the
# reach of smoothing and of dips grows with noise and blur: these are those of strong ones
DEMANDS = (
    Demand("denoise", 8, 12.0),  # float greys with gaps; integers 4 to 8
    Demand("graph of basins", 4, 11.0),
    Demand("dips", 8, 11.0),
    Demand("owners of voids", 1, 14.0),
    Demand("sums", 2, 24.0),  # float greys; integers 14
)
TABLE_VOXEL_BYTES = 0.2  # of a voxel of the volume: basins, their graph, runs of voids, as they come on noisy phantoms
LIBRARY_BYTES = 350 << 20  # what drawing, tables and compiled kernels still take after the plan is made
# of the process of its own that draws the 3D pictures: 796 MiB measured with Mesa's software drawing, 46 particles
DRAWING_BYTES = 850 << 20
FIGURES_BYTES = 120 << 20  # a choice: figures raised what a small run held by 35 MiB, Matplotlib's code among them
SMALLEST_PLANES, SMALLEST_ROWS = 4, 32
USUAL_REACH = 6  # voxels, of most stages: what bricks are shaped for
# Voxels of a brick: memory of 16 MiB (int32) and less is taken from the heap again, not page by page from the system.
REUSED_VOXELS = 1 << 22
LARGEST_VOXELS = 1 << 25  # where rows are so long that small bricks would be halo for the most part
FEWEST_PLANES = 12  # of whole planes; thinner ones spend more on halos than on themselves
COMFORTABLE_PLANES = 32  # of whole planes of small volumes
BRICKS_A_WORKER = 4  # so that all workers end at about the same time
ALIGNED_PLANES, ALIGNED_ROWS, _ = CHUNK_VOXELS  # of scratch: bricks that end with them decode none twice
DEFAULT_SHARE = 0.5  # of the memory that is free at the start


@dataclass(frozen=True)
class WorkPlan:
    """Bricks, workers and budget of a run.

    Attributes
    ----------
    cap : int
        Bytes the process may take.
    workers : int
        Threads over bricks.
    planes, rows : int
        Planes of a brick, and rows of each of them.
    scratch : int
        Bytes of intermediate volumes that may stay in memory; the rest goes to files.
    shape : tuple of int
        (Z,Y,X) of the volume.
    """

    cap: int
    workers: int
    planes: int
    rows: int
    scratch: int
    shape: tuple[int, int, int]

    @property
    def under_way(self) -> int:
        """Bytes of the bricks that all workers are at, at the most demanding stage."""
        return self.workers * bytes_under_way(self.planes, self.rows, self.shape)

    @property
    def bricks(self) -> list[Brick]:
        """The bricks of the volume."""
        return plan_bricks(self.shape, self.planes, self.rows)


def plan_of(shape: tuple[int, int, int], options: "RunOptions", cluster: "Cluster | None" = None) -> WorkPlan:
    """The plan for these settings; with a cluster for the worker with the least memory, and enough bricks for all.

    Raises
    ------
    MemoryCapError
        As `plan_work`.
    """
    if cluster is None:
        return plan_work(shape, options.memory, options.workers, options.slab)
    cap = parse_bytes(options.memory) if options.memory else int(DEFAULT_SHARE * free_memory())
    least = min(cap, cluster.memory or cap)
    return plan_work(shape, f"{least >> 10}KiB", cluster.workers, options.slab, cluster.threads)


def plan_work(
    shape: tuple[int, int, int],
    memory: str | None = None,
    workers: int | None = None,
    slab: int | str = "auto",
    threads: int | None = None,
) -> WorkPlan:
    """Divide the memory cap between bricks under way and intermediate volumes.

    Parameters
    ----------
    shape : tuple of int
        (Z,Y,X) of the volume.
    memory : str, optional
        Cap such as `4GiB`; default half of what is free.
    workers : int, optional
        Threads; default all processors of the process.
    slab : int or str
        Planes of a brick, or planes and rows as `16,128`; "auto": chosen here.
    threads : int, optional
        Of all machines together, for which there must be bricks enough; default the workers.

    Raises
    ------
    MemoryCapError
        When not even small bricks of one worker fit, or the cap is above what the container allows.
    """
    cap = parse_bytes(memory) if memory else int(DEFAULT_SHARE * free_memory())
    _refuse_above_container(cap)
    workers = workers or processors()
    base = resident() + LIBRARY_BYTES + int(TABLE_VOXEL_BYTES * shape[0] * shape[1] * shape[2])
    smallest = brick_size(slab, shape) or (min(SMALLEST_PLANES, shape[0]), min(SMALLEST_ROWS, shape[1]))
    least = bytes_under_way(*smallest, shape)
    if cap < base + least:
        wanted = _rounded(base + least)
        raise MemoryCapError(
            f"the memory cap {format_bytes(cap)} is too small for bricks of {smallest[0]} x {smallest[1]} x {shape[2]} "
            f"voxels, which take {format_bytes(base + least)} with what the program holds itself; give at least "
            f"--memory {wanted}, or cut the volume with --crop"
        )
    while workers > 1 and base + 2 * workers * least > cap:
        workers -= 1
    room = (cap - base) // (2 * workers)
    planes, rows = brick_size(slab, shape) or _chosen(shape, room, max(workers, threads or 0))
    under_way = workers * bytes_under_way(planes, rows, shape)
    return WorkPlan(cap, workers, planes, rows, max(0, cap - base - under_way), shape)


def _refuse_above_container(cap: int) -> None:
    limit = memory_limit()
    if limit is not None and cap > limit:
        raise MemoryCapError(
            f"the memory cap {format_bytes(cap)} is above the {format_bytes(limit)} that this container may use; give "
            f"at most --memory {limit >> 20}MiB, or start the container with more"
        )


def bytes_under_way(planes: int, rows: int, shape: tuple[int, ...]) -> int:
    """Bytes that the most demanding stage holds while it works on one brick."""
    return max(demand.bytes_of(planes, rows, shape) for demand in DEMANDS)


def brick_size(slab: int | str, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Planes and rows that the setting `run.slab` asks for; None: "auto".

    Raises
    ------
    SettingsError
        For anything but planes, or planes and rows.
    """
    if slab == "auto":
        return None
    parts = [part.strip() for part in str(slab).split(",")]
    if not 1 <= len(parts) <= 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise SettingsError(
            f"run.slab is {slab!r}; allowed is auto, a number of planes from 1 on, or planes and rows such as 16,128"
        )
    sizes = [int(part) for part in parts]
    return min(sizes[0], shape[0]), min(sizes[1] if len(sizes) > 1 else shape[1], shape[1])


def _chosen(shape: tuple[int, int, int], room: int, workers: int) -> tuple[int, int]:
    """Planes and rows of a brick: as little halo as fits, in few enough voxels to keep every worker busy."""
    depth, height, width = shape
    voxels = max(1, -(-depth * height * width // (BRICKS_A_WORKER * workers)))
    fitting = [s for s in _sizes(shape) if bytes_under_way(*s, shape) <= room]
    if not fitting:
        return min(SMALLEST_PLANES, depth), min(SMALLEST_ROWS, height)
    thickest = max(COMFORTABLE_PLANES, -(-depth // (BRICKS_A_WORKER * workers)))
    whole = [p for p, r in fitting if r == height and p * r * width <= REUSED_VOXELS and p <= thickest]
    if whole and max(whole) >= min(FEWEST_PLANES, depth):
        return max(whole), height
    good = [(p, r) for p, r in fitting if p * r * width <= min(voxels, LARGEST_VOXELS)]
    return max(good or fitting[:1], key=lambda size: _useful_share(size[0], size[1], shape))


def _sizes(shape: tuple[int, int, int]) -> list[tuple[int, int]]:
    """Sizes to choose from, small ones first: chunks of scratch are not cut where bricks are thick enough."""
    depth, height, _ = shape
    planes = {min(n, depth) for n in (4, 8, 12, *range(ALIGNED_PLANES, 257, ALIGNED_PLANES))}
    rows = {min(n, height) for n in range(ALIGNED_ROWS, 1025, ALIGNED_ROWS)} | {height}
    return sorted(((p, r) for p in planes for r in rows), key=lambda size: size[0] * size[1])


def _useful_share(planes: int, rows: int, shape: tuple[int, ...]) -> float:
    """Share of the voxels worked on that are a brick's own, times that of the voxels decoded: chunks come whole."""
    share = 1.0
    for planes_more, rows_more in ((USUAL_REACH, USUAL_REACH), (ALIGNED_PLANES, ALIGNED_ROWS)):
        outer = min(planes + 2 * planes_more, shape[0]) * min(rows + 2 * rows_more, shape[1])
        share *= planes * rows / outer
    return share


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


def describe(plan: WorkPlan) -> dict[str, Any]:
    """The plan in plain values, for `inspect`, `check` and the log."""
    return {
        "memory_cap_bytes": plan.cap,
        "workers": plan.workers,
        "brick_planes": plan.planes,
        "brick_rows": plan.rows,
        "bricks": len(plan.bricks),
        "in_memory_bytes": plan.scratch,
    }
