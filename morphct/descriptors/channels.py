"""Co-registered maps (XRF, XANES peak position, d-spacing): the columns that each channel NAME adds."""

import dataclasses

from .registry import POSITIVE, Descriptor, descriptor

_PLACE = (
    "channel"  # what the inputs of the templates begin with; `interior_grey.channel_result` names the channel after it
)


@descriptor(symbol=r"\bar c", source="mean", empty="not_measured")
def mean(average):
    """Mean of the channel over the solid; voxels that are not finite were not measured and do not count."""
    return average


@descriptor(symbol=r"s_c", source="standard deviation", bounds=POSITIVE, empty="not_measured")
def std(deviation):
    """Standard deviation of the channel over the solid, noise included."""
    return deviation


@descriptor(symbol=r"\bar c_{inner} - \bar c_{outer}", source="docs/methods.md, 11", smallest=16, empty="no_interior")
def core_shell(inner, outer):
    """Mean of the channel over the deeper half of the solid less that over the shallower half, in the channel's own
    unit: halves by volume, by the distance to the outside, of the solid three voxels and more from any surface. Above
    zero, the channel rises towards the core."""
    return inner - outer


def of_channel(channel: str) -> list[Descriptor]:
    """The descriptors of a channel."""
    templates = (mean.descriptor, std.descriptor, core_shell.descriptor)  # type: ignore[attr-defined]
    return [
        dataclasses.replace(
            template,
            name=f"{channel}_{template.name}",
            group="channels",
            inputs=tuple(f"{_PLACE} {channel} {name}" for name in template.inputs),
        )
        for template in templates
    ]
