"""Rank-1 adapters read directly: what their scalars tell, which serve what, and what scaling them does."""
