"""The small cut that `inspect` shows."""

import numpy as np
import pytest

from morphct.cli import main
from morphct.segment.grey.denoise import DenoiseOptions, plan
from morphct.segment.mask import phase_cut


def scan(shape=(40, 90, 100), seed=3):
    rng = np.random.default_rng(seed)
    z, y, x = np.indices(shape)
    solid = ((z - 20) ** 2 + (y - 40) ** 2 + (x - 50) ** 2) < 18**2
    return np.rint(np.where(solid, 200, 100) + rng.normal(0, 6, shape)).astype(np.uint16), solid


def test_cells_are_the_phases_of_the_middle_plane():
    grey, solid = scan()
    cut = phase_cut.of_grey(grey, plan(grey, None, DenoiseOptions()))
    assert (cut.plane, cut.start, cut.step) == (20, (0, 0), 2)
    assert (cut.cells == solid[20, 1::2, 1::2]).mean() > 0.99
    assert phase_cut.of_grey(np.rint(np.random.default_rng(1).normal(100, 6, (40, 60, 60))), _one_phase()) is None


def _one_phase():
    return plan(np.random.default_rng(1).normal(100, 6, (40, 60, 60)).astype(np.float32), None, DenoiseOptions())


def test_large_planes_show_their_middle():
    grey, _ = scan((8, 700, 500))
    grey[4, 254:446, 154:346] = 200
    cut = phase_cut.of_values(grey, np.unique(grey))
    assert cut.start == (254, 154)
    assert cut.cells.shape == (64, 64)
    assert (cut.cells == list(np.unique(grey)).index(200)).all()


def test_values_that_are_not_known_are_outside():
    grey = np.full((3, 4, 5), 7, np.uint8)
    grey[1, 0, 0] = 9
    cells = phase_cut.of_values(grey, [3, 7]).cells
    assert cells[0, 0] == phase_cut.OUTSIDE
    assert (np.delete(cells.ravel(), 0) == 1).all()


@pytest.mark.parametrize("what", ["grey", "values"])
def test_inspect_draws_it(tmp_path, capsys, what):
    grey, solid = scan()
    path = tmp_path / "scan.npy"
    np.save(path, grey if what == "grey" else solid.astype(np.uint8))
    assert main(["inspect", str(path), "--voxel-size", "1px"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (first,) = [i for i, line in enumerate(lines) if line.startswith("cut ")]
    drawn = [line[12:] for line in lines[first + 1 : first + 24]]
    assert drawn[10][25] == "."  # in the body
    assert drawn[1][:10].strip() == ""
    assert any(("particle" if what == "grey" else "' ' 0") in line for line in lines)
