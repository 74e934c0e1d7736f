"""Show evaluations: of Action Units, edits and codes, and the check against a baseline."""
