"""The ledger between Snakemake and DVC: what made each artifact, and whether it still holds.

It knows nothing of the science: rules, parameters, code and files are all it speaks of.
"""
