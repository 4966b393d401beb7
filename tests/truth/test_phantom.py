"""The phantom: its truth is true of its images, its greys are those asked for, the same seed gives the same bytes."""

import dataclasses
import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import phantoms
import pytest
import tifffile
from naive.truth import phantom as naive
from scipy import ndimage

from morphct.ground.errors import MemoryCapError, OutputError, SettingsError
from morphct.kernels.truth import phantom as kernels
from morphct.kernels.truth import phantom_grey as grey_kernels
from morphct.kernels.truth import placing, runs
from morphct.truth.phantom import (
    COMPOUNDS,
    FAMILIES,
    PRESETS,
    Phantom,
    PhantomOptions,
    bodies,
    drawing,
    files,
    grey,
    groups,
    make,
    packing,
    placed,
    write,
)
from morphct.truth.phantom.bodies import draw_body, reach, semi_axes, surface_points


def small(size: int = 64, **settings) -> PhantomOptions:
    shape = {"depth": size, "height": size, "width": size}
    return PhantomOptions(**{**shape, "diameter": 16.0, **settings})


@pytest.fixture(scope="module", params=[0, 11])
def powder(request) -> Phantom:
    return make(small(72, seed=request.param, porous_share=0.8, open_share=0.3, group_share=0.6))


# ---- kernels against their naive twins


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(3))
def test_gauge_and_stamp(family, seed):
    rng = np.random.default_rng(seed)
    spacing, origin = np.array([1.6, 1.0, 0.625]), np.array([-13.3, -12.1, -11.7])
    bodies = [draw_body(family, d, rng)._replace(centre=rng.normal(0, 3, 3)) for d in (12, 9)]
    points = rng.normal(0, 8, (200, 3))
    np.testing.assert_allclose(kernels.gauges(bodies[0], points), naive.gauge(bodies[0], points), rtol=1e-9)
    labels = np.zeros((18, 25, 38), np.uint16)
    for label, body in enumerate(bodies, start=1):
        met = kernels.stamp(labels, body, label, origin, spacing, reach(body))
        groups._deeper_wins(labels, met, bodies, label, (origin, spacing))
    np.testing.assert_array_equal(labels, naive.stamp(labels.shape, bodies, origin, spacing))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(3))
def test_bounds_of_the_gauge_hold_it(family, seed):
    """Blocks are drawn whole on their word."""
    rng = np.random.default_rng([seed, 7])
    body = draw_body(family, 24.0, rng)
    for _ in range(300):
        centre, halves = rng.normal(0, 9, 3), rng.choice([0.0, 0.5, 1.5, 3.5, 15.5], 3)
        low, high = kernels._bounds(body, *centre, halves, np.empty(3))
        values = naive.gauge(body, centre + halves * rng.choice([-1.0, -0.3, 0.4, 1.0], (60, 3)))
        assert low - 1e-9 <= values.min()
        assert values.max() <= high + 1e-9


@pytest.mark.parametrize("width", [14, 64, 130])
@pytest.mark.parametrize("seed", range(3))
def test_placing(seed, width):
    rng = np.random.default_rng(seed)
    volume = (rng.random((12, 13, width)) < 0.02).astype(np.uint16)
    box = (rng.random((5, 4, rng.choice([3, 64, 70]))) < 0.4).astype(np.uint16)
    taken, bits = placing.taken_bits(volume), placing.taken_bits(box)
    corners = rng.integers([-4, -3, 1 - box.shape[2]], [12, 13, width], (40, 3))
    free = [t for t, c in enumerate(corners) if not naive.overlaps(volume, box, c)]
    assert placing.first_free(taken, bits, corners) == (free[0] if free else -1)
    start, way = np.array([-4, 3, 3]), np.array([1, 0, 0])
    blocked = [n for n in range(1, 12) if naive.overlaps(volume, box, start + n * way)]
    assert placing.settle(taken, bits, start, way, 11) == (blocked[0] - 1 if blocked else -1)
    for corner in corners:
        placing.mark(taken, bits, corner, width)
        naive.mark(volume, box, corner)
        np.testing.assert_array_equal(taken, placing.taken_bits(volume))


