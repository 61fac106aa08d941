"""The ground around a walk: planes and lines, minima and basins, ways out of a shallow valley."""
