"""Deterministic simulation: the daemon's own parts, on a virtual machine that fails in every way it can.

`python -m tests.simulation SEED` plays one seed again. docs/simulation.md says what is played and what is watched.
"""
