"""Time left of a whole run: right when all goes as foretold, and mended when it does not."""

import pytest

from morphct.pipeline.outlook import Outlook

STAGES = {"denoise": 60.0, "split": 180.0, "measure": 600.0, "page": 60.0}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def played(pace, at):
    """Seconds left as told and in truth at time `at` of a run whose stages take `pace` times as long as foretold."""
    clock = Clock()
    outlook, end = Outlook(STAGES, clock), 0.0
    for name, seconds in STAGES.items():
        outlook.begin(name)
        start, end = end, end + pace * seconds
        if at < end:
            clock.now = at
            total = pace * sum(STAGES.values())
            return outlook.left((at - start) / (end - start)), total - at
        clock.now = end
    raise AssertionError


@pytest.mark.parametrize("pace", [0.5, 1.0, 2.0, 4.0])
def test_time_left_is_right_within_a_third_from_a_quarter_on(pace):
    for share in (0.25, 0.5, 0.7, 0.9):
        told, true = played(pace, share * pace * sum(STAGES.values()))
        assert told == pytest.approx(true, rel=0.3)


def test_at_the_start_it_is_what_was_foretold():
    outlook = Outlook(STAGES, Clock())
    assert outlook.left() == sum(STAGES.values())


def test_stages_passed_over_are_not_waited_for_and_parts_belong_to_their_stage():
    clock = Clock()
    outlook = Outlook(STAGES, clock)
    outlook.begin("measure")
    outlook.begin("measure particles")
    assert outlook.left() == pytest.approx(660)
    clock.now = 600
    outlook.begin("page")
    assert outlook.left() == pytest.approx(60)


def test_a_stage_that_lasts_longer_than_foretold_has_no_time_below_zero():
    clock = Clock()
    outlook = Outlook(STAGES, clock)
    outlook.begin("page")
    clock.now = 500
    assert outlook.left(0.99) >= 0
