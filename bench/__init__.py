"""Benchmarks: what the gateway costs, beside what others cost on the same machine."""
