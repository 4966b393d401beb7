"""Meshes with known areas and volumes, pictures that show something, machines that cannot draw."""

import errno
import io
import os
import subprocess
import sys

import fake_run
import numpy as np
import pytest

from morphct.ground.errors import InputError, MissingLibraryError, OutputError
from morphct.results.run_folder import FileWriter, RunFolder
from morphct.views import render
from morphct.views.scene import display, meshes

pyvista = pytest.importorskip("pyvista")
CANNOT_DRAW = display.why_no_pictures()
SMALL = (320, 260)
draws = pytest.mark.skipif(bool(CANNOT_DRAW), reason=CANNOT_DRAW)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("render") / "run"
    fake_run.write(out, n=30, seed=1)
    return RunFolder(out)


def ball(radius: float, n: int = 40, label: int = 1) -> np.ndarray:
    grid = np.indices((n, n, n)) - (n - 1) / 2
    return np.where((grid**2).sum(0) <= radius**2, label, 0)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 1.0, 0.5)])
def test_a_ball_is_a_closed_surface_of_its_size(spacing):
    mesh = meshes.surface(ball(15, label=7), spacing, (0.0, 0.0, 0.0))
    assert mesh.n_open_edges == 0
    scale = float(np.prod(spacing))
    assert mesh.triangulate().volume == pytest.approx(4 / 3 * np.pi * 15**3 * scale, rel=0.03)
    middle = 19.5 * np.array(spacing[::-1])
    np.testing.assert_allclose(mesh.center, middle, atol=0.05)
    assert set(mesh.cell_data["label"]) == {7}
    assert set(mesh.cell_data["neighbour"]) == {0}


def test_a_body_at_the_border_is_closed():
    mesh = meshes.surface(np.ones((6, 7, 8), np.uint16), (1, 1, 1), (0, 0, 0))
    assert mesh.n_open_edges == 0


def test_a_wall_between_two_particles_is_one_cell_with_both_labels():
    labels = np.zeros((8, 8, 12), np.uint32)
    labels[2:6, 2:6, 2:6], labels[2:6, 2:6, 6:10] = 300_000, 5
    mesh = meshes.surface(labels, (1, 1, 1), (0, 0, 0))
    wall = (mesh.cell_data["label"] == 5) & (mesh.cell_data["neighbour"] == 300_000)
    assert 9 <= wall.sum() <= 25
    assert set(mesh.cell_data["label"]) == {5, 300_000}


@pytest.mark.parametrize("top", [9, 1 << 40])
def test_any_labels_are_meshed(top):
    labels = ball(5, 16).astype(np.int64) * top
    mesh = meshes.surface(labels, (1, 1, 1), (0, 0, 0))
    assert set(mesh.cell_data["label"]) == {top}
    assert meshes.surface(np.zeros((3, 3, 3), np.int32), (1, 1, 1), (0, 0, 0)).n_cells == 0


@pytest.mark.parametrize("step", [(1, 1, 1), (2, 3, 4), (5, 2, 1), (17, 40, 9)])
def test_thinned_reads_the_middle_of_each_cell(step):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 9, (37, 300, 20))
    expected = labels[step[0] // 2 :: step[0], step[1] // 2 :: step[1], step[2] // 2 :: step[2]]
    np.testing.assert_array_equal(meshes.thinned(labels, step), expected)


def test_the_mesh_keeps_its_limits():
    assert meshes.coarse_step((100, 100, 100), (1, 1, 1), 1e4) == (1, 1, 1)
    assert meshes.coarse_step((100, 100, 100), (3, 1, 1), 1e4) == (1, 1, 1)
    z, y, x = meshes.coarse_step((960, 2560, 2560), (0.025, 0.025, 0.025), 70_000)
    assert z == y == x
    assert 960 * 2560 * 2560 / (z * y * x) <= meshes.MOST_VOXELS
    assert 1.5 * 70_000 / (0.025 * x) ** 2 <= meshes.MOST_FACES
    assert meshes.coarse_step((100, 100, 100), (3, 1, 1), 1e4, voxels=40_000) == (2, 5, 5)


def test_a_particle_in_detail_lies_where_it_is(run):
    label = int(run.voids["label"].iloc[0])
    solid, holes = meshes.particle(run, label)
    row = run.particles.loc[label]
    for low, high, axis in zip(solid.bounds[::2], solid.bounds[1::2], "xyz"):
        spacing = run.voxel_size.spacing["zyx".index(axis)]
        assert low == pytest.approx((row[f"bbox_{axis}0"] - 0.5) * spacing, abs=0.6 * spacing)
        assert high == pytest.approx((row[f"bbox_{axis}1"] - 0.5) * spacing, abs=0.6 * spacing)
    assert solid.n_open_edges == 0
    assert solid.triangulate().volume == pytest.approx(row["volume_um3"], rel=0.12)  # smoothed
    assert set(holes.cell_data["label"]) == set(run.voids.index[run.voids["label"] == label])


def test_an_unknown_particle_is_told(run):
    with pytest.raises(InputError, match="labels are between"):
        render.render(run, particle=123456)


def test_the_mesh_file_reads_back_and_repeats(run):
    names = render.write_meshes(run)
    assert names == ["meshes/particles.vtp", "meshes/voids.vtp"]
    first = (run.path / names[0]).read_bytes()
    render.write_meshes(run)
    assert (run.path / names[0]).read_bytes() == first
    mesh = pyvista.read(run.path / names[0])
    assert set(np.unique(mesh.cell_data["label"])) <= set(run.particles.index)
    one = mesh.cell_data["label"] == run.particles.index[0]
    diameter = run.particles["equivalent_diameter_um"].iloc[0]
    np.testing.assert_allclose(mesh.cell_data["equivalent_diameter_um"][one], diameter, rtol=1e-6)


def pixels(path) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB")).astype(int)


def test_a_full_disk_is_one_sentence_without_a_line_of_vtk(run, tmp_path, monkeypatch, capfd):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OutputError, match="is full"):
        meshes.write_vtp(FileWriter(tmp_path), "meshes/a.vtp", pyvista.Sphere())
    assert capfd.readouterr() == ("", "")
    assert not list((tmp_path / "meshes").iterdir())


