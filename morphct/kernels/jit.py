"""The one compile policy: compiled once (cache), the GIL released, no fast-math (bytes must repeat), no own threads.

Threads are outside, over slabs or particles (`executors`): numba's own parallel loops abort the process when two
threads enter them without libgomp.
"""

from numba import njit

jit = njit(nogil=True, cache=True, error_model="numpy")
# small functions that must vanish into their caller's loop
jit_inline = njit(nogil=True, cache=True, error_model="numpy", inline="always")
