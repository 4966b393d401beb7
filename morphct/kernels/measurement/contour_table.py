"""The marching-cubes table: which edges of a 2x2x2 cell the level surface cuts, and in which order.

Corner i of a cell is (z, y, x) = (i >> 2 & 1, i >> 1 & 1, i & 1); edge e joins the corners EDGE_ENDS[e]. For each of
the 256 sets of inside corners the table lists closed polygons of edges, all turning the same way round. On a face with
two inside corners across its diagonal the corners are kept apart: both cells of the face agree, so the surface is
watertight. `tests/naive/measurement/crops.py` derives the whole table again from that rule.

Source: Lorensen & Cline 1987, doi 10.1145/37402.37422; the polygons instead of triangles are our own, because a fan
around a polygon's middle looks the same from every side while a choice of diagonals does not.
"""

from __future__ import annotations

import numpy as np

EDGE_ENDS = np.array(
    [(0, 1), (0, 2), (0, 4), (1, 3), (1, 5), (2, 3), (2, 6), (3, 7), (4, 5), (4, 6), (5, 7), (6, 7)], np.int64
)
# bit i of the case number is corner i; polygons by their edges in hexadecimal, "/" between polygons, "-" none
_POLYGONS = """
- 012 043 1243 156 0562 043/156 24356 375 012/375 0475 12475 1376 03762 04761 2476 298 0198 043/298 19843
156/298 05698 043/156/298 356984 298/375 0198/375 0475/298 198475 1376/298 037698 04761/298 47698 48a 012/48a
08a3 128a3 156/48a 0562/48a 08a3/156 28a356 375/48a 012/375/48a 08a75 128a75 1376/48a 03762/48a 08a761 28a76
29a4 019a4 029a3 19a3 156/29a4 0569a4 029a3/156 3569a 29a4/375 019a4/375 029a75 19a75 1376/29a4 03769a4 029a761
69a7 6b9 012/6b9 043/6b9 1243/6b9 15b9 05b92 043/15b9 2435b9 375/6b9 012/375/6b9 0475/6b9 12475/6b9 137b9 037b92
047b91 247b9 26b8 016b8 043/26b8 16b843 15b82 05b8 043/15b82 35b84 26b8/375 016b8/375 0475/26b8 16b8475 137b82
037b8 047b821 47b8 48a/6b9 012/48a/6b9 08a3/6b9 128a3/6b9 15b9/48a 05b92/48a 08a3/15b9 28a35b9 375/48a/6b9
012/375/48a/6b9 08a75/6b9 128a75/6b9 137b9/48a 037b92/48a 08a7b91 28a7b9 26ba4 016ba4 026ba3 16ba3 15ba42 05ba4
0215ba3 35ba 26ba4/375 016ba4/375 026ba75 16ba75 137ba42 037ba4 021/7ba 7ba 7ab 012/7ab 043/7ab 1243/7ab 156/7ab
0562/7ab 043/156/7ab 24356/7ab 3ab5 012/3ab5 04ab5 124ab5 13ab6 03ab62 04ab61 24ab6 298/7ab 0198/7ab 043/298/7ab
19843/7ab 156/298/7ab 05698/7ab 043/156/298/7ab 356984/7ab 298/3ab5 0198/3ab5 04ab5/298 1984ab5 13ab6/298
03ab698 04ab61/298 4ab698 48b7 012/48b7 08b73 128b73 156/48b7 0562/48b7 08b73/156 28b7356 348b5 012/348b5 08b5
128b5 1348b6 0348b62 08b61 28b6 29b74 019b74 029b73 19b73 156/29b74 0569b74 029b73/156 3569b7 29b534 019b534
029b5 19b5 13429b6 034/69b 029b61 69b 67a9 012/67a9 043/67a9 1243/67a9 157a9 057a92 043/157a9 24357a9 3a965
012/3a965 04a965 124a965 13a9 03a92 04a91 24a9 267a8 0167a8 043/267a8 167a843 157a82 057a8 043/157a82 357a84
2653a8 01653a8 04a8265 165/4a8 13a82 03a8 04a821 4a8 48967 012/48967 089673 1289673 157489 0574892 0891573
289/357 348965 012/348965 08965 128965 13489 034892 0891 289 2674 01674 02673 1673 15742 0574 021573 357 26534
016534 0265 165 1342 034 021 -
"""


def polygon_table() -> np.ndarray:
    """The table as numbers for a kernel.

    Returns
    -------
    (256, 17) int8. A row holds polygon after polygon, each its number of edges and then the edges; 0 ends the row.
    """
    table = np.zeros((256, 17), np.int8)
    for case, text in enumerate(_POLYGONS.split()):
        row: list[int] = []
        for polygon in text.strip("-").split("/"):
            if polygon:
                row += [len(polygon), *(int(edge, 16) for edge in polygon)]
        table[case, : len(row)] = row
    return table