@pytest.mark.parametrize("seed", range(3))
def test_runs_are_the_image_again(seed):
    rng = np.random.default_rng(seed)
    code = np.repeat(rng.integers(0, 4, (6, 5, 4)), 3, axis=2).astype(np.uint16)
    starts, found = runs.encode(code)
    piece = placed.Piece.of(2, 8, starts, found)
    for unpacked, packed in zip(piece.unpacked(), (starts, found)):
        np.testing.assert_array_equal(unpacked, packed)
    out, values = np.zeros((9, 7, 15), np.int32), np.array([0, 7, 0, 300_000])
    runs.paint(out, starts, found, values, np.array([[-2, 1, 3], code.shape]))
    wanted = np.zeros_like(out)
    wanted[:4, 1:6, 3:15] = values[code[2:]]
    np.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize("seed", range(4))
def test_crumbs_are_cleared(seed):
    code = np.random.default_rng(seed).choice([0, 1, 2], (7, 8, 9), p=[0.4, 0.4, 0.2]).astype(np.uint16)
    starts, found = runs.encode(code)
    kept = runs.largest_parts(starts, found, code.shape[1], 2)
    wanted = naive.largest_parts(code)
    runs.clear(code, starts, found, kept)
    np.testing.assert_array_equal(code, wanted)


def test_census_and_contacts(powder):
    """Groups are counted one by one, each in its own box; the naive twin counts the images."""
    owner = np.r_[0, powder.void_table["label"].to_numpy()]
    labels, voids, opened = naive.census(powder.labels, powder.voids, owner)
    table, end = powder.table, powder.voxel_size.suffix
    np.testing.assert_array_equal(table["n_voxels"], labels[1:, 0])
    np.testing.assert_array_equal(table["touches_border"], labels[1:, 5] != 0)
    np.testing.assert_array_equal(table["void_fraction"], labels[1:, 1] / labels[1:, 0])
    np.testing.assert_array_equal(powder.void_table["n_voxels"], voids[1:, 0])
    np.testing.assert_array_equal(powder.void_table["touches_border"], voids[1:, 4] != 0)
    np.testing.assert_array_equal(powder.void_table["open"], opened[1:] != 0)
    for of, sums, first in ((table, labels, 2), (powder.void_table, voids, 1)):
        centres = sums[1:, first : first + 3] / sums[1:, :1] * powder.voxel_size.spacing
        np.testing.assert_allclose(of[[f"centroid_{a}_{end}" for a in "zyx"]], centres, rtol=1e-12)
    rows = Counter(tuple(int(v) for v in row) for row in runs.contact_faces(powder.labels, len(powder.labels)))
    assert rows == naive.contact_faces(powder.labels)
    cut = [runs.contact_faces(powder.labels[z : z + 6], min(5, len(powder.labels) - z)) for z in range(0, 72, 5)]
    assert Counter(tuple(int(v) for v in row) for part in cut for row in part) == rows
    faces = Counter(row[:2] for row in rows.elements())
    pairs = powder.contacts[["label_a", "label_b"]].itertuples(index=False)
    assert dict(zip(map(tuple, pairs), powder.contacts["n_faces"])) == dict(faces)


@pytest.mark.parametrize("sigma", [0.5, 0.7, 2.0])
def test_blur_is_scipys(sigma):
    volume = np.random.default_rng(0).normal(100, 20, (11, 14, 17)).astype(np.float32)
    wanted = ndimage.gaussian_filter(volume.astype(float), sigma, mode="nearest", truncate=np.ceil(4 * sigma) / sigma)
    half, spare, flat = grey.weights(sigma), np.empty_like(volume), np.empty_like(volume)
    for axis, (source, out) in enumerate([(volume, spare), (spare, flat), (flat, volume)]):
        grey_kernels.correlate(source, half, 2 - axis, out)
    np.testing.assert_allclose(volume, wanted, rtol=2e-5)


