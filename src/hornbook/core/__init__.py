"""Ground floor: protocols, configuration, saved folders, errors, the machine, progress records. Imports no torch and no numba."""
