"""Tables of the command line: the same facts for people (rich) and for programs (JSON)."""