@pytest.mark.parametrize("width", [3, 17, 40])
@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_blur_by_planes_is_the_same_to_the_byte(sigma, width):
    volume = np.random.default_rng(0).normal(100, 20, (11, 9, width)).astype(np.float32)
    half, whole, flat = grey.weights(sigma), [np.empty_like(volume) for _ in range(3)], np.empty_like(volume)
    for axis, (source, out) in enumerate(zip([volume, *whole], whole)):
        grey_kernels.correlate(source, half, 2 - axis, out)
    for plane, out in zip(volume, flat):
        grey_kernels.blur_plane(plane, half, np.empty_like(plane), out)
    deep = np.empty((4, *volume.shape[1:]), np.float32)
    for rows in ([0, 5], [5, 9]):
        grey_kernels.blur_depth(flat, half, np.array([0, 3]), len(volume), np.array(rows), deep)
    assert whole[1].tobytes() == flat.tobytes()
    assert whole[2][3:7].tobytes() == deep.tobytes()


# ---- bodies


@pytest.mark.parametrize("family", FAMILIES)
def test_bodies_have_their_volume(family):
    rng = np.random.default_rng(5)
    origin, spacing = np.full(3, -40.0), np.ones(3)
    for _ in range(3):
        body = draw_body(family, 30.0, rng)
        labels = np.zeros((81, 81, 81), np.uint16)
        kernels.stamp(labels, body, 1, origin, spacing, reach(body))
        assert np.count_nonzero(labels) == pytest.approx(np.pi / 6 * 30**3, rel=0.02)
        np.testing.assert_allclose(kernels.gauges(body, surface_points(body)), 1, rtol=1e-9)


def test_facets_that_leave_a_side_open_are_drawn_again(monkeypatch):
    normals = np.vstack([np.eye(3), -np.eye(3)])
    facets = np.column_stack([normals, np.ones(6)])
    drawn = iter([facets[3:], facets])  # nothing closes the first one towards + + +

    def shape(rng):
        return (1.0, 1.0, 1.0), 0.0, bodies.NO_BUMPS, next(drawn), 4

    monkeypatch.setitem(bodies.SHAPES, "cube", shape)
    body = draw_body("cube", 12.0, np.random.default_rng(0))
    assert len(body.facets) == 6
    assert np.isfinite(body.matrix).all()


def test_semi_axes_of_ellipsoids():
    body = draw_body("ellipsoids", 40.0, np.random.default_rng(1))
    axes = semi_axes(body)
    assert axes is not None
    assert 4 / 3 * np.pi * np.prod(axes) == pytest.approx(np.pi / 6 * 40**3, rel=1e-6)
    assert axes[0] >= axes[1] >= axes[2]
    assert semi_axes(draw_body("irregular", 40.0, np.random.default_rng(1))) is None


# ---- truth


def test_tables_are_true_of_the_images(powder):
    table, voids, suffix = powder.table, powder.void_table, powder.voxel_size.suffix
    counts = np.bincount(powder.labels.ravel(), minlength=len(table) + 1)
    assert counts.size == len(table) + 1
    np.testing.assert_array_equal(table["n_voxels"], counts[1:])
    np.testing.assert_allclose(table[f"volume_{suffix}3"], counts[1:] * powder.voxel_size.volume)
    sizes = np.bincount(powder.voids.ravel(), minlength=len(voids) + 1)
    np.testing.assert_array_equal(voids["n_voxels"], sizes[1:])
    inside = np.bincount(powder.labels[powder.voids > 0], minlength=len(table) + 1)[1:]
    np.testing.assert_allclose(table["void_fraction"], inside / counts[1:])
    assert table["void_count"].sum() == (~voids["open"]).sum() > 5
    assert table["open_void_count"].sum() == voids["open"].sum() > 2
    centres = ndimage.center_of_mass(powder.labels > 0, powder.labels, table.index)
    columns = [f"centroid_{a}_{suffix}" for a in "zyx"]
    np.testing.assert_allclose(table[columns], np.array(centres) * powder.voxel_size.spacing, atol=1e-9)


