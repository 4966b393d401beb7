"""Voids inside particles, each with its owner.

In: codes or a mask, and labels. Out: a label image of voids, whose they are, how large at least and at most, and the
smallest that could be seen. A void is a dip of grey below the particle's plateau (`voids`) or enclosed background
(`holes`). Start reading at `voids`, then `ownership`.

- `bounds`: how much void there is at least and at most
- `containment`: whose hole a pocket is that bounds several labels
- `detection_limit`: the smallest void that is seen, by simulated voids and the same rule
- `dip_model`: when a dip of grey counts as a void, and how small a void can still be seen
- `dips`: voids by their depth below the particle's plateau
- `facts`: what is known of voids beside their image
- `false_voids`: how many of the voids noise alone would make
- `given_labels`: what could be seen in the grey volume that labels made elsewhere came with
- `holes`: voids as enclosed background, and those a face of the volume cuts
- `marked`: few voxels of a volume, told as runs of its bricks
- `open_voids`: background inside a particle whose mouth can be closed, after the split
- `options`: settings of the search
- `ownership`: each void given to the particle that holds most of it
- `plateau`: the grey of particles away from voids, and the noise about it
- `sealed_pockets`: sealed pockets after the split: void, or gap between particles
- `voids`: dips of grey inside particles, from the plateau's fit to the voids found
- `zones`: the places around seeds, found in one pass over the grey
"""
