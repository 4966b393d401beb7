"""Names of axes as files write them (`depth`, `rows`, `theta`) and the letters z, y, x they mean."""

from collections.abc import Sequence

from ..ground.errors import InputError

_WORDS = {
    "z": ("z", "depth", "plane", "slice", "section", "sl", "zdim", "axial"),
    "y": ("y", "row", "height", "line", "ydim"),
    "x": ("x", "col", "column", "width", "xdim"),
    "c": ("c", "channel", "band", "ch"),
    "t": ("t", "time", "frame", "tdim"),
    "a": ("a", "angle", "theta", "rotation", "rotation_angle", "projection", "proj", "omega", "tilt"),
}
_LETTERS = {word: letter for letter, words in _WORDS.items() for word in words}


def axis_letter(name: str) -> str:
    """`z`, `y`, `x`, `c`, `t`, `a` (an angle: projections) or "" for a name that says nothing."""
    word = name.strip().lower().replace(" ", "_")
    for head in ("axis_", "dim_", "pixel_", "image_", "space_"):
        word = word.removeprefix(head)
    for tail in ("_axis", "_axes", "_index", "_um", "_nm", "_mm", "_position", "_pos", "_coordinate", "_coord"):
        word = word.removesuffix(tail)
    if word.rpartition("_")[2] in ("z", "y", "x") and not word.startswith(("rot", "theta", "angle", "tilt")):
        word = word.rpartition("_")[2]  # sample_x, pos_z
    return _LETTERS.get(word) or _LETTERS.get(word.removesuffix("s"), "")


def letters_of(names: Sequence[str], what: str) -> str | None:
    """A letter an axis, `?` for an unknown name; None when the names do not tell x, y and z apart.

    Raises
    ------
    InputError
        When two axes have one name, or one is an angle.
    """
    letters = "".join(axis_letter(name) or "?" for name in names)
    if "a" in letters and (set("zyx") & set(letters) or names[letters.index("a")].lower() != "a"):
        raise InputError(
            f"{what} holds projections, not a volume (its axes are {', '.join(names)}); reconstruct it and give that"
        )
    twice = next((letter for letter in "zyxct" if letters.count(letter) > 1), None)
    if twice is not None:
        raise InputError(f"{what} names its axes {', '.join(names)}, two of them alike; mend the names in the file")
    if sum(letter in letters for letter in "zyx") < 2:
        return None
    if "?" in letters:  # the one space axis that is not named
        missing = [letter for letter in "zyx" if letter not in letters]
        if letters.count("?") == 1 and len(missing) == 1:
            return letters.replace("?", missing[0])
    return letters