@draws
def test_pictures_of_a_run(run):
    told = []
    names = render.stills(run, told.append, SMALL)
    assert names == told
    assert names[:2] == ["renders/population_diameter.png", "renders/population_class.png"]
    assert names[2:] == [f"renders/particle_{label}.png" for label in render.largest(run)]
    size, by_class, one = (pixels(run.path / n) for n in names[:3])
    for image in (size, by_class):
        assert (np.ptp(image, axis=-1) > 30).mean() > 0.03
    scene = size[: int(0.8 * len(size)), : int(0.6 * size.shape[1])]  # without the key and the scale bar
    drawn = np.ptp(scene, axis=-1) > 30
    changed = np.abs(scene - by_class[: scene.shape[0], : scene.shape[1]]).max(-1) > 20
    assert changed[drawn].mean() > 0.8  # the particles themselves, not the key alone
    assert (one < 240).any(-1).mean() > 0.05
    assert (size[0] == 255).all()  # the background is white


@draws
def test_a_picture_repeats_to_the_byte(run):
    label = int(run.particles.index[4])
    (name,) = render.render(run, particle=label)
    first = (run.path / name).read_bytes()
    (run.path / name).unlink()
    render.render(run, particle=label)
    assert (run.path / name).read_bytes() == first


def test_the_largest_include_some_with_voids(run):
    chosen = render.largest(run)
    inside = run.particles[~run.particles["touches_border"]]
    assert chosen[0] == inside["volume_um3"].idxmax()
    assert len(chosen) == len(set(chosen)) == render.LARGEST_PICTURED
    assert (run.particles.loc[chosen, "void_fraction"] > 0).any() == (inside["void_fraction"] > 0).any()


@draws
def test_pictures_in_a_process_of_their_own(tmp_path):
    fake_run.write(tmp_path / "run", n=3)
    assert render.apart(tmp_path / "run", SMALL) == ""
    assert (tmp_path / "run/renders/population_diameter.png").exists()
    assert not (tmp_path / "run/meshes").exists()
    assert render.apart(tmp_path / "run", SMALL, with_meshes=True) == ""
    made = (tmp_path / "run" / render.PARTICLE_MESH).read_bytes()
    render.write_meshes(RunFolder(tmp_path / "run"))
    assert (tmp_path / "run" / render.PARTICLE_MESH).read_bytes() == made


def test_a_machine_that_cannot_draw_is_told_and_the_rest_goes_on(run, monkeypatch):
    def dies(*_, **__):
        return subprocess.CompletedProcess([], -11, b"", b"")

    monkeypatch.setattr(display.subprocess, "run", dies)
    sentence = display.why_no_pictures()
    for package in ("libegl1", "libgl1-mesa-dri", "libgomp1"):
        assert package in sentence
    with pytest.raises(MissingLibraryError, match="libegl1"):
        render.render(run)


def test_a_probe_without_vtk_is_told(monkeypatch):
    done = subprocess.CompletedProcess([], 1, b"", b"ModuleNotFoundError: No module named 'vtkmodules'")
    monkeypatch.setattr(display.subprocess, "run", lambda *_, **__: done)
    assert "vtk is not installed" in display.why_no_pictures()


def test_import_is_light():
    code = "import sys, morphct.views.render, morphct.views.scene, morphct.views.viewer, morphct.views.report;"
    code += "import morphct.views.figures, morphct.results.run_folder;"
    code += "print([m for m in ('vtkmodules', 'pyvista', 'matplotlib', 'pandas', 'zarr', 'trame') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
