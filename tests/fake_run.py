"""A small run folder made from random particles, without the pipeline: for tests of what reads run folders."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from morphct.ground.units import VoxelSize
from morphct.results.population import summarise
from morphct.results.run_folder import RunWriter, label_dtype

SHAPE = (72, 112, 112)
PHASES = [("air", 4255.0, 180.0, 0.62), ("binder", 4900.0, 190.0, 0.05), ("particle", 5737.0, 200.0, 0.33)]


@dataclass
class Fake:
    """Volumes and tables of a fake sample; (Z, Y, X) arrays, lengths in the voxel size's unit."""

    labels: np.ndarray
    voids: np.ndarray
    grey: np.ndarray
    voxel_size: VoxelSize
    particles: pd.DataFrame = field(default_factory=pd.DataFrame)
    void_table: pd.DataFrame = field(default_factory=pd.DataFrame)
    aggregates: pd.DataFrame = field(default_factory=pd.DataFrame)


def powder(seed: int = 0, n: int = 40, shape: tuple[int, int, int] = SHAPE, size: VoxelSize | None = None) -> Fake:
    """Rounded, elongated bodies thrown into a box, the later ones cut by the earlier; some with voids."""
    rng = np.random.default_rng(seed)
    size = size or VoxelSize(0.025, 0.025, 0.025, "um", "fake")
    labels, voids = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    rows: list[dict[str, Any]] = []
    void_rows: list[dict[str, Any]] = []
    for _ in range(n):
        label = len(rows) + 1
        centre = rng.uniform(4, np.array(shape) - 4)
        axes = np.sort(rng.lognormal(2.1, 0.35, 3))[::-1]
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        power = rng.uniform(2.0, 5.0)
        box = _box(centre, axes[0] * np.sqrt(3), shape)
        body = _inside(box, centre, axes, turn, power) & (labels[box] == 0)
        if body.sum() < 300:
            continue
        labels[box][body] = label
        for _ in range(rng.integers(0, 6) if rng.random() < 0.3 else 0):
            hole = centre + turn @ (rng.uniform(-0.45, 0.45, 3) * axes)
            pocket = _inside(box, hole, rng.uniform(1.6, 3.4, 3), turn, 2.0) & body & (voids[box] == 0)
            if pocket.sum() >= 8:
                void_rows.append(_void_row(len(void_rows) + 1, label, np.argwhere(pocket) + _low(box), size, rng))
                voids[box][pocket] = len(void_rows)
        at = np.argwhere(body) + _low(box)
        rows.append(_row(label, at, int(((voids[box] > 0) & body).sum()), shape, axes, power, size, rng))
    grey = np.where(labels > 0, 5737, 4255) + np.where(voids > 0, -1482, 0) + rng.normal(0, 350, shape)
    fake = Fake(labels, voids, grey.clip(0, 65535).astype(np.uint16), size)
    fake.particles = pd.DataFrame(rows).set_index("label") if rows else _no_particles(rng)
    columns = ["void_id", "label", "n_voxels", "volume_um3", "equivalent_diameter_um", "depth_um"]
    fake.void_table = pd.DataFrame(void_rows, columns=None if void_rows else columns).set_index("void_id")
    if void_rows:
        counts = fake.void_table["label"].value_counts()
        fake.particles["void_count"] = counts.reindex(fake.particles.index, fill_value=0)
    fake.aggregates = _groups(fake.particles, rng)
    if size.unit != "um":
        for frame in (fake.particles, fake.void_table, fake.aggregates):
            frame.columns = [c.replace("_um", f"_{size.unit}") for c in frame.columns]
    return fake


def _box(centre: Any, reach: float, shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(max(0, int(c - reach)), min(n, int(c + reach) + 2)) for c, n in zip(centre, shape))


def _low(box: tuple[slice, ...]) -> np.ndarray:
    return np.array([s.start for s in box])


def _inside(box: tuple[slice, ...], centre: Any, axes: Any, turn: Any, power: float) -> np.ndarray:
    grid = np.moveaxis(np.mgrid[box], 0, -1)
    return (np.abs(((grid - centre) @ turn) / axes) ** power).sum(-1) < 1


