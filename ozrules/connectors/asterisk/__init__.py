"""The connector to Asterisk: sessions out of the manager interface (AMI), methods as manager actions.

AMI is the only source of state. `ami` is the wire, `dialogue` matches answers to questions, `legs` keeps what is known
of each channel, `reducer` makes sessions of them; none of these reads a clock or a socket. `client` holds the socket,
`actions` says which actions carry out a method, `ari` is the optional second door (hold with music), `connector`
joins all.
"""
