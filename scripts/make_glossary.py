"""Write docs/glossary.md anew: every column with its definition, and what other programs call or mean by the same."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "glossary.md"
HEAD = """# Glossary

Made by `scripts/make_glossary` from the registry of columns; `morphct descriptors` prints the same. Lengths are in µm
(`_um`), or in voxels (`_px`) with `--voxel-size 1px`; axes are z, y, x. The *smallest meaningful size* is the diameter
of the sphere of the same volume, in voxels, from which a value is good to about 5 %. An empty value has its reason in
`flags`. How the numbers are estimated, why so, and how far they are off: [methods.md](methods.md) and, body by body,
[bodies.md](bodies.md); methods.md also says what the *reference study* is.

"""


def main() -> None:
    told = subprocess.check_output([sys.executable, "-m", "morphct", "descriptors", "--markdown"], cwd=ROOT)
    OUT.write_text(HEAD + told.decode("utf-8").rstrip() + "\n", encoding="utf-8")
    print(f"{OUT.stat().st_size:>9,} {OUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
