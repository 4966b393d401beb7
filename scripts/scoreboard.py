"""How well particles, voids and verdicts are found on many kinds of powder, with default settings, beside the peers.

    scripts/scoreboard                      every case once, the tables and the figure in docs/ written anew
    scripts/scoreboard --seeds 501 502      with these seeds
    scripts/scoreboard --only family/rods   cases whose names begin so; nothing is written to docs/
    scripts/scoreboard --scales 20 40       families at these median diameters only
    scripts/scoreboard --no-peers --scales 20 40 76 150

Cases already in scoreboard-run/ are not run again; delete the folder after changing the code. Two cases at a time.
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


def _played(job: tuple[Any, bool]) -> dict[str, Any]:
    from scoreboard_runs import play

    case, peers = job
    start = time.perf_counter()
    found = play(case, peers) | {"seconds": 0.0}
    found["seconds"] = round(time.perf_counter() - start, 1)
    return found


def run(wanted: list[Any], peers: bool, workers: int) -> list[dict[str, Any]]:
    """Results of the cases, those of earlier runs from scoreboard-run/."""
    WORK.mkdir(exist_ok=True)
    files = {case: WORK / f"{case.key.replace('/', '_').replace(' ', '-')}.json" for case in wanted}
    results = {}
    for case, file in files.items():
        if file.is_file():
            kept = json.loads(file.read_text())
            if "peers" in kept or not peers:
                results[case] = kept
    missing = [case for case in wanted if case not in results]
    with multiprocessing.get_context("spawn").Pool(min(workers, max(len(missing), 1)), maxtasksperchild=8) as pool:
        for case, found in zip(missing, pool.imap(_played, [(case, peers) for case in missing])):
            files[case].write_text(json.dumps(found))
            results[case] = found
            ours = found["ours"]
            told = (
                f"{case.key:36s} F1 {ours['f1']:.3f} within {ours['f1_interior']:.3f} count {ours['count_error']:+.1%}"
            )
            print(told + f" {found['seconds']:.0f} s", file=sys.stderr, flush=True)
    return [results[case] for case in wanted]


def main() -> None:
    from scoreboard_page import PARTS, figure, page
    from scoreboard_phantoms import EDGES, cases

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--only", default="", help="cases whose names begin with this")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--scales", type=int, nargs="+", default=[20, 40, 76], choices=EDGES, help="median diameters")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS, help="parts of the board")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    wanted = [case for case in cases(given.seeds, given.scales) if case.key.startswith(given.only)]
    wanted = [case for case in wanted if case.part in given.parts]
    if not wanted:
        sys.exit(f"no case begins with {given.only!r}")
    results = run(wanted, not given.no_peers, given.workers)
    text = page(results, given.seeds)
    print(text)
    if not given.only:
        (ROOT / "docs" / "scoreboard.md").write_text(text, encoding="utf-8")
        figure(results, ROOT / "docs" / "scoreboard.png")


if __name__ == "__main__":
    main()
