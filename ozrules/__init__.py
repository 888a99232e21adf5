"""ozrules acts on live calls by rules that admins write, and records what it did, why, and why not."""

__version__ = "0.1.0"
