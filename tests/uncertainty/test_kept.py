"""Bodies measured before are taken from the user's cache: same bytes, and whatever is wrong there counts as nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest

from morphct.ground import user_cache
from morphct.uncertainty.calibration import CalibrateOptions, Conditions, PopulationSeen, calibrate, kept, trials

CUBIC = (1.0, 1.0, 1.0)
LABELS = Conditions(CUBIC, 1.0)
GREY = Conditions(CUBIC, 1.0, blur=1.2, noise=0.06, noise_sigma=CUBIC, level_bound=0.05, local=True, by_dips=True)
QUICK = CalibrateOptions()
FEW = ("size", "ellipsoid", "surface_area", "sphericity_wadell")
RATIOS = np.linspace((0.95, 0.9), (0.6, 0.5), 40)
SEEN = PopulationSeen(np.geomspace(8.0, 14.0, 40), RATIOS, np.linspace(3.0, 5.0, 20), 2.0)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(user_cache.PLACE, str(tmp_path / "cache"))
    return tmp_path / "cache" / kept.PLACE


@pytest.fixture
def measured(monkeypatch):
    """How many batches were measured."""
    count = []
    own = trials._measured

    def counted(*arguments):
        count.append(1)
        return own(*arguments)

    monkeypatch.setattr(trials, "_measured", counted)
    return count


def made(scan=GREY, options=QUICK, seed=5, names=FEW) -> bytes:
    """All that follows from a calibration."""
    found = calibrate(SEEN, scan, options, names, seed)
    models = b"".join(model.scaled.tobytes() + model.factor.tobytes() for model in found.models.values())
    return found.table().to_csv().encode() + models + json.dumps(found.to_mapping() | {"limits": found.limits}).encode()


@pytest.mark.parametrize("scan", [LABELS, GREY], ids=["labels", "grey"])
def test_same_bytes_with_and_without_what_was_kept(place, measured, scan):
    plain = made(scan, replace(QUICK, cache=False))
    assert not place.exists()
    batches = len(measured)
    assert batches
    assert made(scan) == plain
    assert len(measured) == 2 * batches
    assert made(scan) == plain
    assert len(measured) == 2 * batches
    assert len(list(place.iterdir())) == batches


def test_other_conditions_columns_and_seeds_are_measured(place, measured):
    first = made()
    for other in ({"scan": replace(GREY, noise=0.061)}, {"seed": 6}):
        before = len(measured)
        assert made(**other) != first
        assert len(measured) > before
    before = len(measured)
    made(names=("size",))
    assert len(measured) > before


def test_other_code_measures_again(place, measured, monkeypatch):
    first = made()
    batches = len(measured)
    monkeypatch.setattr(kept, "stamp", lambda: "other sources")
    assert made() == first
    assert len(measured) == 2 * batches


def test_the_stamp_is_of_sources_libraries_and_processor(monkeypatch):
    first = kept.stamp.__wrapped__()
    assert first == kept.stamp()
    with monkeypatch.context() as changed:
        changed.setattr(kept, "version", lambda name: "0.0")
        assert kept.stamp.__wrapped__() != first
    with monkeypatch.context() as changed:
        changed.setattr(kept, "processor", lambda: "another")
        assert kept.stamp.__wrapped__() != first
    monkeypatch.setattr(kept, "_SOURCES", kept._SOURCES[1:])
    assert kept.stamp.__wrapped__() != first


def test_damaged_files_are_made_anew(place, measured):
    first = made()
    batches = len(measured)
    files = sorted(place.iterdir())
    files[0].write_bytes(b"")
    files[1].write_bytes(files[1].read_bytes()[:-3])
    files[2].write_bytes(files[3].read_bytes()[:40] + b"0" * 60)
    assert made() == first
    assert len(measured) == batches + 3
    assert made() == first
    assert len(measured) == batches + 3


def test_nothing_is_kept_when_the_user_wants_none(measured, monkeypatch):
    monkeypatch.setenv(user_cache.PLACE, "")
    first = made()
    batches = len(measured)
    assert made() == first
    assert len(measured) == 2 * batches


def test_a_calibration_does_not_say_where_it_is_from():
    assert "cache" not in calibrate(SEEN, LABELS, QUICK, FEW, 1).to_mapping()
