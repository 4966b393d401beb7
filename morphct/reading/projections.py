"""Raw projections, told by what lies beside them (angles, image keys, flat fields): not reconstructed, so refused."""

from collections.abc import Mapping, Sequence

from ..ground.errors import InputError

_ANGLES = {"theta", "thetas", "rotationangle", "rotationangles", "angle", "angles", "omega", "imagekey"}
_ANGLES |= {"imagekeycontrol", "projectionangles", "projangles", "ang", "tiltangles", "anglesdeg", "anglesrad"}
_FIELDS = {"datawhite", "datadark", "white", "whites", "dark", "darks", "flat", "flats", "flatfield", "darkfield"}
_FIELDS |= {"whitefield", "flatfields", "darkfields", "flatfieldimages"}


def refuse_projections(
    what: str, lengths: Sequence[int], beside: Mapping[str, Sequence[int]], definition: str = ""
) -> None:
    """Refuse an array that is a set of projections.

    Parameters
    ----------
    what : str
        The array, for messages.
    lengths : sequence of int
        Lengths of its axes.
    beside : mapping of name to shape
        Arrays that belong to it.
    definition : str
        The NeXus application definition it is stored under.

    Raises
    ------
    InputError
        One sentence with what gives them away.
    """
    reason = betrayed(lengths, beside) or (f"stored as {definition}" if definition.strip().lower() == "nxtomo" else "")
    if reason:
        raise InputError(f"{what} holds projections, not a volume ({reason}); reconstruct it and give that")


def betrayed(lengths: Sequence[int], beside: Mapping[str, Sequence[int]]) -> str:
    """What beside an array says that it is a set of projections, "" when nothing does."""
    for name, shape in beside.items():
        word = _word(name)
        long = [int(n) for n in shape if n != 1]
        if word in _ANGLES and len(long) == 1 and long[0] in lengths:
            return f"with {long[0]} values of {name}"
        if word in _FIELDS and len(long) in (2, 3) and long[-1] == lengths[-1]:
            return f"with {name} beside it"
    return ""


def is_field(name: str) -> bool:
    """Whether an array is named as a flat or dark field."""
    return _word(name) in _FIELDS


def _word(name: str) -> str:
    return "".join(c for c in name.rpartition("/")[2].lower() if c.isalnum())
