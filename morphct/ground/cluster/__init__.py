"""Many machines: the bricks and particles of a run as tasks of a dask scheduler, whose workers share a disk.

Takes the address of a scheduler, or the name of a queue whose jobs become workers; gives a map like any other. What
travels is paths, indices and small results; voxels go by the shared disk. Start reading at `connection`; dask is
imported in `connection` and `queues` alone, when asked for.

- `connection`: a scheduler found and its workers looked at; the map over them
- `identity`: version and content of a morphct, and of what it stands on
- `queues`: workers as jobs of a cluster's queue, by the site's own dask configuration
- `tasks`: what travels to a worker, and what it does there
- `workers`: what a worker says of itself, and the sentence on one that cannot take part
"""
