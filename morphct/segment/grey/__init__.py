"""Grey values: noise, drift and phases, and a denoised volume of uint16 codes.

In: a lazy volume. Out: a plan made from a sample (filter, coding, bins), the codes, and the deconvolved histogram.
Start reading at `denoise`; `plan` holds what it settles.

- `background_steps`: grey offset of the background between neighbouring places of a sample
- `codes`: grey as uint16, 0 outside the scanned body
- `denoise`: smoothing by as much as the noise asks for, into codes
- `drift`: slow changes and jumps of the grey, in numbers and words; the background to subtract
- `filter_strength`: how strongly to smooth: the smallest sigma that sets neighbouring phases apart in the noise left
- `filter_trials`: filters tried on a sample: what each leaves of the noise, and which phases it shows
- `filters`: the filters: none, Gaussian, median, non-local means
- `histogram`: grey histograms and their phases
- `jumps`: sudden changes from one plane to the next
- `mixture`: fits of a sum of Gaussians
- `noise`: the noise: its size, its correlation, what smoothing leaves of it
- `noise_scales`: noise told from fine structure: block sizes that agree, the insides of two classes
- `plan`: what a sample settles for the whole volume: filter, coding, bins
- `rings`: rings about the axis of rotation: how strong they are
- `sampling`: bricks of a volume instead of all of it
"""
