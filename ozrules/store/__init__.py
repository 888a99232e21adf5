"""The journal on disk: what must survive a crash, written by one connection in one thread, read by anyone.

The choice of SQLite through apsw, and of its settings, is explained in docs/decisions/0001-journal.md.
"""
