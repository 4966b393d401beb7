"""Basins joined into particles: those parted by a shallow saddle, then best pair first by the better of two scores.

The graph is held in half links: link e joins `ends[2e]` and `ends[2e + 1]`. Each cluster keeps two lists of its half
links: those where it is the smaller of the two (scored again whenever it grows) and those where it is the larger: to
them a little growth changes little, so they are scored again when it has grown by an eighth, and before they join. So
one join costs the links of the cluster with fewer of them, and a giant that swallows thousands stays cheap.
"""

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from ..jit import jit, jit_inline
from .join_scores import NO_RIM_SHARE, compact, continuing, room

NONE = np.int64(-1)
REGROWN_PART = 8  # a cluster's other links are scored again when it has grown by this part of itself


@jit_inline
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@jit
def join_floor(order, pairs, saddles, peaks, floor):
    """Join basins whose lower peak rises less than `floor` above their saddle, saddles in the given order.

    Parameters
    ----------
    order : (E,) int64
        Links, highest saddle first.
    pairs : (E,2) int64; saddles : (E,) float64; peaks : (N,) float64, heights.

    Returns
    -------
    (N,) int64, for each basin the one whose peak is the highest of those joined with it (of equals: the first).
    """
    parent = np.arange(peaks.size)
    for e in order:
        a, b = _root(parent, pairs[e, 0]), _root(parent, pairs[e, 1])
        if a == b:
            continue
        if peaks[a] < peaks[b] or (peaks[a] == peaks[b] and a > b):
            a, b = b, a
        if peaks[b] - saddles[e] < floor:
            parent[b] = a
    for i in range(parent.size):
        parent[i] = _root(parent, i)
    return parent


class Links(NamedTuple):
    """Clusters and the links between them, N clusters and E links; all arrays are changed in place.

    ends (2E,) int64; size, surface, cut (N,) int64; peak (N,) float64; moments (N,9) int64; room (N,) float64, see
    `room`; scored (N,) int64, size when all links were scored last; area, rim, box, saddle (E,) int64; near (2,E)
    int64, lower and higher peak of the first clusters at the saddle; lists (2,N) int64, first half link of each list;
    after, before (2E,) int64; degree (N,) int64; keys, found (C,) int64 hash of pairs; queue, a `heapq` of (-score, key
    of the pair, link): the highest score first, of equals the pair with the lower ids; entries stay when a link is
    scored again or goes, and are dropped when they come to the front; waiting (E,) bool, whether a link is in the queue
    at its score (E,) float64.
    """

    ends: np.ndarray
    size: np.ndarray
    surface: np.ndarray
    cut: np.ndarray
    peak: np.ndarray
    moments: np.ndarray
    room: np.ndarray
    scored: np.ndarray
    area: np.ndarray
    rim: np.ndarray
    box: np.ndarray
    saddle: np.ndarray
    near: np.ndarray
    lists: np.ndarray
    after: np.ndarray
    before: np.ndarray
    degree: np.ndarray
    keys: np.ndarray
    found: np.ndarray
    queue: list
    waiting: np.ndarray
    score: np.ndarray


@jit_inline
def _key(a, b):
    return (min(a, b) << 32) | max(a, b)


@jit_inline
def _hashed(key, mask):
    mixed = key * np.int64(-7046029254386353131)
    return (mixed ^ (mixed >> 32)) & mask


@jit
def _find(keys, found, key):
    """The link of a pair, or NONE."""
    mask = keys.size - 1
    at = _hashed(key, mask)
    while keys[at] != NONE:
        if keys[at] == key:
            return found[at]
        at = (at + 1) & mask
    return NONE


@jit
def _remember(keys, found, key, link):
    mask = keys.size - 1
    at = _hashed(key, mask)
    while keys[at] != NONE:
        at = (at + 1) & mask
    keys[at], found[at] = key, link


@jit
def _forget(keys, found, key):
    """Take a pair out and close the gap, so that the table never fills with graves."""
    mask = keys.size - 1
    at = _hashed(key, mask)
    while keys[at] != key:
        at = (at + 1) & mask
    follow = (at + 1) & mask
    while keys[follow] != NONE:
        home = _hashed(keys[follow], mask)
        if ((follow - home) & mask) >= ((follow - at) & mask):
            keys[at], found[at] = keys[follow], found[follow]
            at = follow
        follow = (follow + 1) & mask
    keys[at] = NONE