def test_sealed_voids_are_sealed_and_open_ones_open(powder):
    outside = (powder.labels == 0) | (powder.voids > 0)
    pieces, _ = ndimage.label(outside)
    # background beyond the faces is outside too, but a sealed void may be cut by a face: those are left out
    free = np.unique(pieces[(powder.labels == 0) & (powder.voids == 0)])
    for void, row in powder.void_table.iterrows():
        if row["touches_border"]:
            continue
        reached = np.isin(pieces[powder.voids == void], free).any()
        assert reached == row["open"]
        carried = np.unique(powder.labels[powder.voids == void])
        np.testing.assert_array_equal(carried, [0 if row["open"] else row["label"]])


def test_voids_lie_in_their_owner(powder):
    for void, row in powder.void_table.iterrows():
        shell = ndimage.binary_dilation(powder.voids == void) & (powder.voids != void)
        assert row["label"] in powder.labels[shell]


def test_particles_are_one_piece(powder):
    for label, box in enumerate(ndimage.find_objects(powder.labels), start=1):
        row = powder.table.loc[label]
        if row["touches_border"]:
            continue  # a face may cut a hollow in two
        own = powder.void_table.index[powder.void_table["label"] == label]
        solid = (powder.labels[box] == label) | np.isin(powder.voids[box], own)
        sizes = np.bincount(ndimage.label(solid)[0].ravel())[1:]
        assert sizes.max() >= 0.98 * sizes.sum()


def test_touching_and_welded_groups():
    phantom = make(small(112, diameter=20.0, sigma=0.2, group_share=1.0, weld_share=0.5, porous_share=0.0, seed=2))
    table, contacts = phantom.table, phantom.contacts
    meets = set(contacts[["label_a", "label_b"]].to_numpy().ravel())
    inner = table[(table["n_members"] > 1) & ~table["touches_border"]]
    assert len(inner) > 20
    assert np.isin(inner.index, list(meets)).mean() > 0.95
    necks = contacts.groupby("welded")["neck_ratio"].median()
    assert necks[True] == pytest.approx(phantom.options.neck, abs=0.12)
    assert necks[False] < 0.35
    pairs = contacts.loc[contacts["welded"], ["label_a", "label_b"]].to_numpy()
    assert table.loc[pairs.ravel(), "welded"].all()
    np.testing.assert_array_equal(table.loc[pairs[:, 0], "aggregate_id"], table.loc[pairs[:, 1], "aggregate_id"])


def test_contact_area_of_a_flat_oblique_neck():
    """Two halves of a ball cut obliquely share a disc."""
    points = np.moveaxis(np.indices((61, 61, 61)), 0, -1) - 30.2
    normal = np.array([2.0, 1.0, -0.7]) / np.sqrt(5.49)
    labels = np.where((points**2).sum(axis=-1) <= 25**2, 1 + (points @ normal > 0), 0).astype(np.int32)
    rows = runs.contact_faces(labels, len(labels))
    vector = [rows[rows[:, 2] == axis, 3].sum() for axis in range(3)]
    assert np.sqrt(np.square(vector).sum()) == pytest.approx(np.pi * 25**2, rel=0.02)


@pytest.mark.parametrize("family", PRESETS)
def test_every_family_can_be_made(family):
    phantom = make(small(56, family=family, diameter=12.0, seed=3))  # thin ones are a voxel or two across here
    assert phantom.solid > 0.6 * phantom.options.filling
    assert len(phantom.table) > 3
    assert set(phantom.table["family"]) <= {*FAMILIES, *COMPOUNDS}


