"""Forewarn: raise emergently misaligned organisms, find their direction, test whether it shows early.

The package is pure: it never imports snakemake, and it may be used from a notebook or a test as it is.
"""
