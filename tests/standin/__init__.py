"""Stand-ins for what ozrules meets outside: they keep a ledger of their own of all that arrives."""
