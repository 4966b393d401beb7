"""Columns in the conventions of other programs, for lots measured with them; only with `--compat morphometry`.

All are of the voxels that carry the label, as the program would find them in the label image: in `run` voids are
filled, in a label image made elsewhere holes stay holes. Values above 1 are left as these programs would give them.
"""

import numpy as np

from .registry import POSITIVE, descriptor


def _psi(volume, area):
    """Area of the sphere of a volume over an area."""
    return np.cbrt(np.pi) * np.cbrt(6 * volume) ** 2 / area


def _radii(label_covariance):
    """Semi-axes (N, 3) of the ellipsoid of these second moments, descending."""
    spread = np.linalg.eigvalsh(label_covariance)[:, ::-1]
    return np.sqrt(5 * np.maximum(spread, 0))


def _voxel_term(spacing):
    """What MorphoLibJ adds to the covariance (3, 3): the second moment of a voxel."""
    return np.diag(np.square(spacing)) / 12


@descriptor(power=2, symbol=r"A_{13}", source="MorphoLibJ, Analyze Regions 3D: SurfaceArea", bounds=POSITIVE)
def morpholibj_surface_area(crofton_area):
    """Crofton's formula over 13 directions, weighted by their share of the sphere; walls of holes count."""
    return crofton_area


@descriptor(symbol=r"36\pi V^2/A_{13}^3", source="MorphoLibJ, Analyze Regions 3D: Sphericity", bounds=POSITIVE)
def morpholibj_sphericity(label_voxels, voxel_volume, morpholibj_surface_area):
    """Squared volume against cubed area; its cube root is a sphericity as Wadell, PoreSpy and ITK mean it."""
    return 36 * np.pi * (label_voxels * voxel_volume) ** 2 / morpholibj_surface_area**3


@descriptor(
    power=1, symbol=r"\max d_{345} / 3", source="MorphoLibJ, Analyze Regions 3D: InscrBall.Radius", bounds=POSITIVE
)
def morpholibj_inscribed_radius(chamfer_radius, spacing):
    """Largest 3-4-5 chamfer distance to what is not the particle, times the voxel's edge along x whatever the others
    are."""
    return chamfer_radius * spacing[2]


@descriptor(power=1, symbol=r"\sqrt{5(\lambda_1 + 1/12)}", source="MorphoLibJ: Elli.R1", bounds=POSITIVE)
def morpholibj_ellipsoid_r1(label_covariance, spacing):
    """Longest semi-axis of the ellipsoid of the same second moments, those of a voxel added."""
    return _radii(label_covariance + _voxel_term(spacing))[:, 0]


@descriptor(power=1, symbol=r"\sqrt{5(\lambda_2 + 1/12)}", source="MorphoLibJ: Elli.R2", bounds=POSITIVE)
def morpholibj_ellipsoid_r2(label_covariance, spacing):
    """Middle semi-axis of the ellipsoid of the same second moments, those of a voxel added."""
    return _radii(label_covariance + _voxel_term(spacing))[:, 1]


@descriptor(power=1, symbol=r"\sqrt{5(\lambda_3 + 1/12)}", source="MorphoLibJ: Elli.R3", bounds=POSITIVE)
def morpholibj_ellipsoid_r3(label_covariance, spacing):
    """Shortest semi-axis of the ellipsoid of the same second moments, those of a voxel added."""
    return _radii(label_covariance + _voxel_term(spacing))[:, 2]


@descriptor(symbol=r"\pi^{1/3}(6V)^{2/3}/A_f", source="3D ImageJ Suite: Sphericity(Unit)", bounds=POSITIVE)
def imagej3d_sphericity(label_voxels, voxel_volume, face_area):
    """Sphericity by the area of voxel faces, two thirds for a ball of any size."""
    return _psi(label_voxels * voxel_volume, face_area)


@descriptor(symbol=r"36\pi V^2/A_f^3", source="3D ImageJ Suite: Compactness(Unit)", bounds=POSITIVE)
def imagej3d_compactness(imagej3d_sphericity):
    """The cube of its sphericity."""
    return imagej3d_sphericity**3


@descriptor(unit="voxels²", symbol=r"A_{ps}", source="PoreSpy 3.2, regionprops_3D: surface_area", bounds=POSITIVE)
def porespy_surface_area(porespy_mesh_area):
    """Marching cubes around the mask grown by one voxel, in voxel units whatever the voxel size is."""
    return porespy_mesh_area


