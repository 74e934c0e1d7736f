"""Names of the Action Units (AUs) and of their manifest columns, as OpenFace 2 prints them."""

#: Movement of each AU (Ekman, Friesen and Hager, Facial Action Coding System, 2002).
DESCRIPTIONS: dict[str, str] = {
    "AU01": "inner brow raiser",
    "AU02": "outer brow raiser",
    "AU04": "brow lowerer",
    "AU05": "upper lid raiser",
    "AU06": "cheek raiser",
    "AU07": "lid tightener",
    "AU09": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU12": "lip corner puller",
    "AU14": "dimpler",
    "AU15": "lip corner depressor",
    "AU17": "chin raiser",
    "AU20": "lip stretcher",
    "AU23": "lip tightener",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU28": "lip suck",
    "AU45": "blink",
}

#: The 18 AUs with a presence, in OpenFace's order.
PRESENCE_AUS: tuple[str, ...] = tuple(DESCRIPTIONS)

#: The 17 AUs with an intensity, 0 (absent) to 5 (maximal), in OpenFace's order: all but AU28.
INTENSITY_AUS: tuple[str, ...] = tuple(au for au in PRESENCE_AUS if au != "AU28")

#: Manifest columns of the intensities, float32, 0–5.
COLUMNS_R: tuple[str, ...] = tuple(f"{name}_r" for name in INTENSITY_AUS)

#: Manifest columns of the presences, bool.
COLUMNS_C: tuple[str, ...] = tuple(f"{name}_c" for name in PRESENCE_AUS)
