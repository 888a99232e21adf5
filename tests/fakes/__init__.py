"""Fakes that implement the runtime's ports; each passes the contract suite of its port under tests/ports."""
