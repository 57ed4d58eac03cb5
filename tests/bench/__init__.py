"""Measurements, never part of the suite: medians as ratios to a limit measured in the same run."""
