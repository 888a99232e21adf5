"""Benchmarks: they print plain tables and assert nothing but that the answers are right."""
