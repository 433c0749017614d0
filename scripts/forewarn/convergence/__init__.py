"""Convergence: do organisms share a direction, and does one's direction act in another (arXiv 2506.11618)?"""
