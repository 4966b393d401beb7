"""The passes: kernels against plain loops, any cut gives the same bits, ids and types of any kind."""

import numpy as np
import pytest
from naive.measurement import sums as naive

from morphct.ground.bricks import Brick, plan_bricks
from morphct.ground.errors import InputError
from morphct.ground.executors import Threads
from morphct.ground.units import VoxelSize
from morphct.ground.work import Work
from morphct.kernels.crofton import DIRECTIONS, pair_areas
from morphct.kernels.labels import contacts as contact_kernel
from morphct.kernels.labels import ids as id_kernel
from morphct.kernels.labels import sums as kernel
from morphct.measurement.all_passes import measure
from morphct.measurement.brick_pass import principal
from morphct.measurement.labelled import Labelled
from morphct.segment.labels import ids as label_images
from morphct.segment.labels.accumulators import Contacts, Grey, GreyCodes, Shape
from morphct.segment.labels.envelope import Envelope, crop_step
from morphct.segment.voids.ownership import Voids

SIZE = VoxelSize(0.05, 0.025, 0.03)


def packing(seed: int = 0, shape: tuple[int, int, int] = (17, 15, 19), n: int = 9) -> np.ndarray:
    """Labels (Z,Y,X) that touch one another, with background between some."""
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(0, 1, (n, 3)) * shape
    grid = np.stack(np.indices(shape), -1)
    far = np.linalg.norm(grid[..., None, :] - seeds, axis=-1)
    labels = far.argmin(-1).astype(np.int32) + 1
    return np.where(far.min(-1) < 5.5, labels, 0).astype(np.int32)


