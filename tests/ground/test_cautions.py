"""Sentences a result has to be read with."""

from morphct.ground.cautions import DOUBT, LOG, MATTERS, WRONG, Caution, foremost


def test_three_at_most_the_weightiest_first_and_those_for_the_log_never():
    said = [Caution("a", MATTERS), Caution("b", LOG), Caution("c", WRONG), "plain", Caution("d", DOUBT)]
    said.append(Caution("c", WRONG))
    assert foremost(said) == ["c", "d", "a"]
    assert foremost([Caution("b", LOG)]) == []
