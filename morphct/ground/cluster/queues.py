"""Workers as jobs of a cluster's queue, started by dask-jobqueue with the site's own dask configuration."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import ClusterError, MissingLibraryError

# the section `jobqueue.NAME` of the dask configuration, and the class of dask-jobqueue
QUEUES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "htcondor": "HTCondorCluster",
    "oar": "OARCluster",
    "moab": "MoabCluster",
}
LOOK_SECONDS = 1.0


@contextmanager
def started(queue: str, jobs: int) -> Iterator[Any]:
    """A scheduler in this process, and so many jobs asked of the queue; all of them gone at the end of the block.

    Raises
    ------
    MissingLibraryError
        When dask-jobqueue is not installed.
    ClusterError
        When the site's configuration says too little, or the queue's command is not there.
    """
    try:
        import dask_jobqueue
    except ImportError:
        raise MissingLibraryError(
            'run.cluster needs dask-jobqueue, which is not installed; install it with pip install "morphct[cluster]"'
        ) from None
    kind = getattr(dask_jobqueue, QUEUES[queue])
    command = kind.job_cls.submit_command.split()[0]
    if shutil.which(command) is None:
        raise ClusterError(
            f"run.cluster is {queue!r}, but its command {command} is not on this machine; start morphct where jobs are "
            "submitted from, or give the address of a running scheduler with --scheduler"
        )
    try:
        cluster = kind()
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        raise ClusterError(
            f"the dask configuration says too little of the queue {queue} ({' '.join(str(error).split())[:160]}); give "
            f"cores, memory and what the site asks for under jobqueue.{queue} in ~/.config/dask/jobqueue.yaml, see "
            "docs/cluster.md"
        ) from None
    with cluster:
        cluster.scale(jobs=jobs)
        yield cluster


def wait(client: Any, queue: str) -> None:
    """Wait until the queue has started a worker; for as long as it takes.

    Raises
    ------
    ClusterError
        When the queue refuses the job.
    """
    cluster = client.cluster
    while not client.scheduler_info(n_workers=1)["workers"]:
        failed = [w for w in cluster.workers.values() if getattr(w.status, "name", "") == "failed"]
        if failed or (cluster.worker_spec and not cluster.workers and cluster.status.name == "failed"):
            raise ClusterError(
                f'the queue {queue} has refused the job; try the script by hand (`python -c "import dask_jobqueue; '
                f'print(dask_jobqueue.{QUEUES[queue]}().job_script())"`)'
            )
        time.sleep(LOOK_SECONDS)
