"""Which particle, and where: label, voxels, centroid, bounding box, class."""

import numpy as np

from .registry import POSITIVE, descriptor

BOX = tuple(f"bbox_{axis}{end}" for axis in "zyx" for end in (0, 1))  # names of the columns of the bounding box


@descriptor(unit="voxels", symbol="n", source="count", bounds=(1, np.inf), also={"scikit-image": "area / num_pixels"})
def n_voxels(label_voxels):
    """Voxels that carry the particle's label in the label image."""
    return label_voxels


@descriptor(power=1, symbol=r"\bar z", source="first moment", also={"scikit-image": "centroid, with spacing"})
def centroid_z(position, spacing):
    """Mean z of the envelope's voxel centres; zero is the centre of the first voxel of the volume."""
    return position[:, 0] * spacing[0]


@descriptor(power=1, symbol=r"\bar y", source="first moment")
def centroid_y(position, spacing):
    """Mean y of the envelope's voxel centres; zero is the centre of the first voxel of the volume."""
    return position[:, 1] * spacing[1]


@descriptor(power=1, symbol=r"\bar x", source="first moment")
def centroid_x(position, spacing):
    """Mean x of the envelope's voxel centres; zero is the centre of the first voxel of the volume."""
    return position[:, 2] * spacing[2]


@descriptor(unit="voxels", source="bounding box", bounds=POSITIVE)
def bbox_z0(box):
    """First plane of the envelope's bounding box."""
    return box[:, 0]


@descriptor(unit="voxels", source="bounding box", bounds=POSITIVE)
def bbox_z1(box):
    """Plane after the last one of the envelope's bounding box."""
    return box[:, 1]


@descriptor(unit="voxels", source="bounding box", bounds=POSITIVE)
def bbox_y0(box):
    """First row of the envelope's bounding box."""
    return box[:, 2]


@descriptor(unit="voxels", source="bounding box", bounds=POSITIVE)
def bbox_y1(box):
    """Row after the last one of the envelope's bounding box."""
    return box[:, 3]


@descriptor(unit="voxels", source="bounding box", bounds=POSITIVE)
def bbox_x0(box):
    """First column of the envelope's bounding box."""
    return box[:, 4]


@descriptor(unit="voxels", source="bounding box", bounds=POSITIVE)
def bbox_x1(box):
    """Column after the last one of the envelope's bounding box."""
    return box[:, 5]


@descriptor(source="bounding box", also={"MorphoLibJ": "Remove Border Labels looks at the same"})
def touches_border(box, shape):
    """Whether the envelope reaches a face of the volume, so that part of the particle may be missing."""
    return (box[:, 0::2] == 0).any(1) | (box[:, 1::2] == np.asarray(shape)).any(1)


@descriptor(source="this project", also={"reference study": "its 17 % defective ones are porous or welded"})
def class_(void_fraction_expected, pairs, welds, limits):
    """`aggregate` when welded to a neighbour (the score of one of its contacts reaches `aggregates.score`), else
    `porous` from `aggregates.porous_fraction` of voids on (`void_fraction_expected`), else `single`."""
    words = np.where(void_fraction_expected >= limits.porous_fraction, "porous", "single").astype(object)
    welded = welds.score >= limits.score
    words[np.concatenate([pairs.first[welded], pairs.second[welded]])] = "aggregate"
    return words


@descriptor(source="this project")
def aggregate_id(group_number):
    """Number of the group of touching particles it belongs to (a row of the table of aggregates; empty when alone).
    Contacts at which the grey drops by `aggregates.gap_dip` are gaps and join nothing."""
    return group_number


@descriptor(source="this project")
def flags(flag_words):
    """What to know before using the row, and why cells of it are empty: words from a closed list, separated by `;`."""
    return flag_words


@descriptor(source="docs/bodies.md; the calibration, where there is one")
def not_resolved(unresolved_columns):
    """The columns of which the row's values are to be read with care, separated by `;`: it is smaller than they need to
    be good to about 5 % (where the scan was calibrated, to `calibrate.tolerance`)."""
    return unresolved_columns
