"""Faults on purpose, and the proof that the promises held: evidence, invariants, storms."""
