"""Cautions: sentences about what may be wrong with a result, each with its weight, and which are shown as warnings."""

from collections.abc import Iterable

LOG, MATTERS, DOUBT, WRONG = range(4)
"""For the log alone; moves some numbers; numbers may not be what they seem; the wrong thing may have been measured."""

MOST_WARNINGS = 3  # warnings that people still read; the rest stands in the log and in run.json


class Caution(str):
    """A sentence and its weight: LOG, MATTERS, DOUBT or WRONG."""

    weight: int

    def __new__(cls, sentence: str, weight: int = MATTERS) -> "Caution":
        """The sentence, with its weight."""
        made = super().__new__(cls, sentence)
        made.weight = weight
        return made


def weight_of(sentence: str) -> int:
    """Weight of a caution; a plain sentence matters."""
    return getattr(sentence, "weight", MATTERS)


def foremost(sentences: Iterable[str]) -> list[str]:
    """The (at most three) sentences that could change a conclusion, the weightiest first, each once."""
    worth = [s for s in dict.fromkeys(sentences) if weight_of(s) > LOG]
    return sorted(worth, key=lambda s: -weight_of(s))[:MOST_WARNINGS]