def _row(
    label: int, at: Any, holes: int, shape: Any, axes: Any, power: float, size: VoxelSize, rng: Any
) -> dict[str, Any]:
    low, high, count = at.min(0), at.max(0) + 1, len(at)
    volume = count * size.volume
    diameter = float(np.cbrt(6 * volume / np.pi))
    a, b, c = (float(s) for s in np.sort(axes * size.smallest)[::-1])
    area = np.pi * diameter**2 * (1 + 0.12 * (a / c - 1)) * (1 + 0.02 * power)
    mean = at.mean(0) * size.spacing
    row: dict[str, Any] = {"label": label, "n_voxels": count}
    row |= {f"centroid_{n}_um": float(v) for n, v in zip("zyx", mean)}
    row |= {f"bbox_{n}{i}": int(v[k]) for k, n in enumerate("zyx") for i, v in enumerate((low, high))}
    row["touches_border"] = bool((low == 0).any() or (high == shape).any())
    row |= {"class": "porous" if holes else "single", "aggregate_id": 0, "flags": ""}
    row |= {"volume_um3": volume, "solid_volume_um3": volume - holes * size.volume, "equivalent_diameter_um": diameter}
    row |= {"semi_axis_a_um": a, "semi_axis_b_um": b, "semi_axis_c_um": c}
    row |= {"ellipticity_yx": b / a, "ellipticity_zx": c / a, "ellipticity_zy": c / b}
    row |= {"surface_area_um2": float(area), "inscribed_radius_um": 0.95 * c, "circumscribed_radius_um": 1.1 * a}
    row |= {"sphericity": 0.95 * c / (1.1 * a), "sphericity_wadell": float(np.pi * diameter**2 / area)}
    row |= {"solidity": float(rng.uniform(0.85, 0.99)), "void_fraction": holes / count, "void_count": 0}
    row |= {"grey_mean": float(rng.normal(5737, 40)), "grey_std": float(rng.normal(650, 20))}
    if label % 11 == 0:
        row |= {"sphericity_wadell": np.nan, "flags": "few_voxels"}
    return row


def _no_particles(rng: Any) -> pd.DataFrame:
    """An empty table with the columns and types of a full one."""
    size = VoxelSize(1, 1, 1)
    row = _row(1, np.argwhere(np.ones((3, 4, 5))), 0, (9, 9, 9), np.array([3.0, 2.0, 1.0]), 2.0, size, rng)
    return pd.DataFrame([row]).set_index("label").iloc[:0]


def _void_row(void: int, label: int, at: Any, size: VoxelSize, rng: Any) -> dict[str, Any]:
    volume = len(at) * size.volume
    row: dict[str, Any] = {"void_id": void, "label": label, "n_voxels": len(at), "volume_um3": volume}
    row["equivalent_diameter_um"] = float(np.cbrt(6 * volume / np.pi))
    row |= {f"centroid_{n}_um": float(v) for n, v in zip("zyx", at.mean(0) * size.spacing)}
    row["depth_um"] = float(rng.uniform(1, 8) * size.smallest)
    return row


def _groups(particles: pd.DataFrame, rng: Any) -> pd.DataFrame:
    """Two invented aggregates of three neighbours each."""
    rows = []
    for number, first in enumerate((2, 7), start=1):
        members = [m for m in (first, first + 1, first + 2) if m in particles.index]
        if members:
            particles.loc[members, "class"] = "aggregate"
            particles.loc[members, "aggregate_id"] = number
        volume = float(particles.loc[members, "volume_um3"].sum())
        row = {"aggregate_id": number, "n_members": len(members), "volume_um3": volume}
        row |= {"equivalent_diameter_um": float(np.cbrt(6 * volume / np.pi)), "weld_ratio_max": rng.uniform(0.1, 0.6)}
        if members:
            rows.append(row)
    columns = ["aggregate_id", "n_members", "volume_um3", "equivalent_diameter_um", "weld_ratio_max"]
    return pd.DataFrame(rows, columns=columns).set_index("aggregate_id")