@jit_inline
def _is_smaller(g, half):
    """Whether the cluster at this half link is the smaller of the two (of equals: the first)."""
    a, b = g.ends[half], g.ends[half ^ 1]
    return g.size[a] < g.size[b] or (g.size[a] == g.size[b] and a < b)


@jit
def _attach(ends, size, lists, after, before, degree, half):
    """Enter a half link at the head of the list it belongs to."""
    own, other = ends[half], ends[half ^ 1]
    smaller = size[own] < size[other] or (size[own] == size[other] and own < other)
    kind = 0 if smaller else 1
    head = lists[kind, own]
    after[half], before[half] = head, -2 - kind  # below NONE: the head of list `kind`
    if head != NONE:
        before[head] = half
    lists[kind, own] = half
    degree[own] += 1


@jit
def _detach(ends, lists, after, before, degree, half):
    own, ahead, behind = ends[half], after[half], before[half]
    if behind < NONE:
        lists[-2 - behind, own] = ahead
    else:
        after[behind] = ahead
    if ahead != NONE:
        before[ahead] = behind
    degree[own] -= 1


@jit
def _drop_stale(g):
    """Take entries from the front of the queue until the first one is what its link says today."""
    while len(g.queue) > 0:
        score, key, e = g.queue[0]
        if g.waiting[e] and score == -g.score[e] and key == _key(g.ends[2 * e], g.ends[2 * e + 1]):
            return
        heappop(g.queue)


@jit
def _rate(g, e, rule):
    """Score a link (again), by the better of its two scores; in the queue while it speaks for a join.

    The limit adds the same to both, `compact_rim` of it.
    """
    small = g.ends[2 * e] if _is_smaller(g, 2 * e) else g.ends[2 * e + 1]
    lower = min(g.peak[g.ends[2 * e]], g.peak[g.ends[2 * e + 1]])
    share = g.box[e] / (np.float64(g.rim[e]) * rule.box) if g.rim[e] > 0 else NO_RIM_SHARE
    neck = np.float64(g.area[e]) * rule.area / (np.pi * lower * lower)
    score = max(compact(g, e, small, neck, share, rule), continuing(g, e, small, neck, share, rule))
    score += rule.compact_rim * rule.limit
    if score > 0 and not (g.waiting[e] and score == g.score[e]):
        heappush(g.queue, (-score, _key(g.ends[2 * e], g.ends[2 * e + 1]), e))
    g.score[e] = score
    g.waiting[e] = score > 0


@jit
def _cut(g, e):
    """Take both half links of a link out of their lists."""
    _detach(g.ends, g.lists, g.after, g.before, g.degree, 2 * e)
    _detach(g.ends, g.lists, g.after, g.before, g.degree, 2 * e + 1)


@jit
def _tie(g, e):
    """Enter both half links of a link in the lists of their clusters."""
    _attach(g.ends, g.size, g.lists, g.after, g.before, g.degree, 2 * e)
    _attach(g.ends, g.size, g.lists, g.after, g.before, g.degree, 2 * e + 1)


@jit
def _grow(g, keep, gone, rule):
    """Give one cluster what the other holds and score what that changes of its links."""
    g.size[keep] += g.size[gone]
    g.surface[keep] += g.surface[gone]
    g.cut[keep] |= g.cut[gone]
    g.peak[keep] = max(g.peak[keep], g.peak[gone])
    for k in range(9):
        g.moments[keep, k] += g.moments[gone, k]
    g.room[keep] = room(g.size, g.moments, keep, keep)
    half = g.lists[0, keep]
    while half != NONE:
        following = g.after[half]
        if not _is_smaller(g, half):
            _cut(g, half >> 1)
            _tie(g, half >> 1)
        _rate(g, half >> 1, rule)
        half = following
    if g.size[keep] - g.scored[keep] >= g.scored[keep] // REGROWN_PART:
        g.scored[keep] = g.size[keep]
        half = g.lists[1, keep]
        while half != NONE:
            _rate(g, half >> 1, rule)
            half = g.after[half]


@jit_inline
def _take_saddle(g, same, e):
    """Give a link the saddle of another, and the peaks near it, if that is the higher; of equals the higher peaks."""
    if g.saddle[e] < g.saddle[same]:
        return
    for k in range(2):
        own = g.near[k, same] if g.saddle[e] == g.saddle[same] else np.int64(0)
        g.near[k, same] = max(own, g.near[k, e])
    g.saddle[same] = g.saddle[e]