@descriptor(symbol=r"\pi^{1/3}(6n)^{2/3}/A_{ps}", source="PoreSpy 3.2, regionprops_3D: sphericity", bounds=POSITIVE)
def porespy_sphericity(label_voxels, porespy_surface_area):
    """Sphericity of the voxel count by PoreSpy's area, which encloses a larger body: about .82 for a ball."""
    return _psi(label_voxels, porespy_surface_area)


@descriptor(power=2, symbol=r"A_{mc}", source="scikit-image: marching_cubes, mesh_surface_area", bounds=POSITIVE)
def skimage_surface_area(mask_mesh_area):
    """Marching cubes on the binary mask at one half, 9 % high on smooth bodies; BoneJ's area is of this kind."""
    return mask_mesh_area


@descriptor(power=1, symbol=r"2\sqrt{5\lambda_1}", source="scikit-image: axis_major_length", bounds=POSITIVE)
def skimage_axis_major_length(label_covariance):
    """Longest axis, a diameter, of the ellipsoid of the same second moments."""
    return 2 * _radii(label_covariance)[:, 0]


@descriptor(power=1, symbol=r"2\sqrt{5\lambda_3}", source="scikit-image: axis_minor_length", bounds=POSITIVE)
def skimage_axis_minor_length(label_covariance):
    """Shortest axis, a diameter, of the ellipsoid of the same second moments."""
    return 2 * _radii(label_covariance)[:, 2]


@descriptor(
    symbol=r"\pi^{1/3}(6n)^{2/3}/A_{sp}", source="SPAM: label.trueSphericity", bounds=POSITIVE, empty="no_surface"
)
def spam_true_sphericity(label_voxels, spam_mesh_area):
    """Sphericity by the level one half of the mask blurred by .75 voxel, in voxel units; empty below 256 voxels."""
    return _psi(label_voxels, spam_mesh_area)


@descriptor(power=2, symbol=r"A_{13}", source="ITK, LabelShapeStatistics: Perimeter", bounds=POSITIVE)
def itk_perimeter(crofton_area_fixed):
    """In 3D an area: Crofton's formula over 13 directions, with the shares of cubic voxels whatever the voxels are."""
    return crofton_area_fixed


@descriptor(symbol=r"\pi^{1/3}(6V)^{2/3}/A_{13}", source="ITK, LabelShapeStatistics: Roundness", bounds=POSITIVE)
def itk_roundness(label_voxels, voxel_volume, itk_perimeter):
    """Area of the sphere of the same volume over the perimeter: a sphericity after Wadell, no roundness of corners."""
    return _psi(label_voxels * voxel_volume, itk_perimeter)


@descriptor(symbol=r"\sqrt{\lambda_1/\lambda_2}", source="ITK, LabelShapeStatistics: Elongation", bounds=POSITIVE)
def itk_elongation(label_covariance):
    """Longest over middle axis, 1 and above."""
    radii = _radii(label_covariance)
    return radii[:, 0] / radii[:, 1]


@descriptor(symbol=r"\sqrt{\lambda_2/\lambda_3}", source="ITK, LabelShapeStatistics: Flatness", bounds=POSITIVE)
def itk_flatness(label_covariance):
    """Middle over shortest axis, 1 and above."""
    radii = _radii(label_covariance)
    return radii[:, 1] / radii[:, 2]


@descriptor(
    symbol=r"r_{ins}/r_{eq}", source="GeoDict, GrainFind: Sphericity after Sheppard", bounds=POSITIVE, smallest=16
)
def geodict_sphericity(inscribed_radius, equivalent_diameter):
    """Radius of the largest inscribed ball over that of the sphere of the same volume."""
    return 2 * inscribed_radius / equivalent_diameter


@descriptor(
    symbol=r"\sqrt[3]{bc/a^2}", source="GeoDict, GrainFind: Sphericity after Krumbein", bounds=POSITIVE, smallest=10
)
def geodict_krumbein_sphericity(semi_axis_a, semi_axis_b, semi_axis_c):
    """Cube root of the product of the shorter axes over the square of the longest."""
    return np.cbrt(semi_axis_b * semi_axis_c / semi_axis_a**2)
