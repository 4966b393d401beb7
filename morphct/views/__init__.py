"""A finished run looked at: page, figures, 3D pictures, window and browser.

In: a run folder, nothing else (so a page can be made again years later). Out: `report.html`, `figures/`, `renders/`,
`meshes/`, or a scene to turn. Start reading at `report/page` for the page, at `scene/shown` for three dimensions.

- `report/`: pages for people: one per run, one per batch; each is one file that opens offline and prints
- `figures/`: figures of a run, each a function of the run folder, listed once in `FIGURES`
- `scene/`: three dimensions: surfaces of labels, their colours, and the scene that window and browser share
- `viewer/`: looking at a run interactively: in a window, or in a browser on this machine
- `render`: still 3D pictures and mesh files
"""
