"""Machine code for the passes over rows; plain arrays and scalars, nothing else."""
