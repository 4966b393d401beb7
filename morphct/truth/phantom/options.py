"""Settings of a phantom and the families its particles come from."""

from dataclasses import dataclass
from typing import ClassVar

from ...ground.errors import SettingsError
from ...ground.options import Options, option

# share of particles by family; "bimodal", "sponge" and "dense" also change sizes, grouping or packing (see `mix`)
FAMILIES = ("near-round", "irregular", "faceted", "rods", "plates", "ellipsoids", "spheres")
# one body each, though bent, branched, bulging or hollow (see `compound`), without voids but the hollows of shells
COMPOUNDS = ("tubes", "coils", "dendrites", "lobed", "shells")
PRESETS = ("mixed", *FAMILIES, "bimodal", "sponge", "dense", *COMPOUNDS)
MIXES: dict[str, dict[str, float]] = {
    "mixed": {"irregular": 0.4, "faceted": 0.25, "near-round": 0.2, "rods": 0.08, "plates": 0.07},
    "bimodal": {"irregular": 0.5, "near-round": 0.5},
    "sponge": {"near-round": 0.6, "irregular": 0.4},
    "dense": {"faceted": 0.5, "irregular": 0.5},
}
# of the volume, where the family packs unlike the others
FILLINGS = {"dense": 0.55, "sponge": 0.25} | dict.fromkeys(COMPOUNDS, 0.2)
PLACEMENTS = ("random", "central", "shell", "clustered", "mixed")


def mix(preset: str) -> dict[str, float]:
    """Share of particles by family of a preset."""
    return MIXES.get(preset, {preset: 1.0})


@dataclass(frozen=True)
class PhantomOptions(Options):
    """What powder to draw; lengths in voxels are cube roots of the voxel's volume where its edges differ."""

    section: ClassVar[str] = "phantom"

    # fmt: off
    depth: int = option(256, "planes of the volume (z)", "voxels", 8, 8192)
    height: int = option(256, "rows of a plane (y)", "voxels", 8, 8192)
    width: int = option(256, "columns of a plane (x)", "voxels", 8, 8192)
    voxel_size: str = option("25nm", "edge of a voxel, or z,y,x edges: 75nm,25nm,25nm")
    seed: int = option(0, "the same seed and settings give the same bytes", "", 0, 2**63 - 1)
    family: str = option("mixed", "shapes of the particles, or a whole kind of powder", choices=PRESETS)
    solid: float | None = option(None, "share of the volume in particles; empty: as the family packs", "", 0.0, 0.75)
    diameter: float = option(28.0, "median volume-equivalent diameter of the particles", "voxels", 3.0, 2000.0)
    sigma: float = option(0.4, "spread of the diameters: sd of their logarithm", "", 0.0, 1.5)
    smallest: float = option(8.0, "no particle is smaller than this diameter", "voxels", 2.0, 2000.0)
    group_share: float = option(0.35, "share of the groups drawn that have more than one particle", "", 0.0, 1.0)
    group_members: float = option(3.0, "mean number of particles of such a group", "", 2.0, 200.0)
    weld_share: float = option(0.4, "share of the contacts inside groups that are welded by a neck", "", 0.0, 1.0)
    neck: float = option(0.5, "radius of a weld neck over the radius of the smaller particle", "", 0.05, 0.95)
    settle: bool = option(False, "push every group along the axes until it touches others, as `dense` always does")
    porous_share: float = option(0.4, "share of the particles that have voids", "", 0.0, 1.0)
    void_fraction: float = option(0.08, "mean share of a porous particle that is void", "", 0.0, 0.5)
    void_diameter: float = option(5.0, "median diameter of the voids", "voxels", 1.5, 500.0)
    void_growth: float = option(0.5, "void diameters grow with the particle's diameter to this power", "", 0.0, 1.5)
    void_sigma: float = option(0.35, "spread of the void diameters: sd of their logarithm", "", 0.0, 1.5)
    void_smallest: float = option(2.5, "no void is smaller than this diameter", "voxels", 1.0, 500.0)
    void_wall: float = option(1.5, "least solid around a sealed void", "voxels", 1.0, 50.0)
    void_placement: str = option("mixed", "where in a particle the voids lie", choices=PLACEMENTS)
    open_share: float = option(0.12, "share of the voids that open to the outside", "", 0.0, 1.0)
    phases: int = option(3, "2: air and particles; 3: glue as well", "", 2, 3)
    glue_wet: float = option(0.5, "share of the volume where glue hangs at contacts and films surfaces", "", 0.0, 1.0)
    glue_bulk: float = option(0.15, "share of the volume that is full of glue", "", 0.0, 1.0)
    glue_reach: float = option(2.5, "size of the glue menisci", "voxels", 0.5, 12.0)
    grey_air: float = option(4255.0, "grey of air", "grey", 0.0, 65535.0)
    grey_glue: float = option(4900.0, "grey of glue", "grey", 0.0, 65535.0)
    grey_particle: float = option(5737.0, "grey of the particles", "grey", 0.0, 65535.0)
    blur: float = option(0.7, "sd of the Gaussian blur of the optics", "voxels", 0.0, 10.0)
    noise: float = option(649.0, "sd of the noise", "grey", 0.0, 30000.0)
    cnr: float | None = option(None, "(particle - air)/sd of the noise; given, it replaces `noise`", "", 0.1, 1000.0)
    snr: float | None = option(None, "particle/sd of the noise; given, it replaces `noise`", "", 0.1, 10000.0)
    noise_blur: float = option(0.0, "sd of the Gaussian that correlates the noise", "voxels", 0.0, 6.0)
    bits: int = option(16, "bits of a grey value; 8 maps grey_low to 0 and grey_high to 255", "", 8, 16)
    grey_low: float = option(1000.0, "grey that becomes 0 in 8 bits", "grey", 0.0, 65535.0)
    grey_high: float = option(9000.0, "grey that becomes 255 in 8 bits", "grey", 0.0, 65535.0)
    # fmt: on

    def validate(self) -> None:
        """Refuse values out of range and pairs that contradict each other.

        Raises
        ------
        SettingsError
            One sentence: what was found and what is allowed.
        """
        super().validate()
        if self.cnr is not None and self.snr is not None:
            raise SettingsError("phantom.cnr and phantom.snr are both given; give one, it sets the noise")
        if self.bits not in (8, 16):
            raise SettingsError(f"phantom.bits is {self.bits}; allowed are 8, 16")
        if self.bits == 8 and self.grey_high <= self.grey_low:
            raise SettingsError(f"phantom.grey_high is {self.grey_high:g}; it must be above phantom.grey_low")
        if self.smallest > self.diameter * 3:
            raise SettingsError(f"phantom.smallest is {self.smallest:g}; allowed is 3 phantom.diameter and below")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(Z, Y, X) voxels."""
        return (self.depth, self.height, self.width)

    @property
    def grey_type(self) -> str:
        """Type of a grey value."""
        return f"uint{self.bits}"

    @property
    def filling(self) -> float:
        """Wanted share of the volume in particles."""
        return self.solid if self.solid is not None else FILLINGS.get(self.family, 0.35)

    @property
    def noise_sd(self) -> float:
        """Standard deviation of the noise in grey, from `cnr` or `snr` where given."""
        if self.cnr is not None:
            return abs(self.grey_particle - self.grey_air) / self.cnr
        return self.noise if self.snr is None else self.grey_particle / self.snr
