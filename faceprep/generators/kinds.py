"""Names of the kinds of generators, readable without torch."""

#: Kind → package, which is imported on demand and exports ``SPEC``, a `registry.Spec`.
KINDS: dict[str, str] = {"exprgan": "faceprep.generators.exprgan"}
