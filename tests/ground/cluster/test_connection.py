"""The map over real workers: order, lost workers, interrupts, and the sentence on what cannot be used."""

import contextlib
import sys
import time
from functools import partial

import far_tasks
import numpy as np
import pytest
import workers as real_workers

from morphct.ground.bricks import plan_bricks
from morphct.ground.cluster import connection
from morphct.ground.errors import ClusterError, InputError, MissingLibraryError, SettingsError
from morphct.ground.executors import many_machines
from morphct.ground.scratch import Scratch
from morphct.ground.work import Work

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with real_workers.site(tmp_path_factory.mktemp("dask"), 2) as made:
        yield made


@pytest.fixture
def cluster(site, tmp_path):
    """A map over as many workers as still live, two at least."""
    while sum(w.poll() is None for w in site.workers) < 2:
        site.workers.append(site.start_worker())
    site.wait()
    with many_machines(site.address) as made, Scratch(tmp_path, shared=True) as scratch:
        made.meet(scratch.folder, [__file__])
        yield made, scratch


def test_results_in_order_and_nothing_left(cluster):
    run_map, scratch = cluster
    assert run_map.threads == 2
    assert run_map.memory < 4 << 30
    assert not run_map.apart
    assert list(run_map(partial(far_tasks.die_once, __file__), range(20))) == [n * n for n in range(20)]
    assert [p.name for p in scratch.folder.iterdir()] == ["seen-by-all"]


def test_a_worker_killed_in_its_task_costs_that_task(cluster, tmp_path):
    run_map, _ = cluster
    found = list(run_map(partial(far_tasks.die_once, str(tmp_path / "died")), range(12)))
    assert (tmp_path / "died").exists()
    assert found == [n * n for n in range(12)]


def test_a_volume_changed_in_place_while_a_worker_is_killed(cluster, site):
    run_map, scratch = cluster
    shape = (24, 10, 8)
    volume = scratch.create("v", shape, np.uint8)
    work = Work(tuple(plan_bricks(shape, 1)), run_map, None, scratch)
    for seen in work.each(partial(far_tasks.add_one, volume)):
        if seen == 4:
            next(w for w in site.workers if w.poll() is None).kill()
    assert (volume[:] == 1).all()


def test_what_a_task_raises_comes_back_and_an_interrupt_leaves_nothing(cluster):
    run_map, scratch = cluster
    with pytest.raises(InputError, match="item 0 is damaged; copy it again"):
        list(run_map(far_tasks.refuse, range(5)))
    results = run_map(far_tasks.slow, range(100))
    next(results)
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt)
    assert [p.name for p in scratch.folder.iterdir()] == ["seen-by-all"]
    until = time.monotonic() + 20
    while run_map.client.processing() and any(run_map.client.processing().values()):
        assert time.monotonic() < until, "tasks still wait on the scheduler"
        time.sleep(0.05)


def test_as_they_end(cluster):
    run_map, _ = cluster
    assert sorted(run_map.as_they_end(partial(far_tasks.die_once, __file__), range(5))) == [
        (n, n * n) for n in range(5)
    ]


def test_a_closure_is_a_defect_that_is_told(cluster):
    with pytest.raises(TypeError, match="cannot be sent"):
        next(cluster[0](lambda item: item, [1]))


def test_a_worker_that_sees_no_folder_or_input(site, tmp_path):
    with (
        many_machines(site.address) as made,
        pytest.raises(ClusterError, match=r"tcp://127.0.0.1:\d+ cannot read .*absent.tif; put the volume"),
    ):
        made.meet(tmp_path, [tmp_path / "absent.tif"])


def test_nobody_answers(monkeypatch):
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 1)
    for address in ("tcp://127.0.0.1:1", "nonsense::"):
        with (
            pytest.raises(ClusterError, match=r"no dask scheduler answers at .*start one with `dask scheduler`"),
            many_machines(address),
        ):
            pass


def test_no_worker_no_dask_and_two_ways_at_once(monkeypatch):
    import distributed

    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None, protocol="tcp") as empty,
        pytest.raises(ClusterError, match=r"has no worker; start some with `dask worker tcp://"),
        many_machines(empty.scheduler_address),
    ):
        pass
    with pytest.raises(SettingsError, match="not both"), many_machines("tcp://a:1", "slurm"):
        pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingLibraryError, match=r'pip install "morphct\[cluster\]"'), many_machines("tcp://a:1"):
        pass


def test_the_scheduler_goes(tmp_path):
    with contextlib.ExitStack() as held:
        site = held.enter_context(real_workers.site(tmp_path, 1))
        run_map = held.enter_context(many_machines(site.address))
        (tmp_path / "run").mkdir()
        run_map.meet(tmp_path / "run")
        results = run_map(far_tasks.slow, range(50))
        next(results)
        site.stop()
        with pytest.raises(ClusterError, match=r"scheduler has gone.*--resume"):
            list(results)
