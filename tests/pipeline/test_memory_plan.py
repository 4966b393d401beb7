"""Bricks and budgets: whatever the shape, what is planned fits the cap; a container's limits count."""

import numpy as np
import pytest

from morphct.ground.errors import MemoryCapError, SettingsError
from morphct.pipeline import machine, memory_plan
from morphct.pipeline.memory_plan import brick_size, bytes_under_way, plan_work

GIB = 1 << 30
SHAPES = [(960, 2560, 2560), (20, 8000, 8000), (4000, 60, 60), (1, 5000, 5000), (160, 160, 160), (3, 3, 3)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cap", ["2GiB", "6GiB", "64GiB"])
def test_bricks_under_way_and_scratch_together_keep_the_cap(shape, cap, monkeypatch):
    monkeypatch.setattr(memory_plan, "resident", lambda: 200 << 20)
    plan = plan_work(shape, cap, 2)
    held = plan.workers * bytes_under_way(plan.planes, plan.rows, shape)
    assert held + plan.scratch + (200 << 20) + memory_plan.LIBRARY_BYTES <= plan.cap
    assert sum(brick.depth * brick.height for brick in plan.bricks) == shape[0] * shape[1]
    assert plan.scratch > 0


def test_small_volumes_go_by_whole_planes_that_keep_two_workers_busy():
    plan = plan_work((160, 160, 160), "4GiB", 2)
    assert (plan.planes, plan.rows) == (32, 160)
    plan = plan_work((512, 512, 512), "4GiB", 2)
    assert (plan.planes, plan.rows) == (16, 512)


def test_a_cap_below_one_brick_is_told_with_what_it_takes():
    with pytest.raises(
        MemoryCapError, match=r"the memory cap .* is too small .* give at least --memory \d+MiB"
    ) as told:
        plan_work((960, 2560, 2560), "100MiB")
    wanted = str(told.value).split("--memory ")[1].split(",")[0]
    assert plan_work((960, 2560, 2560), wanted, 2).workers >= 1


@pytest.mark.parametrize(
    ("slab", "size"), [("auto", None), (7, (7, 90)), ("7", (7, 90)), ("16,32", (16, 32)), ("400, 1000", (50, 90))]
)
def test_planes_and_rows_of_a_brick_as_settings_give_them(slab, size):
    assert brick_size(slab, (50, 90, 10)) == size


@pytest.mark.parametrize("slab", ["0", "a", "1,2,3", "4,0", "-3", ""])
def test_other_sizes_are_refused_in_a_sentence(slab):
    with pytest.raises(SettingsError, match="allowed is auto"):
        brick_size(slab, (50, 90, 10))


def container(folder, monkeypatch, files, line="0::/pod/inner\n"):
    """A machine whose control groups hold these files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "membership").write_text(line)
    monkeypatch.setattr(machine, "CONTROL_GROUPS", folder)
    monkeypatch.setattr(machine, "MEMBERSHIP", folder / "membership")


def test_a_containers_memory_limit_counts_and_file_pages_are_free(tmp_path, monkeypatch):
    files = {
        "pod/memory.max": "1073741824\n",
        "pod/memory.current": "536870912\n",
        "pod/memory.stat": "anon 1\ninactive_file 268435456\n",
        "pod/inner/memory.max": "max\n",
    }
    container(tmp_path, monkeypatch, files)
    assert machine.memory_limit() == GIB
    assert machine.free_memory() == GIB - GIB // 4
    with pytest.raises(MemoryCapError, match=r"above the 1\.\d* ?GiB that this container may use|above the 1 GiB"):
        plan_work((8, 8, 8), "2GiB")


def test_groups_of_the_first_version_and_no_limit(tmp_path, monkeypatch):
    line = "5:cpu,cpuacct:/box\n4:memory:/box\n0::/\n"
    files = {
        "memory/box/memory.limit_in_bytes": "2147483648\n",
        "memory/box/memory.usage_in_bytes": "1\n",
        "cpu/box/cpu.cfs_quota_us": "150000\n",
        "cpu/box/cpu.cfs_period_us": "100000\n",
    }
    container(tmp_path, monkeypatch, files, line)
    assert machine.memory_limit() == 2 * GIB
    assert machine.processors() <= 2
    container(tmp_path / "free", monkeypatch, {"memory/box/memory.limit_in_bytes": f"{2**63 - 4096}\n"}, line)
    assert machine.memory_limit() is None


def test_a_containers_share_of_processors_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    container(tmp_path, monkeypatch, {"pod/cpu.max": "250000 100000\n", "cpu.max": "max 100000\n"})
    assert machine.processors() == 3


def test_without_control_groups_the_machine_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "MEMBERSHIP", tmp_path / "none")
    assert machine.memory_limit() is None
    assert machine.free_memory() > 0
    assert machine.processors() >= 1


def test_room_on_a_disk_is_asked_of_the_nearest_folder(tmp_path):
    assert np.isclose(machine.free_disk(tmp_path / "not" / "yet"), machine.free_disk(tmp_path), rtol=0.2)
