"""Action Units: names as OpenFace prints them."""

#: The 17 units with an intensity, 0–5.
INTENSITY_AUS = tuple(
    f"AU{number:02d}" for number in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
)
#: The 18 units with a presence: those with an intensity, and AU28.
PRESENCE_AUS = tuple(sorted((*INTENSITY_AUS, "AU28")))
COLUMNS_R = tuple(f"{unit}_r" for unit in INTENSITY_AUS)
COLUMNS_C = tuple(f"{unit}_c" for unit in PRESENCE_AUS)