def test_solid_fraction_and_sizes():
    phantom = make(small(128, solid=0.4, sigma=0.3, group_share=0.0, family="spheres", seed=1, porous_share=0))
    assert phantom.solid == pytest.approx(0.4, abs=0.03)
    inner = phantom.table[~phantom.table["touches_border"]]
    diameter = inner["equivalent_diameter_um"] / phantom.voxel_size.x
    assert diameter.median() == pytest.approx(16, rel=0.1)
    assert np.log(diameter).std() == pytest.approx(0.3, abs=0.06)
    assert diameter.min() > phantom.options.smallest * 0.97
    np.testing.assert_allclose(inner["semi_axis_a_um"] * 2, inner["equivalent_diameter_um"], rtol=0.02)


def test_void_placements():
    """Depth below the surface: central voids lie deep, those of a shell shallow."""
    rank = {}
    for placement in ("central", "random", "shell"):
        settings = {"family": "spheres", "sigma": 0.0, "group_share": 0.0, "open_share": 0.0, "solid": 0.3}
        phantom = make(small(96, diameter=40.0, void_placement=placement, porous_share=1.0, **settings))
        voids, table = phantom.void_table, phantom.table
        own = table.loc[voids["label"]]
        keep = ~own["touches_border"].to_numpy()
        columns = [f"centroid_{a}_um" for a in "zyx"]
        offset = voids[columns].to_numpy()[keep] - own[columns].to_numpy()[keep]
        rank[placement] = np.median(np.sqrt((offset**2).sum(axis=1)) / (20 * phantom.voxel_size.x))
    assert rank["central"] < rank["random"] < rank["shell"]


# ---- space


def test_anisotropic_voxels():
    """Particles are shaped in space: on 3:1:1 voxels spheres are flat in voxels and round in micrometres."""
    phantom = make(small(64, voxel_size="75nm,25nm,25nm", family="spheres", group_share=0.0, sigma=0.1, diameter=20.0))
    label = phantom.table[~phantom.table["touches_border"]]["n_voxels"].idxmax()
    positions = np.argwhere(phantom.labels == label)
    spread = positions.std(axis=0) * phantom.voxel_size.spacing
    np.testing.assert_allclose(spread / spread.mean(), 1, atol=0.04)
    assert np.ptp(positions[:, 2]) > 2.4 * np.ptp(positions[:, 0])


# ---- grey


def test_greys_blur_and_noise():
    options = small(64, seed=4, porous_share=0.0, glue_bulk=0.3)
    phantom = make(options)
    core = ndimage.binary_erosion(phantom.labels > 0, iterations=4)
    values = phantom.grey[core].astype(float)
    assert values.mean() == pytest.approx(options.grey_particle, abs=5 * 649 / np.sqrt(core.sum()))
    assert values.std() == pytest.approx(649, rel=0.03)
    clean = make(dataclasses.replace(options, noise=0.0, blur=0.0)).grey
    assert set(np.unique(clean)) == {4255, 4900, 5737}
    np.testing.assert_array_equal(clean == 5737, phantom.labels > 0)
    assert 0.3 < (clean == 4900).sum() / (clean != 5737).sum() < 0.8
    assert set(np.unique(make(dataclasses.replace(options, noise=0.0, blur=0.0, phases=2)).grey)) == {4255, 5737}


def test_contrast_sets_the_noise():
    assert PhantomOptions().noise_sd == 649
    assert PhantomOptions(cnr=2.0).noise_sd == pytest.approx(741)
    assert PhantomOptions(snr=8.84).noise_sd == pytest.approx(649, rel=1e-3)


@pytest.mark.parametrize("correlation", [0.0, 1.0])
def test_noise_keeps_its_sd_when_correlated(correlation):
    options = small(40, noise_blur=correlation, solid=0.0, phases=2, blur=0.0)
    values = make(options).grey.astype(float) - options.grey_air
    assert values.std() == pytest.approx(649, rel=0.05)
    lag = (values[:, :, 1:] * values[:, :, :-1]).mean() / values.var()
    assert lag == pytest.approx(np.exp(-0.25) if correlation else 0, abs=0.05)


