"""Runs and batches on real workers: the bytes of a run on this machine, with a worker killed in the middle as well."""

import hashlib
import time
from pathlib import Path

import pytest
import workers as real_workers

from morphct.ground.errors import ClusterError
from morphct.pipeline import batch, batch_apart, inspection
from morphct.pipeline import run as pipeline
from morphct.pipeline.job import Silence
from morphct.pipeline.manifest import Sample
from morphct.pipeline.settings import Settings
from morphct.results.run_folder import RunFolder
from morphct.truth import phantom
from morphct.truth.phantom import PhantomOptions

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

SETTINGS = ["input.voxel_size=25nm", "run.slab=16", "output.tables_only=true"]


@pytest.fixture(scope="module")
def powder(tmp_path_factory):
    path = tmp_path_factory.mktemp("powder") / "powder.tif"
    phantom.write(phantom.make(PhantomOptions(depth=64, height=64, width=64, seed=5, diameter=18.0)), path)
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with real_workers.site(tmp_path_factory.mktemp("dask"), 2) as made:
        yield made


@pytest.fixture(scope="module")
def alone(powder, tmp_path_factory):
    """The run on this machine."""
    return run(powder, tmp_path_factory.mktemp("alone") / "run")


def run(path, out, *overrides, progress=None):
    return pipeline.run(path, out, settings=Settings().with_overrides([*SETTINGS, *overrides]), progress=progress)


def fingerprint(run: RunFolder) -> dict[str, str]:
    found = [p for p in sorted(run.path.rglob("*")) if p.is_file() and p.suffix != ".log"]
    found = [p for p in found if p.name not in ("run.json", "settings.toml")]
    return {str(p.relative_to(run.path)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


class Killer(Silence):
    """Kills a worker in the middle of the split."""

    def __init__(self, victim):
        self.victim, self.at = victim, ""

    def stage(self, name, total, voxels=0):
        self.at, self.left = name, total // 2

    def advance(self, n=1):
        self.left -= n
        if self.at == "split" and self.left <= 0:
            self.victim.kill()


def test_samples_one_a_worker(powder, alone, site, tmp_path):
    said = []
    told = Silence()
    told.note = said.append
    samples = [Sample("a", str(powder)), Sample("b", str(powder)), Sample("c", "absent.tif")]
    settings = Settings().with_overrides([*SETTINGS, f"run.scheduler={site.address}"])
    outcomes = batch.run_batch(samples, tmp_path, settings, pipeline, told)
    assert [o.status for o in outcomes] == ["done", "done", "failed"]
    assert "there is no file" in outcomes[2].error
    assert said[0] == "3 samples on 2 workers, one at a time on each"
    assert fingerprint(outcomes[0].run) == fingerprint(outcomes[1].run) == fingerprint(alone)
    assert {p.name for p in tmp_path.iterdir()} == {"a", "b"}


def test_few_or_large_samples_go_in_bricks_over_all_workers(powder, site):
    from morphct.ground.executors import many_machines

    errand = batch_apart.Errand(str(powder), "out", Settings().with_overrides(SETTINGS), "a", False)
    with many_machines(site.address) as cluster:
        assert batch_apart.one_each(cluster, [errand, errand])
        assert not batch_apart.one_each(cluster, [errand])
        cluster.memory = 500 << 20
        assert not batch_apart.one_each(cluster, [errand, errand])


def test_a_sample_ends_with_the_batch_that_asked_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_apart, "LOOK_SECONDS", 0.0)
    token = tmp_path / "token"
    token.touch()
    watch = batch_apart.Watch(token)
    watch.stage("split", 5)
    token.unlink()
    time.sleep(0.01)
    with pytest.raises(ClusterError, match="the batch has ended"):
        watch.advance()


def test_check_finds_the_scheduler(powder, site):
    settings = Settings().with_overrides([*SETTINGS, f"run.scheduler={site.address}"])
    assert inspection.check(powder, settings)["plan"]["workers"] == 1


def test_a_worker_killed_in_the_middle_of_a_run(powder, alone, site, tmp_path):
    killer = Killer(site.workers[0])
    made = run(powder, tmp_path / "out", f"run.scheduler={site.address}", progress=killer)
    assert site.workers[0].wait(5) is not None
    assert fingerprint(made) == fingerprint(alone)
    assert [p.name for p in Path(tmp_path).iterdir()] == ["out"]
