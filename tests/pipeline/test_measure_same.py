"""`morphct measure LABELS` and `morphct.measure(array)` are one thing: the same columns, the same values."""

import numpy as np
import pandas as pd
import phantoms
import pytest
import tifffile

import morphct
from morphct.cli.entry import main
from morphct.pipeline.measuring import measure_array
from morphct.results.run_folder import open_run


@pytest.fixture(scope="module")
def volumes() -> dict[str, np.ndarray]:
    """Labels with gaps, one particle hollow and two welded; grey; a map that was not measured everywhere."""
    names = ("ellipsoid 1:.5:.25", "hollow sphere", "two spheres")
    labels = phantoms.row_of([phantoms.digitise(n, 9.0, seed) for seed, n in enumerate(names)], gap=3)
    labels = np.pad(np.where(labels > 0, 10 * labels + 7, 0), 3).astype(np.uint16)
    far = np.argwhere(labels == 37)
    labels[labels == 37] = np.where(far[:, 2] > far[:, 2].mean(), 38, 37)
    rng = np.random.default_rng(0)
    grey = (np.where(labels > 0, 5700, 4200) + rng.normal(0, 200, labels.shape)).astype(np.uint16)
    xanes = rng.normal(8333, 1, labels.shape).astype(np.float32)
    xanes[:, :9] = np.nan
    return {"labels": labels, "grey": grey, "xanes": xanes}


@pytest.fixture(scope="module")
def files(volumes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("same")
    for name, volume in volumes.items():
        tifffile.imwrite(folder / f"{name}.tif", volume, compression="zlib" if name == "xanes" else None)
    return folder


def run_of(files, *more: str):
    out = files / f"out{len(more)}"
    arguments = ["measure", str(files / "labels.tif"), "-o", str(out), "--voxel-size", "50nm,25nm,25nm", "-q"]
    without = ("output.renders=false", "output.meshes=false", "calibrate.method=none")
    off = [part for setting in without for part in ("--set", setting)]
    assert main([*arguments, *off, *more]) == 0
    return open_run(out)


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    assert list(found.columns) == list(wanted.columns)
    pd.testing.assert_frame_equal(found, wanted, check_exact=True, check_dtype=False, check_column_type=False)


def test_everything(volumes, files):
    more = ["--grey", str(files / "grey.tif"), "--channel", f"Ni={files / 'xanes.tif'}", "--compat", "morphometry"]
    run = run_of(files, *more, "--set", "run.slab=5", "--workers", "2")
    tables = measure_array(
        volumes["labels"], volumes["grey"], "50nm,25nm,25nm", channels={"Ni": volumes["xanes"]}, compat="morphometry"
    )
    for name in ("particles", "voids", "aggregates", "channels"):
        same(getattr(run, name), getattr(tables, name))
    assert run.particles.index.tolist() == [17, 27, 37, 38]
    assert {"Ni_mean", "Ni_core_shell", "morpholibj_sphericity", "grey_core_shell"} <= set(run.particles.columns)
    assert run.provenance["input"]["channels"]["Ni"]["path"].endswith("xanes.tif")
    library = morphct.measure(
        volumes["labels"], volumes["grey"], "50nm,25nm,25nm", channels={"Ni": volumes["xanes"]}, compat="morphometry"
    )
    same(library, tables.particles)
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "Ni_core_shell" in page
    assert "morpholibj_sphericity" in page
    assert "Maps from the surface to the core" in page
    assert (run.path / "figures" / "channels.png").stat().st_size > 5000


def test_labels_alone(volumes, files):
    run = run_of(files)
    same(run.particles, morphct.measure(volumes["labels"], voxel_size="50nm,25nm,25nm"))
    assert run.channels is None
    assert not (run.path / "figures" / "channels.png").exists()
    assert "grey_mean" not in run.particles
    assert not any(name.startswith("morpholibj") for name in run.particles)


def test_a_map_of_another_shape(volumes, files, capsys):
    tifffile.imwrite(files / "short.tif", volumes["xanes"][:-1])
    more = ["--voxel-size", "25nm", "--channel", f"Ni={files / 'short.tif'}"]
    assert main(["measure", str(files / "labels.tif"), "-o", str(files / "never"), *more]) == 2
    told = capsys.readouterr().err.strip()
    assert "the channel Ni (short.tif) is" in told
    assert "\n" not in told
    assert not (files / "never").exists()
    assert main(["check", str(files / "grey.tif"), *more]) == 2
    assert "the channel Ni" in capsys.readouterr().err


def test_settings_repeat_the_run(files):
    more = ["--channel", f"Ni={files / 'xanes.tif'}", "--compat", "morphometry"]
    run = run_of(files, *more)
    again = files / "again"
    config = ["--config", str(run.path / "settings.toml")]
    assert main(["measure", str(files / "labels.tif"), "-o", str(again), "-q", *config]) == 0
    for name in ("particles.csv", "channels.csv"):
        assert (again / name).read_bytes() == (run.path / name).read_bytes()
