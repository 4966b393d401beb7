"""The phantom: its truth is true of its images, its greys are those asked for, the same seed gives the same bytes."""

import dataclasses
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import phantoms
import pytest
import tifffile
from naive.truth import phantom as naive
from scipy import ndimage

from morphct.ground.errors import OutputError, SettingsError
from morphct.kernels.truth import phantom as kernels
from morphct.truth.phantom import COMPOUNDS, FAMILIES, PRESETS, Phantom, PhantomOptions, bodies, grey, make, write
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
    labels, depth = np.zeros((18, 25, 38), np.int32), np.zeros((18, 25, 38), np.float32)
    for label, body in enumerate(bodies, start=1):
        kernels.stamp(labels, depth, body, label, origin, spacing, reach(body))
    np.testing.assert_array_equal(labels, naive.stamp(labels.shape, bodies, origin, spacing))


@pytest.mark.parametrize("seed", range(3))
def test_placing(seed):
    rng = np.random.default_rng(seed)
    volume = (rng.random((12, 13, 14)) < 0.02).astype(np.int32)
    voids = np.zeros_like(volume)
    box = rng.random((5, 4, 3)) < 0.4
    corners = rng.integers(-4, 13, (40, 3))
    free = [t for t, c in enumerate(corners) if not naive.overlaps(volume, box, c)]
    assert kernels.first_free(volume, voids, box, corners) == (free[0] if free else -1)
    start, way = np.array([-4, 3, 3]), np.array([1, 0, 0])
    blocked = [n for n in range(1, 12) if naive.overlaps(volume, box, start + n * way)]
    assert kernels.settle(volume, voids, box, start, way, 11) == (blocked[0] - 1 if blocked else -1)


def test_census_and_contacts(powder):
    labels, voids = powder.labels[:40, :40, :40].copy(), powder.voids[:40, :40, :40].copy()
    owner = np.r_[0, powder.void_table["label"].to_numpy()]
    label_sums = np.zeros((labels.max() + 1, 6), np.int64)
    void_sums, opened = np.zeros((len(owner), 5), np.int64), np.zeros(len(owner), np.int64)
    kernels.census(labels, voids, owner, label_sums, void_sums, opened)
    for found, wanted in zip((label_sums, void_sums, opened), naive.census(labels, voids, owner)):
        np.testing.assert_array_equal(found, wanted)
    rows = Counter(tuple(int(v) for v in row) for row in kernels.contact_faces(labels))
    assert rows == naive.contact_faces(labels)


@pytest.mark.parametrize("sigma", [0.5, 0.7, 2.0])
def test_blur_is_scipys(sigma):
    volume = np.random.default_rng(0).normal(100, 20, (11, 14, 17)).astype(np.float32)
    wanted = ndimage.gaussian_filter(volume.astype(float), sigma, mode="nearest", truncate=np.ceil(4 * sigma) / sigma)
    np.testing.assert_allclose(grey.blurred(volume.copy(), sigma), wanted, rtol=2e-5)


# ---- bodies


@pytest.mark.parametrize("family", FAMILIES)
def test_bodies_have_their_volume(family):
    rng = np.random.default_rng(5)
    origin, spacing = np.full(3, -40.0), np.ones(3)
    for _ in range(3):
        body = draw_body(family, 30.0, rng)
        labels, depth = np.zeros((81, 81, 81), np.int32), np.zeros((81, 81, 81), np.float32)
        kernels.stamp(labels, depth, body, 1, origin, spacing, reach(body))
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
    rows = kernels.contact_faces(labels)
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


def test_the_same_seed_gives_the_same_bytes(monkeypatch):
    options = small(48, seed=9, noise_blur=0.6)
    first = make(options)
    monkeypatch.setattr(grey, "SLAB_VOXELS", 48 * 48 * 7)  # odd slabs
    again, other = make(options), make(dataclasses.replace(options, seed=10))
    for name in ("grey", "labels", "voids"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
        assert getattr(first, name).tobytes() != getattr(other, name).tobytes()
    for name in ("table", "void_table", "contacts"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name), check_exact=True)


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
