"""Bugs to be planted one at a time into the page and what keeps it; each must be found by the tests.

A bug stands in a text of its own: the file, what is wrong in it, and the lines as they stand and as planted.
"""