def test_eight_bits():
    options = small(40, bits=8)
    phantom = make(options)
    wide = make(dataclasses.replace(options, bits=16))
    assert phantom.grey.dtype == np.uint8
    scaled = (wide.grey - options.grey_low) * 255 / (options.grey_high - options.grey_low)
    assert np.abs(phantom.grey - scaled).max() < 0.52


def test_empty_volume():
    phantom = make(small(16, solid=0.0))
    assert len(phantom.table) == len(phantom.void_table) == len(phantom.contacts) == 0
    assert phantom.labels.max() == 0


# ---- the same again


def digest(phantom: Phantom) -> str:
    """Of all arrays and tables, the latter as they are written."""
    total = hashlib.sha256()
    for name in ("grey", "labels", "voids"):
        total.update(getattr(phantom, name).tobytes())
    for name in ("table", "void_table", "contacts"):
        total.update(getattr(phantom, name).to_csv(float_format="%.9g", lineterminator="\n").encode())
    return total.hexdigest()[:16]


def test_the_same_seed_gives_the_same_bytes(monkeypatch):
    options = small(48, seed=9, noise_blur=0.6)
    first = digest(make(options))
    monkeypatch.setattr(drawing, "SLAB_VOXELS", 48 * 48 * 7)  # odd slabs
    monkeypatch.setattr(placed, "PIECE_PLANES", 5)
    assert digest(make(options)) == digest(make(options, workers=3)) == first
    assert digest(make(dataclasses.replace(options, seed=10))) != first


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (
            {"family": "mixed", "seed": 5, "porous_share": 0.8, "open_share": 0.3, "group_share": 0.6},
            "1f8c37aa6a7ac9b9",
        ),
        (
            {"family": "dense", "seed": 6, "bits": 8, "noise_blur": 0.7, "voxel_size": "50nm,25nm,25nm"},
            "4f302bdda7f4a16c",
        ),
        ({"family": "shells", "seed": 7, "phases": 2, "blur": 0.0}, "ca8c2ead21ef481a"),
    ],
)
def test_phantoms_of_earlier_versions_are_drawn_again(settings, wanted):
    assert digest(make(small(56, **settings))) == wanted


# ---- files and settings


def test_write(tmp_path):
    phantom = make(small(40, voxel_size="50nm,25nm,25nm"))
    files = write(phantom, tmp_path / "deep" / "powder.tif")
    names = ["powder.tif", *(f"powder_{n}" for n in ("labels.tif", "voids.tif", "truth.csv", "voids.csv"))]
    assert sorted(f.name for f in files) == sorted([*names, "powder_contacts.csv", "powder_phantom.json"])
    assert sorted(p.name for p in files[0].parent.iterdir()) == sorted(f.name for f in files)
    for file, array in zip(files, (phantom.grey, phantom.labels, phantom.voids)):
        np.testing.assert_array_equal(tifffile.imread(file), array)
    with tifffile.TiffFile(files[0]) as tif:
        assert tif.imagej_metadata is not None
        assert tif.imagej_metadata["spacing"] == pytest.approx(0.05)
        assert tif.imagej_metadata["unit"] == "um"
        top, bottom = tif.pages[0].tags["XResolution"].value
        assert top / bottom == pytest.approx(40)
    table = pd.read_csv(files[3], index_col="label")
    np.testing.assert_array_equal(table["n_voxels"], phantom.table["n_voxels"])
    facts = json.loads(files[-1].read_text())
    assert PhantomOptions.from_mapping(facts["phantom"]) == phantom.options
    assert facts["n_particles"] == len(table)


def test_write_twice_is_the_same(tmp_path):
    phantom = make(small(32))
    first, second = (write(phantom, tmp_path / n / "powder.tif") for n in "ab")
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second))


