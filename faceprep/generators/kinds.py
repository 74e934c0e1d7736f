"""Names of the kinds of generators, readable without torch."""

#: Kind → package, which is imported on demand and exports ``SPEC``, a `registry.Spec`.
KINDS: dict[str, str] = {
    "defgan": "faceprep.generators.defgan",
    "exprgan": "faceprep.generators.exprgan",
    "ganimation": "faceprep.generators.ganimation",
    "landmark-gan": "faceprep.generators.landmark_gan",
}
