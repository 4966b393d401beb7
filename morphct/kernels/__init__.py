"""Every numba loop: arrays in, arrays out. No pandas, no files, no threads, no progress bars."""