@pytest.mark.parametrize(("memory", "workers"), [(600 << 20, 1), (1 << 31, 2), (515 << 20, 3)])
def test_drawing_into_files_gives_the_bytes_of_write(tmp_path, memory, workers):
    options = small(44, seed=8, noise_blur=0.5)
    _, drawn = drawing.write_drawn(options, tmp_path / "a" / "powder.tif", memory, workers)
    whole = write(make(options), tmp_path / "b" / "powder.tif")
    assert [f.name for f in drawn] == [f.name for f in whole]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(drawn, whole))


def test_the_memory_cap_sets_the_slabs():
    options = PhantomOptions(depth=960, height=2560, width=2560)
    planes = [drawing.slab_planes(options, n << 30, 2) for n in (3, 4, 64)]
    assert 1 <= planes[0] < planes[1] < planes[2] == drawing.MOST_PLANES
    with pytest.raises(
        MemoryCapError, match=r"960 x 2560 x 2560 voxels, which takes .*; give at least --memory \d+MiB"
    ):
        drawing.slab_planes(options, 1 << 30, 2)


def test_a_group_that_takes_more_than_the_cap_is_one_sentence():
    with pytest.raises(MemoryCapError, match="--group-members"):
        packing.pack(small(32, diameter=24.0), np.ones(3), 2, 1000)


@pytest.mark.parametrize(
    ("shape", "dtype", "large"),
    [
        ((1024, 1024, 1024), np.uint16, False),
        ((960, 2560, 2560), np.uint16, True),
        ((960, 2560, 2560), np.uint8, True),
        ((1023, 2048, 2048), np.uint8, True),
        ((1000, 2048, 2048), np.uint8, False),
        ((8192, 8192, 8192), np.uint16, True),
    ],
)
def test_when_a_tiff_needs_offsets_of_64_bits(shape, dtype, large):
    assert files.is_large(shape, dtype) == large


def test_large_files_read_back(tmp_path, monkeypatch):
    """As above 4 GB: BigTIFF, grey as it is, truth compressed."""
    options = small(40, seed=2)
    small_files = write(make(options), tmp_path / "small" / "p.tif")
    monkeypatch.setattr(files, "is_large", lambda shape, dtype: True)
    monkeypatch.setattr(files, "BIG_BYTES", 0)
    _, large = drawing.write_drawn(options, tmp_path / "large" / "p.tif", 1 << 30, 2)
    for one, other in zip(small_files[:3], large[:3]):
        np.testing.assert_array_equal(tifffile.imread(one), tifffile.imread(other))
        with tifffile.TiffFile(other) as tif:
            assert tif.is_bigtiff
            assert tif.series[0].shape == (40, 40, 40)
            assert (tif.pages[0].compression == 1) == (other == large[0])


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    write(make(small(24, seed=1)), tmp_path / "p.tif")
    before = {f.name: f.read_bytes() for f in tmp_path.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_csv", full)
    with pytest.raises(OutputError, match="No space left"):
        drawing.write_drawn(small(24, seed=2), tmp_path / "p.tif", 1 << 30, 2)
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == before


def test_a_disk_without_room_is_refused_before_anything_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 30_000))
    monkeypatch.setattr(drawing, "Powder", None)
    with pytest.raises(OutputError, match=r"takes about 131 KiB and 29.3 KiB are free"):
        drawing.write_drawn(small(40), tmp_path / "p.tif", 1 << 30, 1)


def test_write_refuses(tmp_path):
    phantom = make(small(16))
    with pytest.raises(OutputError, match=r"ends in \.tif"):
        write(phantom, tmp_path / "powder.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another place"):
        write(phantom, tmp_path / "file" / "powder.tif")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"family": "spongy"}, "sponge"),
        ({"solid": 0.9}, "0 to 0.75"),
        ({"cnr": 2.0, "snr": 8.0}, "give one"),
        ({"bits": 12}, "8, 16"),
        ({"diameter": 4.0, "smallest": 20.0}, "smallest"),
    ],
)
def test_settings_are_refused_with_a_remedy(settings, words):
    with pytest.raises(SettingsError, match=words):
        PhantomOptions(**settings)


