"""Make sample_data/ anew: a synthetic powder at the reference study's contrast, its truth and its README."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "sample_data"
SETTINGS = {
    "depth": 160,
    "height": 160,
    "width": 160,
    "seed": 3,
    "solid": 0.38,
    "diameter": 30.0,
    "sigma": 0.35,
    "group_share": 0.45,
    "weld_share": 0.5,
    "porous_share": 0.45,
    "void_diameter": 6.0,
    "bits": 8,  # 16 bits of the same noise would double the folder and show nothing more
}
README = """# Sample data: a synthetic powder with its truth

Made by `scripts/make_sample_data` with `morphct phantom`; no measured data, no licence but morphct's own. The script
writes the same bytes again with the locked versions.

| file | what |
|---|---|
| `powder.tif` | the volume: {shape} voxels (z, y, x) of 25 nm, 8-bit grey, ImageJ TIFF with the voxel size in it |
| `powder_labels.tif` | true label of each particle; sealed voids carry their particle's label, open voids 0 |
| `powder_voids.tif` | true void ids, sealed and open |
| `powder_truth.csv` | one row per particle: size, voids, family, aggregate, welded, whether it touches a face |
| `powder_voids.csv` | one row per void: owner, volume, diameter, place, open or sealed |
| `powder_contacts.csv` | one row per pair of particles that share faces: area, neck, welded or touching |
| `powder_phantom.json` | every setting of the phantom |

## What is true of it
- {particles} particles, {interior} of them touching no face of the volume; {solid:.1f} % of the volume, voids included.
- Families: {families}.
- Volume-equivalent diameter of the interior ones: median {median:.2f} um, {low:.2f} to {high:.2f} um.
- {sealed} sealed voids in {porous} particles, {fraction:.2f} % of the particles' volume; {opened} more are open;
  median void diameter {void:.0f} nm.
- {contacts} contacts, {welded} of them welded by a neck.
- Grey before the conversion to 8 bits: air {air:g}, glue {glue:g}, particles {particle:g}, blur {blur:g} voxel,
  noise {noise:g} (CNR {cnr:.2f}); 8-bit value = (grey - {grey_low:g}) x 255/{span:g}. The numbers are those of a
  synchrotron nano-CT study of single-crystal cathode particles.
"""


def main() -> None:
    from morphct.truth.phantom import PhantomOptions, make, write

    phantom = make(PhantomOptions(**SETTINGS))
    files = write(phantom, OUT / "powder.tif")
    (OUT / "README.md").write_text(README.format(**facts(phantom)))
    for file in [*files, OUT / "README.md"]:
        print(f"{file.stat().st_size:>9,} {file.relative_to(ROOT)}")


def facts(phantom) -> dict[str, object]:
    table, voids, options = phantom.table, phantom.void_table, phantom.options
    inner = table[~table["touches_border"]]
    families = ", ".join(f"{n} {family}" for family, n in table["family"].value_counts().items())
    return {
        **options.to_mapping(),
        "shape": " x ".join(str(n) for n in options.shape),
        "particles": len(table),
        "interior": len(inner),
        "solid": 100 * phantom.solid,
        "families": families,
        "median": inner["equivalent_diameter_um"].median(),
        "low": inner["equivalent_diameter_um"].min(),
        "high": inner["equivalent_diameter_um"].max(),
        "sealed": int((~voids["open"]).sum()),
        "opened": int(voids["open"].sum()),
        "porous": int((table["void_count"] > 0).sum()),
        "fraction": 100 * table["void_volume_um3"].sum() / table["volume_um3"].sum(),
        "void": 1000 * voids["equivalent_diameter_um"].median(),
        "contacts": len(phantom.contacts),
        "welded": int(phantom.contacts["welded"].sum()),
        "air": options.grey_air,
        "glue": options.grey_glue,
        "particle": options.grey_particle,
        "noise": options.noise_sd,
        "cnr": (options.grey_particle - options.grey_air) / options.noise_sd,
        "span": options.grey_high - options.grey_low,
    }


if __name__ == "__main__":
    main()