def channels(particles: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Radial profiles of one map that rises to the core; the innermost shell of every third particle is empty."""
    rng = np.random.default_rng(seed)
    shell = np.tile(np.arange(1, 11), len(particles))
    frame = pd.DataFrame(
        {"channel": "Ni", "shell": shell}, index=pd.Index(np.repeat(particles.index, 10), name="label")
    )
    frame["n"] = np.where((shell == 10) & (frame.index % 3 == 0), 0, 400 - 35 * shell)
    frame["mean"] = np.where(frame["n"] > 0, 8333 + 0.2 * shell + rng.normal(0, 0.1, len(frame)), np.nan)
    frame["std"] = np.where(frame["n"] > 0, 0.5, np.nan)
    return frame[["channel", "shell", "mean", "std", "n"]]


def histogram() -> pd.DataFrame:
    """A histogram of three Gaussian phases with their fit, as `histogram.csv` holds it."""
    grey = np.linspace(3000, 7500, 512)
    frame = pd.DataFrame({"grey": grey})
    total = np.zeros_like(grey)
    for number, (_, mean, sd, weight) in enumerate(PHASES, start=1):
        frame[f"fit_{number}"] = 2e5 * weight * np.exp(-0.5 * ((grey - mean) / sd) ** 2) / sd
        total += frame[f"fit_{number}"]
    frame["fit"] = total
    frame["low_gradient"] = np.round(total + np.sin(grey / 40) * np.sqrt(total)).clip(0)
    frame["count"] = np.round(3 * total + 8 * np.exp(-0.5 * ((grey - 5000) / 500) ** 2))
    return frame


def threshold() -> dict[str, Any]:
    """What `threshold.json` holds, as far as people are shown it."""
    phases = [{"name": n, "mean": m, "sd": s, "weight": w} for n, m, s, w in PHASES]
    return {
        "method": "deconvolution",
        "level": 4996.0,
        "phases": phases,
        "separation": 4.1,
        "snr": 8.8,
        "cnr": 2.28,
        "denoise": {"method": "gaussian", "sigma": [1.0, 1.0, 1.0], "sd_before": 650.0, "sd_after": 180.0},
        "words": ["Three phases were found and their peaks stand 4.1 standard deviations apart."],
        "warnings": [],
    }


def calibration() -> tuple[pd.DataFrame, dict[str, Any]]:
    """What `calibration.csv` and `calibration.json` hold: errors that fall with the size."""
    rows = []
    for name, error, scale in (
        ("equivalent_diameter", "relative", 1.0),
        ("surface_area", "relative", 4.0),
        ("sphericity", "absolute", 2.0),
        ("roundness", "absolute", 9.0),
    ):
        for body, sign in (("sphere", -1), ("cube", 2), ("as found", 1), ("all", 1)):
            for d in (8.0, 12.0, 18.0, 27.0):
                rows.append((name, error, body, d, sign * 0.2 * scale / d, 0.1 * scale / d, 12))
    table = pd.DataFrame(rows, columns=["descriptor", "error", "body", "diameter_voxels", "bias", "spread", "n"])
    conditions = {"blur": 1.2, "noise": 0.07, "binder": 0.4, "wet": 0.5, "level": 0.5, "level_bound": 0.05}
    resolved = {"equivalent_diameter": 8.0, "surface_area": 24.0, "sphericity": 12.0, "roundness": None}
    return table, {"tolerance": 0.05, "conditions": conditions, "resolved_from_voxels": resolved, "method": "quick"}


def write(
    out: Path, seed: int = 0, n: int = 40, overwrite: bool = False, size: VoxelSize | None = None, **extra: Any
) -> Fake:
    """Write a run folder of `n` random particles at `out` and return what is in it; `extra` goes into run.json."""
    fake = powder(seed, n, size=size)
    with RunWriter(out, overwrite) as writer:
        for name, volume, count in (
            ("labels.zarr", fake.labels, len(fake.particles)),
            ("voids.zarr", fake.voids, len(fake.void_table)),
        ):
            with writer.labels(name, volume.shape, label_dtype(count), fake.voxel_size) as store:
                store.write(volume)
        writer.table("particles", fake.particles)
        writer.table("voids", fake.void_table)
        writer.table("aggregates", fake.aggregates)
        if len(fake.particles):
            writer.table("channels", channels(fake.particles, seed))
            table, facts = calibration()
            writer.text("calibration.csv", table.to_csv(index=False))
            writer.json("calibration.json", facts)
        writer.text("histogram.csv", histogram().to_csv(index=False))
        writer.json("threshold.json", threshold())
        writer.json("summary.json", summarise(fake.particles, fake.void_table, fake.aggregates))
        writer.text("settings.toml", '[threshold]\nmethod = "deconvolution"\n')
        writer.json("run.json", provenance(fake) | extra)
        writer.log_path.write_text("fake\n")
        writer.commit()
    return fake


def provenance(fake: Fake) -> dict[str, Any]:
    """What `run.json` holds, as far as people are shown it."""
    size = fake.voxel_size
    return {
        "command": "run",
        "version": "0.0",
        "input": {
            "path": "powder.tif",
            "sha256": "0" * 64,
            "shape": list(fake.labels.shape),
            "dtype": "uint16",
            "voxel_size": {"z": size.z, "y": size.y, "x": size.x, "unit": size.unit, "source": size.source},
        },
        "settings": {"threshold": {"method": "deconvolution", "phases": "auto"}, "split": {"method": "ascent"}},
        "versions": {"python": "3.11", "numpy": "2.4"},
        "timings": {"denoise": 1.25, "threshold": 0.5, "split": 2.0, "measure": 3.5},
        "peak_memory": 512 * 2**20,
        "started": "2025-01-01T12:00:00",
        "warnings": ["The noise is correlated (lag-1 autocorrelation 0.35): the CNR overstates the quality."],
    }
