"""The mask: which voxels are solid, and how far to trust that.

In: codes and the phases of the histogram. Out: a 0/1 volume, its `Threshold`, and sentences on what is not well posed.
Start reading at `threshold`.

- `chosen_values`: which value of a segmented volume the particles are, and what is told of it
- `facts`: what is known of the level beside its value: the halo it follows, how well the volume determines it
- `hysteresis`: pieces of the mask that never reach the grey of particles go
- `levels`: the grey level between particles and the rest at every place, and the mask it makes
- `local_level`: the level half way between inside and outside, everywhere
- `method_choice`: which way of finding the level suits a volume
- `middle_box`: a look at a box in the middle: signs of a halo, which phase surrounds which, how sharp it is
- `phase_choice`: which phase was taken for the particles, and whether another is as good
- `phase_contrast`: the level that follows the halo of phase contrast
- `phase_cut`: a small cut, each voxel as its phase
- `quality`: how well posed the segmentation is, in numbers and sentences
- `sealing`: voids that leak through a narrow mouth, closed in the mask
- `threshold`: from grey to mask, and how far to trust it
"""
