"""Vectors in the residual stream: activations, the directions made from them, and random directions."""
