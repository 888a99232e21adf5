"""What the daemon says: the decision record and its own log, on stdout and stderr or in the journal of systemd.

The only door to structlog. Nothing here can stop a call: lines go through a bounded buffer and a thread of their own.
"""
