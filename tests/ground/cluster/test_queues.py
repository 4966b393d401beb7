"""Jobs of a queue as workers, with a stand-in for Slurm that runs the job script on this machine."""

import os
import sys
import time
from functools import partial
from pathlib import Path

import far_tasks
import pytest

from morphct.ground.errors import ClusterError, MissingLibraryError
from morphct.ground.executors import many_machines

pytest.importorskip("dask_jobqueue")

SBATCH = """#!/bin/sh
for script; do :; done
cp "$script" "{folder}/job"
setsid sh "{folder}/job" >/dev/null 2>&1 &
echo $! >> "{folder}/started"
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
echo "$1" >> "{folder}/cancelled"
kill -- "-$1"
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    for name, script in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        command = tmp_path / name
        command.write_text(script.format(folder=tmp_path))
        command.chmod(0o755)
    tests = Path(__file__).parents[2]
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{tests.parent}{os.pathsep}{tests}")
    return tmp_path


def test_jobs_of_slurm_do_the_work(slurm):
    import dask

    site = {"cores": 1, "processes": 1, "memory": "2GiB", "interface": "lo", "local-directory": str(slurm)}
    with (
        dask.config.set({f"jobqueue.slurm.{k}": v for k, v in site.items()}),
        many_machines(None, "slurm", 1) as cluster,
    ):
        folder = slurm / "run"
        folder.mkdir()
        cluster.meet(folder)
        assert list(cluster(partial(far_tasks.die_once, __file__), range(5))) == [0, 1, 4, 9, 16]
    started = (slurm / "started").read_text().split()
    assert (slurm / "cancelled").read_text().split() == started
    until = time.monotonic() + 20
    while any(Path("/proc", job).exists() and " Z " not in Path("/proc", job, "stat").read_text() for job in started):
        assert time.monotonic() < until, "a job is left"
        time.sleep(0.1)


def test_a_queue_that_cannot_be_used(slurm, monkeypatch):
    with (
        pytest.raises(ClusterError, match=r"says too little of the queue slurm .*jobqueue\.slurm in"),
        many_machines(None, "slurm"),
    ):
        pass
    with (
        pytest.raises(ClusterError, match=r"'pbs', but its command qsub is not on this machine"),
        many_machines(None, "pbs"),
    ):
        pass
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(MissingLibraryError, match=r'pip install "morphct\[cluster\]"'), many_machines(None, "slurm"):
        pass


def test_a_queue_that_refuses_the_job(slurm):
    import dask

    (slurm / "sbatch").write_text("#!/bin/sh\necho 'invalid account' >&2\nexit 1\n")
    site = {"cores": 1, "memory": "2GiB", "interface": "lo"}
    with dask.config.set({f"jobqueue.slurm.{k}": v for k, v in site.items()}):
        queued = many_machines(None, "slurm")
        with pytest.raises(ClusterError, match=r"queue slurm has refused the job.*invalid account"):
            queued.__enter__()
