"""A text that supporters sign, and their signatures, counted only once confirmed."""
