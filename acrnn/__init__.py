"""ACRNN."""
