"""Workers as jobs of a cluster's queue, started by dask-jobqueue with the site's own dask configuration."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
LOOK_SECONDS, CLOSE_SECONDS = 1.0, 10


@contextmanager
def started(queue: str, jobs: int) -> Iterator[tuple[Any, list[str]]]:
    """A scheduler in this process, and so many jobs asked of the queue; all of them gone at the end of the block.

    Yields the cluster of dask-jobqueue, and a list that gets what the queue says when it refuses a job.

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
    refusals: list[str] = []

    class Job(kind.job_cls):  # type: ignore[misc, name-defined]
        """A job that tells when the queue refuses it: dask itself would wait for it without a word."""

        async def _submit_job(self, script: str) -> Any:
            try:
                return await super()._submit_job(script)
            except (RuntimeError, OSError) as error:
                refusals.append(str(error))
                raise

    try:
        cluster = kind(job_cls=Job)
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        raise ClusterError(
            f"the dask configuration says too little of the queue {queue} ({' '.join(str(error).split())[:160]}); give "
            f"cores, memory and what the site asks for under jobqueue.{queue} in ~/.config/dask/jobqueue.yaml, see "
            "docs/cluster.md"
        ) from None
    try:
        cluster.scale(jobs=jobs)
        yield cluster, refusals
    finally:
        with suppress(AssertionError, TimeoutError):  # dask trips over a job that was never started
            cluster.close(timeout=CLOSE_SECONDS)


def wait(client: Any, queue: str, refusals: list[str]) -> None:
    """Wait until the queue has started a worker; for as long as it takes.

    Raises
    ------
    ClusterError
        When the queue refuses the job.
    """
    while not client.scheduler_info(n_workers=1)["workers"]:
        if refusals:
            reason = refusals[0].partition("stderr:")[2] or refusals[0]
            raise ClusterError(
                f"the queue {queue} has refused the job ({' '.join(reason.split())[:160]}); mend its section "
                f"jobqueue.{queue} of the dask configuration, see docs/cluster.md"
            )
        time.sleep(LOOK_SECONDS)
