"""How well particles, voids and verdicts are found on many kinds of powder, with default settings, beside the peers.

    scripts/scoreboard                      every case once, the tables and the figure in docs/ written anew
    scripts/scoreboard --seeds 501 502      with these seeds
    scripts/scoreboard --only family/rods   cases whose names begin so; nothing is written to docs/
    scripts/scoreboard --scales 20 40       families at these median diameters only
    scripts/scoreboard --no-peers --scales 20 40 76 150

Cases already in scoreboard-run/ are not run again: give --again after changing the code (the peers' results stay). Two
cases at a time.
"""

import argparse
import json
import multiprocessing
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
WORK = ROOT / "scoreboard-run"
SEEDS = [901, 902]  # none that anything was fitted to
OURS, PEERS = ".json", ".peers.json"


def _played(job: tuple[Any, Path]) -> dict[str, Any]:
    """Play a case, or the peers' side of it, and keep the result in the file."""
    from scoreboard_runs import play, play_peers

    case, file = job
    start = time.perf_counter()
    found = (play_peers if file.name.endswith(PEERS) else play)(case) | {"seconds": 0.0}
    found["seconds"] = round(time.perf_counter() - start, 1)
    file.write_text(json.dumps(found))
    return found


def run(wanted: list[Any], peers: bool, again: bool, workers: int) -> list[dict[str, Any]]:
    """Results of the cases, those of earlier runs from scoreboard-run/; the peers' never change."""
    WORK.mkdir(exist_ok=True)
    results: list[dict[str, Any]] = [{} for _ in wanted]
    missing = []
    for case, found in zip(wanted, results):
        name = case.key.replace("/", "_").replace(" ", "-")
        for end, asked in ((OURS, True), (PEERS, peers)):
            file = WORK / f"{name}{end}"
            if asked and (not file.is_file() or (again and end == OURS)):
                missing.append((case, file, found))
            elif file.is_file():
                found |= json.loads(file.read_text())
    with multiprocessing.get_context("spawn").Pool(min(workers, max(len(missing), 1)), maxtasksperchild=8) as pool:
        for (case, _, kept), found in zip(missing, pool.imap(_played, [(c, f) for c, f, _ in missing])):
            kept |= found
            ours = found.get("ours")
            told = (
                f"F1 {ours['f1']:.3f} within {ours['f1_interior']:.3f} count {ours['count_error']:+.1%}"
                if ours
                else f"peers F1 {max(score['f1'] for score in found['peers'].values()):.3f}"
            )
            print(f"{case.key:36s} {told} {found['seconds']:.0f} s", file=sys.stderr, flush=True)
    return results


def main() -> None:
    from scoreboard_page import PARTS, figure, page
    from scoreboard_phantoms import EDGES, cases

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--only", default="", help="cases whose names begin with this")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--again", action="store_true", help="play morphct's side anew, after changes of the code")
    parser.add_argument("--scales", type=int, nargs="+", default=[20, 40, 76], choices=EDGES, help="median diameters")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS, help="parts of the board")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    wanted = [case for case in cases(given.seeds, given.scales) if case.key.startswith(given.only)]
    wanted = [case for case in wanted if case.part in given.parts]
    if not wanted:
        sys.exit(f"no case begins with {given.only!r}")
    results = run(wanted, not given.no_peers, given.again, given.workers)
    text = page(results, given.seeds)
    print(text)
    if not given.only:
        (ROOT / "docs" / "scoreboard.md").write_text(text, encoding="utf-8")
        figure(results, ROOT / "docs" / "scoreboard.png")


if __name__ == "__main__":
    main()