@jit
def _absorb(g, link, rule):
    """Join the two clusters of a link; returns (the one that stays, the one that goes)."""
    keep, gone = g.ends[2 * link], g.ends[2 * link + 1]
    if g.degree[keep] < g.degree[gone] or (g.degree[keep] == g.degree[gone] and keep > gone):
        keep, gone = gone, keep
    g.waiting[link] = False
    _forget(g.keys, g.found, _key(keep, gone))
    _cut(g, link)
    _grow(g, keep, gone, rule)
    for kind in range(2):
        while g.lists[kind, gone] != NONE:
            half = g.lists[kind, gone]
            e, other = half >> 1, g.ends[half ^ 1]
            _forget(g.keys, g.found, _key(gone, other))
            _cut(g, e)
            same = _find(g.keys, g.found, _key(keep, other))
            if same == NONE:
                # out of the queue while its ends change: the order of the queue looks at them
                g.waiting[e] = False
                g.ends[half] = keep
                _remember(g.keys, g.found, _key(keep, other), e)
                _tie(g, e)
                _rate(g, e, rule)
            else:
                g.waiting[e] = False
                g.area[same] += g.area[e]
                g.rim[same] += g.rim[e]
                g.box[same] += g.box[e]
                _take_saddle(g, same, e)
                _rate(g, same, rule)
    return keep, gone


@jit
def join_best(ends, sizes, peak, moments, sums, rule):
    """Join the pair of the highest score, score what it changed again, go on while a score is above zero.

    Parameters
    ----------
    ends : (2E,) int64, clusters of each link, every pair once
    sizes : (3,N) int64
        Voxels, area towards background, and 1 where a face of the volume cuts it.
    peak : (N,) float64, height of the highest, shortest voxel edges
    moments : (N,9) int64, sums of z, y, x, zz, yy, xx, zy, zx, yx over the voxels
    sums : (6,E) int64
        Area, rim and box of each link, its saddle, and the lower and the higher peak of the two, SADDLE_UNIT to the
        shortest voxel edge.
    rule : Rule

    Returns
    -------
    steps : (M,2) int64
        The joins in order: the cluster that stays, and the one that goes into it.
    scores : (M,) float64
        The lowest score that was looked at up to each join, above zero: as much lower may the scores be for it still
        to be made.
    """
    n, links = peak.size, ends.size // 2
    capacity = 16
    while capacity < 2 * links + 16:
        capacity *= 2
    queue = [(0.0, NONE, NONE)]  # tells the type; numba (0.68) loses loops that follow `for _ in range(0)`
    queue.pop()
    g = Links(
        ends.copy(), sizes[0].copy(), sizes[1].copy(), sizes[2].copy(), peak.copy(), moments.copy(), np.zeros(n),
        sizes[0].copy(),
        sums[0].copy(), sums[1].copy(), sums[2].copy(), sums[3].copy(), sums[4:6].copy(),
        np.full((2, n), NONE), np.full(2 * links, NONE), np.full(2 * links, NONE), np.zeros(n, np.int64),
        np.full(capacity, NONE), np.full(capacity, NONE),
        queue, np.zeros(links, np.bool_), np.zeros(links, np.float64),
    )  # fmt: skip
    for i in range(n):
        g.room[i] = room(g.size, g.moments, i, i)
    for e in range(links):
        _remember(g.keys, g.found, _key(g.ends[2 * e], g.ends[2 * e + 1]), e)
        _tie(g, e)
        _rate(g, e, rule)
    made, steps, scores = 0, np.empty((n, 2), np.int64), np.empty(n, np.float64)
    least = np.inf
    _drop_stale(g)
    while len(g.queue) > 0:
        best = g.queue[0][2]
        least = min(least, g.score[best])  # the score as it was: a lower limit would have ended here
        _rate(g, best, rule)
        _drop_stale(g)
        if len(g.queue) > 0 and g.queue[0][2] == best:
            least = min(least, g.score[best])
            scores[made] = least
            steps[made, 0], steps[made, 1] = _absorb(g, best, rule)
            made += 1
            _drop_stale(g)
    return steps[:made].copy(), scores[:made].copy()
