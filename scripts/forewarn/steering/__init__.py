"""Does the direction cause the behaviour? Add it, ablate it, subtract it, next to random directions."""