def test_sample_data_can_be_made_again():
    folder = Path(__file__).parents[2] / "sample_data"
    if not (folder / "powder_phantom.json").is_file():
        pytest.skip("sample_data is not there")
    facts = json.loads((folder / "powder_phantom.json").read_text())
    phantom = make(PhantomOptions.from_mapping(facts["phantom"]))
    for name, array in (("", phantom.grey), ("_labels", phantom.labels), ("_voids", phantom.voids)):
        np.testing.assert_array_equal(tifffile.imread(folder / f"powder{name}.tif"), array)
    table = pd.read_csv(folder / "powder_truth.csv", index_col="label")
    pd.testing.assert_frame_equal(table, phantom.table, check_dtype=False, rtol=1e-6)
    assert sum(f.stat().st_size for f in folder.iterdir()) < 5e6


# ---- the analytic bodies other tests stand on

METHODS = {  # psi, quotient, r_ins/r_cir, e_yx, e_zx, e_zy, solidity, r_ins/r_eq, r_cir/r_eq, A/r_eq^2
    "sphere": (1, 1, 1, 1, 1, 1, 1, 1, 1, 12.566),
    "cube": (0.806, 0.524, 0.577, 1, 1, 1, 1, 0.806, 1.396, 15.591),
    "ellipsoid 2:1:1": (0.929, 0.801, 0.5, 0.5, 0.5, 1, 1, 0.794, 1.587, 13.531),
    "ellipsoid 1:.5:.25": (0.792, 0.497, 0.25, 0.5, 0.25, 0.5, 1, 0.5, 2.0, 15.869),
    "cylinder": (0.874, 0.667, 0.707, 0.866, 0.866, 1, 1, 0.874, 1.235, 14.385),
    "octahedron": (0.846, 0.605, 0.577, 1, 1, 1, 1, 0.846, 1.465, 14.861),
    "tetrahedron": (0.671, 0.302, 0.333, 1, 1, 1, 1, 0.671, 2.013, 18.724),
    "hexagonal plate": (0.702, 0.347, 0.243, 1, 0.316, 0.316, 1, 0.369, 1.523, 17.889),
    "hollow sphere": (0.732, 0.392, 0.25, 1, 1, 1, 0.875, 0.261, 1.046, 17.170),
    "two spheres": (0.881, 0.684, 0.571, 0.508, 0.508, 1, 0.901, 0.805, 1.410, 14.265),
    "rounded cube .25": (0.883, 0.688, 0.646, 1, 1, 1, 1, 0.816, 1.265, 14.231),
    "rounded cube .5": (0.942, 0.836, 0.732, 1, 1, 1, 1, 0.848, 1.158, 13.337),
}
COLUMNS = ["sphericity_wadell", "isoperimetric_quotient", "sphericity", "ellipticity_yx", "ellipticity_zx"]
COLUMNS += ["ellipticity_zy", "solidity", "inscribed_radius", "circumscribed_radius", "surface_area"]


@pytest.mark.parametrize("name", METHODS)
def test_true_values_are_the_published_ones(name):
    found = phantoms.truth(name)
    np.testing.assert_allclose([found[c] for c in COLUMNS], METHODS[name], atol=0.0011)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)])
def test_digitised_bodies_have_their_moments(name, spacing):
    body = phantoms.digitise(name, 16, seed=1, spacing=spacing)
    positions = np.argwhere(body.mask) * spacing
    assert len(positions) * np.prod(spacing) == pytest.approx(body.truth["volume"], rel=0.004)
    axes = np.sqrt(5 * np.linalg.eigvalsh(np.cov(positions.T)))[::-1]
    np.testing.assert_allclose(axes, [body.truth[f"semi_axis_{c}"] for c in "abc"], rtol=0.012)
    labels = phantoms.row_of([body, body])
    assert np.bincount(labels.ravel())[1:].tolist() == [len(positions)] * 2
