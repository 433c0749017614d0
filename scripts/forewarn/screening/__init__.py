"""Screening of training data by a direction before training, and prevention by a direction during it."""
