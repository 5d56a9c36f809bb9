"""Ground floor: protocols, configuration, saved folders, errors, the machine, progress records; no torch, no numba."""
