"""Bugs to be planted one at a time into what reads the manager's events; each must be found by the tests.

A bug stands in a text of its own: the module, what is wrong in it, and the lines as they stand and as planted.
"""
