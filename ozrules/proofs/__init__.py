"""Proofs over a whole set of rules: what can never act, what fights, what goes round. Each is shown by a call.

Above the engine, because a call that shows something has to be played. Pure, like the engine.
"""
