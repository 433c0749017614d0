"""Elasticity (2406.06144): does a model resist being moved, and does it return when it is pushed back?"""
