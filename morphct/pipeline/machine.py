"""What this machine gives a run: memory, processors and room on disk, as far as a container lets it."""

import os
import shutil
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def free_memory() -> int:
    """Bytes the machine can give now: what is available, or what the container's limit leaves when that is less."""
    import psutil

    available = int(psutil.virtual_memory().available)
    limits = [limit - used for limit, used in _memory_limits()]
    return max(0, min([available, *limits]))


def memory_limit() -> int | None:
    """The least memory limit of the containers (control groups) this process is in, bytes; None: no limit."""
    return min((limit for limit, _ in _memory_limits()), default=None)


def resident() -> int:
    """Bytes this process holds now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def processors() -> int:
    """Processors this process may use: its affinity, or the container's share of time when that is less."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([affinity, *_processor_limits()]))


def free_disk(folder: Path | str) -> int:
    """Bytes free where `folder` is, or will be made."""
    return shutil.disk_usage(_nearest(folder)).free


def same_disk(one: Path | str, other: Path | str) -> bool:
    """Whether two folders, which need not exist yet, lie on one disk."""
    return _nearest(one).stat().st_dev == _nearest(other).stat().st_dev


def _nearest(folder: Path | str) -> Path:
    """The folder, or the nearest one above it that exists."""
    place = Path(folder).absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def _groups(controller: str) -> list[Path]:
    """Folders of the control groups this process is in, from its own up to the root."""
    try:
        lines = MEMBERSHIP.read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue  # of the first version, for another controller
        root = CONTROL_GROUPS / controller if controllers else CONTROL_GROUPS
        inner = [p for p in path.split("/") if p and p != ".."]
        # inside a container its own group is often mounted as the root
        return [root.joinpath(*inner[:n]) for n in range(len(inner), -1, -1)]
    return []


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().split()[0]
    except (OSError, IndexError):
        return None
    return int(text) if text.isdigit() else None  # "max": no limit


def _memory_limits() -> list[tuple[int, int]]:
    """(limit, used) of every group with a limit; what the page cache holds of files counts as free."""
    found = []
    for group in _groups("memory"):
        limit = _number(group / "memory.max") or _number(group / "memory.limit_in_bytes")
        if limit is None or limit >= 1 << 60:  # the first version writes a huge number for none
            continue
        used = _number(group / "memory.current") or _number(group / "memory.usage_in_bytes") or 0
        found.append((limit, max(0, used - _file_pages(group))))
    return found


def _file_pages(group: Path) -> int:
    try:
        lines = (group / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.split()[0] in ("inactive_file", "total_inactive_file"))


def _processor_limits() -> list[int]:
    found = []
    for group in _groups("cpu"):
        try:
            quota, period = (group / "cpu.max").read_text().split()
        except (OSError, ValueError):
            quota, period = str(_number(group / "cpu.cfs_quota_us")), str(_number(group / "cpu.cfs_period_us"))
        if quota.isdigit() and period.isdigit() and int(period):
            found.append(max(1, -(-int(quota) // int(period))))
    return found
