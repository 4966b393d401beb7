"""The crosswalk: what other programs call or mean by the same words, and how to get from their numbers to these.

One line per word of a program. `columns` are the columns here that it is about; where two numbers differ by more than a
factor, `--compat morphometry` adds the program's own (group `compat` of the glossary).
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A word of a program.

    Attributes
    ----------
    program, word : str
    meaning : str
        What it is there, with its estimator where that matters.
    columns : tuple of str
        Names of descriptors it is to be compared with; () when there is none.
    conversion : str
        How to get from one to the other.
    """

    program: str
    word: str
    meaning: str
    columns: tuple[str, ...]
    conversion: str


STUDY, MORPHOLIBJ, SUITE, BONEJ, FIJI = "reference study", "MorphoLibJ", "3D ImageJ Suite", "BoneJ", "Fiji"
PORESPY, SPAM, ITK, SKIMAGE, GEODICT = "PoreSpy", "SPAM", "ITK, SimpleITK", "scikit-image", "GeoDict"

SPHERICITY = (
    Word(
        STUDY,
        "sphericity S",
        "largest inscribed over smallest enclosing circle of silhouettes or slices: a cube is .71",
        ("sphericity_silhouette", "sphericity"),
        "`sphericity_silhouette` is the same; in 3D (`sphericity`) a cube is .577 and most particles lie .1 lower",
    ),
    Word(
        MORPHOLIBJ,
        "Sphericity",
        "36 π V²/A³, area by Crofton over 13 directions with the walls of holes; above 1 for few voxels",
        ("isoperimetric_quotient", "morpholibj_sphericity"),
        "its cube root is `sphericity_wadell`, within the error of its area",
    ),
    Word(
        SUITE,
        "Sphericity (raw)",
        "Wadell's, by the area of voxel faces: .67 for a sphere (1.02 with its corrected area)",
        ("sphericity_wadell", "imagej3d_sphericity"),
        "none: the area of voxel faces depends on the pose; compare with `imagej3d_sphericity`",
    ),
    Word(
        SUITE,
        "Compactness",
        "the cube of its sphericity",
        ("isoperimetric_quotient", "imagej3d_compactness"),
        "as above",
    ),
    Word(
        PORESPY,
        "sphericity",
        "Wadell's, area of a mesh around the mask grown by a voxel: .82 for a sphere of 20 voxels",
        ("sphericity_wadell", "porespy_sphericity"),
        "none that holds for all sizes; compare with `porespy_sphericity`, and note its version",
    ),
    Word(
        SPAM,
        "true sphericity",
        "Wadell's, area of the level one half of the mask blurred by .75 voxel; 0 below 256 voxels",
        ("sphericity_wadell", "spam_true_sphericity"),
        "within 2 % from 20 voxels across on, 4 to 6 % higher at 12",
    ),
    Word(
        ITK,
        "Roundness",
        "Wadell's sphericity, area by Crofton over 13 directions; nothing to do with corners",
        ("sphericity_wadell", "itk_roundness"),
        "the same within the error of its area",
    ),
    Word(
        GEODICT,
        "Sphericity (Sheppard)",
        "radius of the largest inscribed ball over that of the sphere of the same volume",
        ("geodict_sphericity",),
        "2 `inscribed_radius` / `equivalent_diameter`",
    ),
    Word(
        GEODICT,
        "Sphericity (Krumbein)",
        "cube root of bc/a² of the fitted shape",
        ("geodict_krumbein_sphericity",),
        "cube root of `ellipticity_yx` × `ellipticity_zx`",
    ),
    Word(
        BONEJ,
        "(none)",
        "its particle analyser gives volume and the area of marching cubes on the mask, 9 % high",
        ("sphericity_wadell", "skimage_surface_area"),
        "Wadell's from these is about 8 % low",
    ),
)
ROUNDNESS = (
    Word(
        STUDY,
        "roundness R",
        "mean radius of the corners' circles over that of the largest inscribed circle, on silhouettes",
        ("roundness",),
        "the same definition, but the parameters of an instrument alone move it by .3: compare ranks",
    ),
    Word(
        FIJI,
        "Round",
        "in 2D, 4 area / (π major axis²): an aspect ratio",
        (),
        "none; near `ellipticity_yx` of a flat particle",
    ),
)
SIZE = (
    Word(STUDY, "equivalent diameter", "of the sphere of the same volume", ("equivalent_diameter",), "the same"),
    Word(SKIMAGE, "equivalent_diameter_area", "the same, voids not filled", ("equivalent_diameter",), "the same"),
    Word(
        ITK,
        "EquivalentSphericalRadius",
        "a radius, voids not filled",
        ("equivalent_diameter",),
        "2 × it",
    ),
    Word(SPAM, "equivalent radius", "a radius in voxels, voids not filled", ("equivalent_diameter",), "2 × it × voxel"),
    Word(
        MORPHOLIBJ,
        "Centroid.X",
        "counted from the outer corner of the first voxel",
        ("centroid_x",),
        "less half a voxel: here zero is the middle of the first voxel",
    ),
    Word(
        ITK,
        "FeretDiameter",
        "largest distance between voxel centres",
        ("feret_max",),
        "half a voxel less than `feret_max`, which adds a quarter of a voxel at either end",
    ),
    Word(
        SKIMAGE,
        "feret_diameter_max",
        "largest distance on the mesh of the hull, half a voxel outside the centres",
        ("feret_max",),
        "a quarter to one voxel more than `feret_max`",
    ),
)
SURFACE = (
    Word(
        MORPHOLIBJ,
        "SurfaceArea",
        "Crofton over 13 directions, walls of holes included; a flat face along the axes reads 7 % low",
        ("surface_area", "surface_area_total", "morpholibj_surface_area"),
        "compare with `surface_area_total` where voids are holes in the label image",
    ),
    Word(
        ITK,
        "Perimeter",
        "in 3D the same Crofton area",
        ("surface_area", "itk_perimeter"),
        "as MorphoLibJ on cubic voxels",
    ),
    Word(
        PORESPY,
        "surface_area",
        "mesh around the mask grown by a voxel, in voxel units, open where it meets its box",
        ("surface_area", "porespy_surface_area"),
        "none; compare with `porespy_surface_area`",
    ),
    Word(
        SKIMAGE,
        "mesh_surface_area",
        "marching cubes on the mask: 9 % high for smooth bodies at any size",
        ("surface_area", "skimage_surface_area"),
        "divide by 1.09 for smooth bodies, by 1.12 for sharp-edged ones",
    ),
    Word(BONEJ, "SA", "marching cubes on the mask", ("surface_area", "skimage_surface_area"), "divide by about 1.09"),
    Word(
        FIJI,
        "Surface (3D Objects Counter)",
        "counted on the voxels of the surface: half as much again and more",
        ("surface_area",),
        "divide by about 1.5; it depends on the pose",
    ),
)
BALLS = (
    Word(
        MORPHOLIBJ,
        "InscrBall.Radius",
        "largest 3-4-5 chamfer distance times the x pixel, whatever y and z are",
        ("inscribed_radius", "morpholibj_inscribed_radius"),
        "2 to 7 % more on cubic voxels; none on others",
    ),
    Word(
        PORESPY,
        "inscribed_sphere",
        "ball at the largest distance of a voxel centre: 3 % low at 10 voxels",
        ("inscribed_radius",),
        "add up to half a voxel",
    ),
    Word(GEODICT, "Inner Diameter", "largest inscribed sphere by distance map", ("inscribed_radius",), "half of it"),
)
ELLIPSOID = (
    Word(
        STUDY, "e_yx, e_zx, e_zy", "ratios of axes", ("ellipticity_yx", "ellipticity_zx", "ellipticity_zy"), "the same"
    ),
    Word(
        MORPHOLIBJ,
        "Elli.R1, R2, R3",
        "semi-axes of the ellipsoid of the same moments, 1/12 voxel² added to the variances",
        ("semi_axis_a", "semi_axis_b", "semi_axis_c", "morpholibj_ellipsoid_r1"),
        "a² = R1² - 5/12 voxel²",
    ),
    Word(
        MORPHOLIBJ,
        "Elli.R1/R2, R1/R3, R2/R3",
        "ratios of these, 1 and above",
        ("ellipticity_yx", "ellipticity_zx", "ellipticity_zy"),
        "one over it, but for the 1/12",
    ),
    Word(SUITE, "EllMajRad", "semi-axis of the same moments", ("semi_axis_a",), "the same"),
    Word(
        SUITE,
        "Elongation, Flatness",
        "a/b and b/c",
        ("ellipticity_yx", "ellipticity_zy"),
        "one over `ellipticity_yx` and `ellipticity_zy`",
    ),
    Word(
        ITK,
        "Elongation, Flatness",
        "roots of ratios of principal moments: a/b and b/c",
        ("ellipticity_yx", "ellipticity_zy", "itk_elongation", "itk_flatness"),
        "one over `ellipticity_yx` and `ellipticity_zy`",
    ),
    Word(
        ITK,
        "EquivalentEllipsoidDiameter",
        "axes of the same ratios, scaled to the particle's volume",
        ("semi_axis_a", "equivalent_diameter"),
        "2a × cube root of (d_eq/2)³/(abc)",
    ),
    Word(
        SKIMAGE,
        "axis_major_length, axis_minor_length",
        "whole axes of the ellipsoid of the same moments (wrong in 3D in older versions)",
        ("semi_axis_a", "semi_axis_c", "skimage_axis_major_length"),
        "half of it",
    ),
    Word(
        BONEJ,
        "Major radius (fit ellipsoid)",
        "least-squares fit to the surface, not the moments",
        ("semi_axis_a",),
        "none; the same for ellipsoids only",
    ),
)
CONVEXITY = (
    Word(
        SKIMAGE,
        "solidity",
        "voxels over the volume of the hull of voxel corners: 7 to 17 % low at a radius of 10 voxels",
        ("solidity",),
        "none for small particles",
    ),
    Word(SPAM, "convex volume / volume", "lattice points in the hull over voxels", ("solidity",), "one over it"),
)
THICKNESS = (
    Word(
        BONEJ,
        "Tb.Th, thickness",
        "diameter of the largest ball through a point, balls on voxel centres",
        ("thickness_mean", "thickness_median"),
        "the same quantity; its mean is up to 6 % lower for thick bodies, 15 % higher for thin walls",
    ),
    Word(
        PORESPY,
        "local_thickness",
        "the RADIUS of that ball, in voxels; differs between versions",
        ("thickness_mean", "thickness_median"),
        "2 × it × voxel",
    ),
    Word(GEODICT, "Granulometry", "diameter of that ball, as a distribution", ("thickness_median",), "its median"),
)
VOIDS = (
    Word(BONEJ, "BV/TV", "solid over all voxels of the region", ("void_fraction",), "1 - BV/TV, inside the envelope"),
    Word(
        STUDY,
        "porous or aggregated, 17 %",
        "particles called defective",
        ("class",),
        "`defective_fraction` of the population numbers",
    ),
)
CONTACTS = (
    Word(SPAM, "coordination number", "contacts of a label", ("n_contacts",), "the same, where voxel faces are shared"),
    Word(
        PORESPY,
        "throat area",
        "voxel faces between regions, in voxels",
        ("contact_area",),
        "up to 1.7 times as much for oblique interfaces",
    ),
    Word(MORPHOLIBJ, "Interface Surface Area", "Crofton between two labels", ("contact_area",), "the same within 7 %"),
)
GREY = (
    Word(
        MORPHOLIBJ, "Mean, StdDev", "of the label's voxels", ("grey_mean", "grey_std"), "the same where voids are holes"
    ),
    Word(
        STUDY,
        "grey histograms of particle and air",
        "their widths compared",
        ("grey_heterogeneity",),
        "√(width² - width of the air²)",
    ),
)
TOPICS: dict[str, tuple[Word, ...]] = {
    "sphericity": SPHERICITY,
    "roundness": ROUNDNESS,
    "size and place": SIZE,
    "surface": SURFACE,
    "inscribed ball": BALLS,
    "ellipsoid": ELLIPSOID,
    "convexity": CONVEXITY,
    "thickness": THICKNESS,
    "voids": VOIDS,
    "contacts": CONTACTS,
    "grey": GREY,
}
FIELDS = ("topic", "program", "word", "meaning", "here", "conversion")


def crosswalk(columns: Sequence[str] | None = None) -> list[dict[str, str]]:
    """One row a word, by topic; keys are FIELDS, all values text.

    Parameters
    ----------
    columns : sequence of str, optional
        Only the words that are about one of these descriptors.
    """
    return [
        {
            "topic": topic,
            "program": word.program,
            "word": word.word,
            "meaning": word.meaning,
            "here": ", ".join(f"`{name}`" for name in word.columns) or "none",
            "conversion": word.conversion,
        }
        for topic, words in TOPICS.items()
        for word in words
        if columns is None or set(columns) & set(word.columns)
    ]
