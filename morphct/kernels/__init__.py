"""Every numba loop: arrays in, arrays out. No pandas, no files, no threads, no progress bars.

The folders are those of who calls: what `segment/grey` needs is in `grey`. A folder needs the shared modules here and
no other folder. Each kernel has a slow obvious twin in `tests/naive`. Start reading at `jit`.

- `grey/`: loops over grey slabs and codes: filters, histograms, blocks
- `labels/`: loops over labels: components, sums, contacts, dilation
- `split/`: loops of the split: distances, ascent to peaks, edges between basins, joins
- `voids/`: loops of the search for voids
- `measurement/`: loops over one particle's crop: hull, balls, thickness, surface, silhouettes, random throws of its
  voids
- `truth/`: loops that draw known bodies and phantoms, and compare label images
- `bits`: counting bits of 64-bit words: the processor's instructions in compiled code, plain Python without the
  compiler
- `crofton`: areas from pairs of voxels, 13 directions
- `extremes`: largest and smallest of non-negative floats, as integers: their bit patterns are ordered like the numbers
- `flagged`: the few places of a row to be looked at one by one, listed fast: without branches on the data
- `jit`: the one compile policy: compiled once (cache), the GIL released, no fast-math (bytes must repeat), no own
  threads
- `run_lists`: voxels of a block told as runs along x
"""