def hollow_packing(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, void labels and owners, the voids' voxels without label."""
    rng = np.random.default_rng(seed)
    labels = packing(seed)
    voids, owner = np.zeros_like(labels), [0]
    for at in np.argwhere(labels > 0)[rng.permutation(int((labels > 0).sum()))[:40]]:
        around = tuple(slice(max(0, a - 1), a + 2) for a in at)
        if (labels[around] == labels[tuple(at)]).all() and (voids[around] == 0).all():
            owner.append(int(labels[tuple(at)]))
            voids[tuple(at)] = len(owner) - 1
    return np.where(voids > 0, 0, labels).astype(np.int32), voids, np.array(owner)


@pytest.mark.parametrize("seed", [0, 1])
def test_moments_and_boxes_equal_plain_sums(seed):
    labels = packing(seed)
    shape = Shape.of(labels, 0)
    assert shape.first == labels[labels > 0].min()
    for row, label in enumerate(range(shape.first, labels.max() + 1)):
        if (labels == label).any():
            assert shape.moments[row].tolist() == naive.moments(labels, label)
            assert shape.boxes[row].tolist() == naive.box(labels, label)
            np.testing.assert_allclose(shape.covariances()[row], naive.covariance(labels, label), rtol=1e-12)


def test_moments_far_from_the_origin_are_exact():
    """The covariance of the same voxels at plane 2^20 has the same bits: the sums are shifted as whole numbers."""
    labels = packing(3)
    near, far = Shape.of(labels, 0), Shape.of(labels, 2**20)
    np.testing.assert_array_equal(near.covariances(), far.covariances())
    np.testing.assert_allclose(far.positions() - near.positions(), [[2.0**20, 0, 0]] * len(near.moments), atol=1e-9)


def test_second_moments_that_wrap_around_come_back():
    """Intermediate products pass 2^63 here; the central moments are small and right all the same."""
    shape = Shape.create(1, 1)
    n, z = 10**9, 2 * 10**9
    # z is beyond any volume; n voxels, half of them at z and half at z + 1
    shape.moments[0, :5] = [n, (n * z + n // 2) % 2**63, 0, 0, 0]
    exact = n // 2 * z * z + n // 2 * (z + 1) ** 2
    shape.moments[0, 1] = n * z + n // 2
    shape.moments[0, 4] = (exact + 2**63) % 2**64 - 2**63
    assert shape.covariances()[0, 0, 0] == 0.25


def test_an_empty_brick_adds_nothing():
    shape = Shape.of(np.zeros((2, 3, 4), np.int32), 5)
    assert len(shape.moments) == 0
    total = Shape.create(1, 4)
    total.merge(shape)
    assert not total.moments.any()


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f2", "f4", "f8", "u4", "i4", "i8", ">u2", ">f4"])
def test_grey_equals_plain_statistics(dtype):
    rng = np.random.default_rng(4)
    labels, voids, owner = hollow_packing(4)
    full = naive.filled(labels, voids, owner).astype(np.int32)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        values = rng.normal(3e4, 700, labels.shape).astype(dtype)
        values[rng.random(labels.shape) < 0.05] = np.nan
        values[0, 0, 0] = np.inf
    else:
        least, most = (np.iinfo(dtype).min, np.iinfo(dtype).max) if dtype.itemsize < 8 else (-(10**6), 10**6)
        values = rng.integers(least, most, labels.shape, dtype.newbyteorder("="), endpoint=True).astype(dtype)
    how = GreyCodes.of(dtype, kernel.grey_limits(values.astype(float)))
    sums = Grey.of(full, voids, how.codes(values), how)
    mean, spread = sums.finalize()
    for row, label in enumerate(range(sums.first, full.max() + 1)):
        wanted = naive.grey(full, voids, values.astype(float), label)
        np.testing.assert_allclose((mean[row], spread[row]), wanted, rtol=1e-12)


def test_grey_of_whole_numbers_is_exact_however_large():
    """Sums of squares beyond 2^64 keep a spread of one grey value on top of 4 billion."""
    labels = np.ones((1, 100, 100), np.int32)
    values = np.full(labels.shape, 2**31 - 2, np.int32)
    values[0, ::2] += 1
    _, spread = Grey.of(labels, np.zeros((0, 0, 0), np.int32), values, GreyCodes()).finalize()
    assert spread[0] == 0.5


OFFSETS = [
    (np.float64, 1e9), (np.float64, -1e12), (np.uint32, 2**32 - 101), (np.int32, -(2**31)), (np.int64, 2**63 - 10001),
    (np.int64, -(2**63) + 1), (np.uint64, 2**64 - 10001), (np.uint64, 2**40),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "offset"), OFFSETS)
def test_an_offset_of_the_greys_takes_no_digits(dtype, offset):
    """Standard deviations of voxels, of the particles' inside and of contacts are those of the greys without it."""
    rng = np.random.default_rng(7)
    labels = np.zeros((24, 24, 40), np.int32)
    labels[2:22, 2:22, 2:20], labels[2:22, 2:22, 20:38] = 1, 2
    plain = rng.integers(0, 100, labels.shape)
    plain = np.where(labels, plain, plain // 4) + 1  # a zero would be outside the field of view
    shifted = (plain.astype(object) + int(offset)).astype(dtype)
    voxels = VoxelSize(1.0, 1.0, 1.0, "px")
    near, far = (
        measure(Labelled(labels, 2, voxels), Work.of(24, planes), grey=grey, channels={"map": grey})
        for grey, planes in ((plain.astype(np.uint8), 24), (shifted, 5))
    )
    for name in ("grey_deviation", "grey_inside_spread", "grey_nearby_spread", "channel map deviation"):
        np.testing.assert_allclose(far.results[name], near.results[name], rtol=1e-9)
    for name in ("grey_average", "grey_inside", "grey_inner", "channel map average", "grey_background"):
        np.testing.assert_allclose(far.results[name], near.results[name] + float(offset), rtol=1e-15)
    pairs = far.results["pairs"], near.results["pairs"]
    np.testing.assert_allclose(pairs[0].grey, pairs[1].grey + float(offset), rtol=1e-15)
    np.testing.assert_allclose(far.profiles["map"][..., 2], near.profiles["map"][..., 2], rtol=1e-9)


def test_large_and_small_greys_together():
    """Zeros outside and particles near 2^32: no common step is fine enough, exact sums are."""
    labels = np.zeros((8, 8, 8), np.int32)
    labels[1:7, 1:7, 1:7] = 1
    high = np.where(labels, 2**32 - 1 - np.arange(512).reshape(8, 8, 8) % 37, 0).astype(np.uint32)
    found = measure(Labelled(labels, 1, SIZE), Work.of(8, 3), grey=high).results["grey_deviation"][0]
    assert found == pytest.approx((np.arange(512).reshape(8, 8, 8) % 37)[labels == 1].std(), rel=1e-12)


def test_voids_are_filled_and_counted():
    labels, voids, owner = hollow_packing(8)
    labels[voids == 1] = owner[1]  # one void carries its owner's label already
    filled, kept, counts = Envelope(labels, int(labels.max()), voids, owner).counted(Brick(0, 0, len(labels)), labels)
    np.testing.assert_array_equal(filled, naive.filled(labels, voids, owner))
    np.testing.assert_array_equal(kept, voids)
    inside = np.bincount(filled[voids > 0], minlength=len(counts))
    bare = np.bincount(filled[(voids > 0) & (labels == 0)], minlength=len(counts))
    np.testing.assert_array_equal(counts, np.column_stack([inside, bare]))


def test_limits_of_labels_and_greys():
    labels = np.array([[[0, 7, 3, 0]], [[0, 0, 12, 5]]], np.int32)
    assert kernel.label_range(labels) == (3, 12)
    assert kernel.label_range(labels * 0) == (0, 0)
    assert kernel.grey_limits(np.array([[[1.0, -8.0, np.nan, np.inf]]])) == 8


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_contacts_equal_plain_counts(seed):
    labels = packing(seed, n=20)
    keys, counts = contact_kernel.count_contacts(labels, (0, labels.shape[0], 0, labels.shape[1]))
    found = {(int(k >> 32), int(k & 0xFFFFFFFF)): c.tolist() for k, c in zip(keys, counts)}
    assert found == naive.contacts(labels, DIRECTIONS)


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize(("planes", "rows"), [(17, None), (1, None), (4, 5), (1, 1), (64, 3)])
def test_interfaces_equal_plain_means(planes, rows, seed):
    """Greys and boxes of all faces between two labels, however the volume is cut; half of the greys are not finite."""
    labels = packing(seed, n=12)
    rng = np.random.default_rng(seed)
    grey = np.where(rng.random(labels.shape) < 0.5, rng.normal(100, 20, labels.shape), np.nan)
    total = Contacts.create()
    how = GreyCodes.of(grey.dtype, kernel.grey_limits(grey))
    for brick in plan_bricks(labels.shape, planes, rows):
        outer = brick.widened((2, 2), labels.shape)
        part, codes = np.ascontiguousarray(labels[outer.here]), how.codes(grey[outer.here])
        total.merge(Contacts.of(part, brick.core(outer), codes, (outer.z0, outer.y0)))
    keys, counts = contact_kernel.count_contacts(labels, (0, labels.shape[0], 0, labels.shape[1]))
    order = np.argsort(keys)
    np.testing.assert_array_equal(total.keys, keys[order])
    np.testing.assert_array_equal(total.counts, counts[order])
    pairs = total.finalize((1.0, 1.0, 1.0), how)
    expected = naive.interfaces(labels, grey)
    for row, (at, near, box) in enumerate(zip(pairs.grey, pairs.grey_near, pairs.boxes)):
        values, more, places = expected[pairs.first[row] + 1, pairs.second[row] + 1]
        for found, wanted in ((at, values), (near, values + more)):
            finite = [v for v in wanted if np.isfinite(v)]
            np.testing.assert_allclose(found, np.mean(finite) if finite else np.nan, rtol=1e-7)
        low, high = np.min(places, axis=0), np.max(places, axis=0) + 1
        assert box.tolist() == np.column_stack([low, high]).reshape(-1).tolist()


def test_background_grey_leaves_out_what_is_outside():
    labels = np.array([[[0, 0, 0, 0, 5]]], np.int32)
    grey = np.array([[[2.0, 4.0, 0.0, np.nan, 9.0]]])
    how = GreyCodes.of(grey.dtype, 9.0)
    assert how.means(kernel.background_grey(labels, how.codes(grey), how.outside)[None]).tolist() == [3.0]


def test_contact_table_grows():
    """More pairs than the table begins with: every voxel its own label."""
    labels = np.arange(1, 9 * 8 * 7 + 1, dtype=np.int32).reshape(9, 8, 7)
    keys, counts = contact_kernel.count_contacts(labels, (0, 9, 0, 8))
    assert len(keys) == len(naive.contacts(labels, DIRECTIONS))
    assert counts[:, :13].max() == 1


def test_a_line_of_voxels_has_contacts_too():
    labels = np.array([[[1, 2]]], np.int32)
    assert contact_kernel.count_contacts(labels, (0, 1, 0, 1))[1][:, 0].tolist() == [1]
    assert len(contact_kernel.count_contacts(labels[:, :, :1].copy(), (0, 1, 0, 1))[0]) == 0


def test_interface_areas():
    """A flat face exactly, a closed interface within two percent, also with one axis coarse."""
    flat = np.zeros((12, 20, 30), np.int32)
    flat[:6], flat[6:] = 1, 2
    assert Contacts.of(flat).finalize((2.0, 1.0, 3.0)).area[0] == pytest.approx(20 * 30 * 3.0)
    for spacing in ((1.0, 1.0, 1.0), (2.0, 1.0, 1.0)):
        grid = np.indices((40, 40, 40)) * np.array(spacing)[:, None, None, None]
        far = np.linalg.norm(grid - (19.5 * np.array(spacing))[:, None, None, None], axis=0)
        nested = np.where(far <= 15, 1, 2).astype(np.int32)
        area = Contacts.of(nested).finalize(spacing).area[0]
        assert area == pytest.approx(4 * np.pi * 15**2, rel=0.02)


def test_pairs_that_meet_at_an_edge_alone_do_not_touch():
    labels = np.zeros((2, 2, 1), np.int32)
    labels[0, 0], labels[1, 1] = 1, 2
    assert len(Contacts.of(labels).keys) == 1
    assert len(Contacts.of(labels).finalize((1.0, 1.0, 1.0)).area) == 0


def test_direction_shares_of_a_cube_are_those_of_the_books():
    areas = np.unique(np.round(pair_areas((1.0, 1.0, 1.0)) * np.linalg.norm(DIRECTIONS, axis=1) / 4, 6))
    np.testing.assert_allclose(areas, [0.035196, 0.036981, 0.045778], atol=1e-6)


def flat_results(measured) -> dict[str, bytes]:
    """Every result as bytes."""
    out = {}
    for title, results in (("particles", measured.results), ("voids", measured.voids)):
        for name, value in results.items():
            parts = vars(value).values() if name == "pairs" else [value]
            out[f"{title}.{name}"] = b"".join(np.asarray(p).tobytes() for p in parts)
    return out


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_the_cut_changes_no_bit(dtype):
    labels, voids, owner = hollow_packing(7)
    grey = np.random.default_rng(7).normal(1000, 50, labels.shape).astype(dtype)
    n = int(labels.max())
    whole = None
    cuts = ((99, None, map), (1, None, map), (3, None, Threads(2)), (5, 6, Threads(3)), (1, 1, map), (99, 3, map))
    for planes, rows, run_map in cuts:
        work = Work.of(labels.shape, planes, run_map, rows)
        measured = measure(Labelled(labels, n, SIZE, Voids(voids, owner, len(owner) - 1)), work, grey=grey)
        found = flat_results(measured)
        whole = whole or found
        assert found == whole


def test_voids_with_and_without_their_owners_label_measure_alike():
    labels, voids, owner = hollow_packing(2)
    full = naive.filled(labels, voids, owner).astype(np.int32)
    work, held = Work.of(labels.shape[0], 4), Voids(voids, owner, len(owner) - 1)
    found = [measure(Labelled(image, int(full.max()), SIZE, held), work) for image in (labels, full)]
    results = [flat_results(m) for m in found]
    differing = {name for name in results[0] if results[0][name] != results[1][name]}
    # where a void touches another particle it is a contact when it carries its own one's label
    assert differing - {"particles.pairs", "particles.necks"} == {"particles.label_voxels"}
    missing = found[1].results["label_voxels"] - found[0].results["label_voxels"]
    np.testing.assert_array_equal(missing, found[0].results["void_voxels"])
    np.testing.assert_array_equal(missing, np.bincount(owner[1:], minlength=full.max() + 1)[1:])


def test_only_what_is_wanted_is_measured():
    labels = packing(1)
    measured = measure(Labelled(labels, int(labels.max()), SIZE), Work.of(17, 17), wanted={"voxels"})
    assert not {"pairs", "outer_area", "grey_average", "pieces"} & set(measured.results)


def test_principal_axes():
    """Longest along y; a sheet of one voxel is held at the variance of a voxel, of which z is the coarse edge."""
    sheet = np.zeros((3, 9, 5), np.int32)
    sheet[1] = 1
    variances, axes = principal(Shape.of(sheet, 0).covariances(), (2.0, 1.0, 1.0))
    np.testing.assert_allclose(variances[0], [80 / 12, 24 / 12, 4 / 12])
    np.testing.assert_allclose(axes[0], [[0, 1, 0], [0, 0, 1], [1, 0, 0]], atol=1e-12)


# ---- ids


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i4", "i8", "u8", ">u2", "?"])
def test_ids_of_any_type(dtype):
    rng = np.random.default_rng(5)
    image = rng.choice([0, 1] if dtype == "?" else [0, 3, 7, 100], (6, 7, 8)).astype(dtype)
    ids = label_images.find_ids(image, Work.of(6, 2))
    assert ids.tolist() == sorted({int(v) for v in image.ravel()} - {0})
    numbered = label_images.Numbered(image, ids)
    assert numbered[1:4].dtype == np.int32
    np.testing.assert_array_equal(
        numbered[0:6, 1:3, 2:5], np.searchsorted(ids, image[:, 1:3, 2:5]) + (image[:, 1:3, 2:5] > 0)
    )


def test_huge_ids_with_gaps():
    image = np.zeros((4, 5, 6), np.int64)
    image[0], image[1, :2], image[3, 4, 5] = 2**40, 5, 2**62
    ids = label_images.find_ids(image, Work.of(4, 1))
    assert ids.tolist() == [5, 2**40, 2**62]
    assert np.unique(label_images.Numbered(image, ids)[0:4]).tolist() == [0, 1, 2, 3]


def test_many_ids_that_share_their_low_bits():
    """Ids a multiple of 1024 apart all fall into one place of the kernel's memory."""
    image = (np.arange(1, 513).reshape(8, 8, 8) * 1024).astype(np.int64)
    assert np.unique(id_kernel.distinct_ids(np.tile(image, (1, 1, 3)))).tolist() == np.unique(image).tolist()


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (np.zeros((3, 3, 3)), "float64"),
        (np.full((3, 3, 3), -1), "negative|the id -1"),
        (np.full((3, 3, 3), 2**63, np.uint64), "above"),
        (np.zeros((3, 3), np.int32), r"\(3, 3\)"),
        (np.zeros((0, 3, 3), np.int32), r"\(0, 3, 3\)"),
    ],
)
def test_what_is_no_label_image_is_refused(image, word):
    with pytest.raises(InputError, match=word):
        label_images.find_ids(image, Work.of(max(1, image.shape[0]), 3))


# ---- crops


def test_crops_hold_one_particle_and_its_voids():
    labels, voids, owner = hollow_packing(6)
    full = naive.filled(labels, voids, owner)
    envelope = Envelope(labels, int(labels.max()), voids, owner)
    for label in np.unique(full[full > 0]):
        box = np.array(naive.box(full, label))
        crop = envelope.crop(box, np.array([label]))
        where = tuple(slice(a, b) for a, b in box.reshape(3, 2))
        np.testing.assert_array_equal(crop.mask, full[where] == label)
        solid = (full[where] == label) & (voids[where] == 0)
        np.testing.assert_array_equal(crop.mask if crop.solid is None else crop.solid, solid)
    both = envelope.crop(np.array([0, 17, 0, 15, 0, 19]), np.array([1, 2]))
    np.testing.assert_array_equal(both.mask, np.isin(full, (1, 2)))


def test_large_crops_are_read_coarsely(monkeypatch):
    from morphct.segment.labels import envelope as room

    labels = np.zeros((40, 40, 40), np.int32)
    labels[5:35, 5:35, 5:35] = 1
    size = VoxelSize(1.0, 1.0, 1.0, "px")
    fine = measure(Labelled(labels, 1, size), Work.of(40, 40)).results
    monkeypatch.setattr(room, "LARGEST_CROP_VOXELS", 30**3 // 4)
    assert crop_step(np.array([5, 35] * 3)) == 2
    coarse = measure(Labelled(labels, 1, size), Work.of(40, 40)).results
    assert (fine["step"][0], coarse["step"][0]) == (1, 2)
    for name in ("outer_area", "ball_inside", "ball_around", "width_max", "width_min"):
        assert coarse[name][0] == pytest.approx(fine[name][0], rel=0.08)
