"""Every step with its arithmetic written out: down a formula, or for a line through points."""
