"""Settings of the search for voids inside particles."""

from dataclasses import dataclass

from ...ground.errors import SettingsError
from ...ground.options import Options, option


@dataclass(frozen=True)
class VoidOptions(Options):
    """How voids inside particles are found."""

    section = "voids"
    threshold: float | str = option(
        "auto",
        "depth of a void below the particle's grey, in units of residual noise; auto: from the number of false voids "
        "accepted; holes: the enclosed background of the mask instead (always so for otsu and fixed)",
        "sd",
        min=1,
        max=50,
    )
    false_per_particle: float = option(
        0.05, "false voids accepted in a particle of 40,000 voxels", "", min=1e-6, max=10
    )
    min_voxels: int = option(1, "smallest void kept", "voxels", min=1)
    seal: bool = option(
        True, "close voids that leak through a mouth of up to four voxels before splitting; they count as closed"
    )
    closing_radius: float = option(
        0.0,
        "radius of the ball that closes the mouths of open voids, particle by particle after splitting; 0: open voids "
        "are not looked for",
        "shortest voxel edges",
        min=0,
        max=50,
    )

    def validate(self) -> None:
        """Refuse words other than `auto` and `holes`."""
        super().validate()
        if isinstance(self.threshold, str) and self.threshold not in ("auto", "holes"):
            raise SettingsError(f"voids.threshold is {self.threshold!r}; allowed are auto, holes, or a number of sd")
