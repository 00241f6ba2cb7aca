"""Finds the rooms in the image of a floor plan: pure functions on arrays, composed by `detection.detect`."""
