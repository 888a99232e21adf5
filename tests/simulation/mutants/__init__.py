"""Bugs that are planted on purpose, to see that the simulation finds them.

Each file ``*.txt`` here is one: the module, what is wrong with it, the text that stands there and the text that takes
its place. `python -m tests.simulation.mutants` plants each in a process of its own and plays seeds until it is found.
"""
