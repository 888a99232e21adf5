"""The vendor's Session class as data: what a call is, which states it passes, what may be done to it when.

Pure, and at the bottom of the program: it knows nothing of rules, time or phone systems.
Source: ozekiphone.com, "Session class" (p_5162).
"""
