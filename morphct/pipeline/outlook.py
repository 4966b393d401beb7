"""How far a run is as a whole, and how long the rest will take: what was foretold, corrected by what has passed."""

import time
from collections.abc import Callable, Mapping

TRUSTED_SECONDS = 20.0  # of what was foretold: as much has to pass before the ratio of the two counts half


class Outlook:
    """The stages of a run against what was foretold of them.

    Parameters
    ----------
    stages : mapping of str to float
        Seconds foretold of each stage, in order.
    clock : callable
        Seconds, from any zero.
    """

    def __init__(self, stages: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self._waiting = dict(stages)
        self._clock = clock
        self._name, self._begun = "", clock()
        self._passed = self._of_it_foretold = 0.0

    def begin(self, name: str) -> None:
        """A stage begins, and so the one before has ended; stages that were passed over are not waited for.

        A name that was not foretold is a part of the stage under way.
        """
        now = self._clock()
        if name == self._name or name not in self._waiting:
            return
        if self._name in self._waiting:
            self._passed += now - self._begun
            self._of_it_foretold += self._waiting.pop(self._name)
        for passed_over in list(self._waiting):
            if passed_over == name:
                break
            del self._waiting[passed_over]
        self._name, self._begun = name, now

    @property
    def ratio(self) -> float:
        """What took place over what was foretold, so far."""
        return (self._passed + TRUSTED_SECONDS) / (self._of_it_foretold + TRUSTED_SECONDS)

    def left(self, share: float = 0.0) -> float:
        """Seconds until the end, `share` of the stage under way being done."""
        taken = self._clock() - self._begun
        foretold = self.ratio * self._waiting.get(self._name, 0.0)
        # a stage tells its own pace the better the more of it is done
        own = taken / share if share > 0 else max(foretold, taken)
        whole = share * own + (1 - share) * max(foretold, taken)
        rest = self.ratio * sum(seconds for name, seconds in self._waiting.items() if name != self._name)
        return max(0.0, whole - taken) + rest
