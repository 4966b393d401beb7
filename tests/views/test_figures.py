"""Figures: each drawn, the same bytes twice, nothing drawn from nothing; slices collected in any cut."""

import io
from types import SimpleNamespace

import fake_run
import numpy as np
import pandas as pd
import pytest

from morphct.ground.bricks import plan_bricks
from morphct.ground.units import VoxelSize
from morphct.results.run_folder import RunFolder
from morphct.views import figures
from morphct.views.figures.grey import MidPlanes, round_length
from morphct.views.figures.mid_planes import MidPlaneRecorder
from morphct.views.figures.style import three_digits


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("figures") / "run"
    fake = fake_run.write(out, n=30)
    return RunFolder(out), fake


def pixels(content: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize("entry", figures.FIGURES, ids=lambda e: e.name)
def test_each_figure_is_drawn_and_repeats_to_the_byte(made, entry):
    run, _ = made
    assert entry.draw(run) is not None, "the run folder of tests/fake_run.py has nothing to show in it: give it some"
    contents = [figures.png(entry.draw(run)) for _ in range(2)]
    assert contents[0] == contents[1]
    image = pixels(contents[0])
    assert image.shape[1] >= 4 * figures.DPI  # inches: below, the page would show its letters larger than its text
    assert entry.section in {"particles", "grey", "trust"}
    assert (image < 200).any(-1).mean() > 0.005
    if entry.vector:
        texts = [figures.svg(entry.draw(run)) for _ in range(2)]
        assert texts[0] == texts[1]
        assert "<svg" in texts[0]
    assert entry.title
    assert entry.caption.endswith(".")


def test_names_are_single():
    names = [e.name for e in figures.FIGURES]
    assert len(names) == len(set(names))


def test_figures_print_readable_in_grey(made):
    """Classes must differ in lightness, not only in hue."""
    shades = []
    for colour in figures.CLASS_COLOURS.values():
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        shades.append(0.299 * red + 0.587 * green + 0.114 * blue)
    assert np.diff(sorted(shades)).min() > 35


def test_matplotlib_of_the_caller_is_left_alone(made):
    import matplotlib

    before = dict(matplotlib.rcParams)
    figures.png(figures.FIGURES[0].draw(made[0]))
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_particles(tmp_path, n):
    fake_run.write(tmp_path / "run", n=n, seed=4)
    run = RunFolder(tmp_path / "run")
    drawn = [entry.name for entry in figures.FIGURES if entry.draw(run) is not None]
    assert {"histogram", "slices"} <= set(drawn)
    if len(run.particles) == 0:
        assert not {"sizes", "ellipticity", "zingg", "sphericity", "voids"} & set(drawn)


def test_equal_particles_and_missing_columns():
    table = pd.DataFrame({"equivalent_diameter_um": [1.0] * 5, "touches_border": [False] * 5})
    run = SimpleNamespace(
        particles=table,
        voids=pd.DataFrame(),
        unit="um",
        name="x",
        histogram=None,
        threshold={},
        void_labels=None,
        channels=None,
        calibration=None,
        calibrated={},
        provenance={},
    )
    drawn = {e.name for e in figures.FIGURES if e.name != "slices" and e.draw(run) is not None}
    assert "sizes" in drawn
    assert not drawn & {"ellipticity", "zingg", "sphericity", "voids", "channels", "trust", "histogram"}
    figures.png(figures.FIGURES[0].draw(run))


def test_missing_values_and_pixels(tmp_path):
    fake_run.write(tmp_path / "run", n=25, size=VoxelSize(1, 1, 1, "px"))
    run = RunFolder(tmp_path / "run")
    run.particles.loc[run.particles.index[:3], ["sphericity", "equivalent_diameter_px"]] = np.nan
    run.particles.loc[run.particles.index[3], "sphericity_wadell"] = np.inf
    for figure in filter(None, (entry.draw(run) for entry in figures.FIGURES)):
        figures.png(figure)


@pytest.mark.parametrize(("planes", "rows"), [(72, None), (1, None), (40, 27), (36, 1), (5, 6)])
def test_mid_planes_do_not_depend_on_the_bricks(made, planes, rows):
    fake = made[1]
    recorder = MidPlaneRecorder(fake.grey)
    held = recorder.middle
    assert not held.complete
    for brick in plan_bricks(fake.grey.shape, planes, rows)[::-1]:
        recorder[brick.widened((1, 1), fake.grey.shape).here if brick.index % 2 else brick.here]
    assert held.complete
    middle = [n // 2 for n in fake.grey.shape]
    expected = (fake.grey[middle[0]], fake.grey[:, middle[1]], fake.grey[:, :, middle[2]])
    for found, wanted in zip(held.planes(), expected):
        np.testing.assert_array_equal(found, wanted)


def test_mid_planes_of_a_large_volume_are_thinned():
    held = MidPlanes((3, 2500, 30))
    assert held.step == (1, 3, 1)
    held.take(0, np.arange(3 * 2500 * 30, dtype=np.int32).reshape(3, 2500, 30))
    assert [p.shape for p in held.planes()] == [(834, 30), (3, 30), (3, 834)]


def test_slices_over_grey(made):
    run, fake = made
    drawn = pixels(figures.png(figures.slices(run, MidPlanes.of(fake.grey))))
    alone = pixels(figures.png(figures.slices(run)))
    assert drawn.shape == alone.shape
    assert (np.ptp(drawn.astype(int), axis=-1) > 60).mean() > 0.005  # outlines are coloured


@pytest.mark.parametrize(
    ("value", "text"), [(0.12, "0.120"), (12.34, "12.3"), (4560, "4560"), (0.9996, "1.00"), (0, "0"), (99.96, "100")]
)
def test_three_digits(value, text):
    assert three_digits(value) == text


@pytest.mark.parametrize(("length", "expected"), [(0.27, 0.2), (5.0, 5.0), (4.99, 2.0), (130, 100), (0.099, 0.05)])
def test_round_length(length, expected):
    assert round_length(length) == expected


def test_overlaid_samples(made):
    run = made[0]
    together = [entry for entry in figures.FIGURES if entry.of_batch is not None]
    assert together
    for entry in together:
        assert figures.png(entry.of_batch([run, run], ["#0b6e8a", "#c4581a"]))
        assert entry.of_batch([], []) is None
        assert entry.of_batch_caption.endswith(".")
