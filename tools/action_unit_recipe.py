"""Define the measures that an Action Unit changes, and the directions of the changes.

They follow from the description of the muscles in FACS and were chosen before any weight was
fitted. "+" means that the AU increases the measure. `calibrate_action_units` fits the weights.
"""

import re
from dataclasses import dataclass

#: Measure → +1 or −1.
Recipe = dict[str, int]


@dataclass(frozen=True, slots=True)
class AURecipe:
    """List the measures of one AU.

    Attributes
    ----------
    drivers
        Measures that the muscle itself changes; they always have a weight. For a single photograph
        all other measures may have weights too: they indicate AUs that occur together (AU12 with
        AU06), and separate anatomy from movement.
    change
        Measures relative to a neutral face: those that the muscle changes, and those that separate
        it from similar AUs.
    """

    drivers: Recipe
    change: Recipe


def _signs(text: str) -> Recipe:
    terms = re.findall(r"([+-])\s*([^+-]+)", text)
    return {name.strip(): 1 if sign == "+" else -1 for sign, name in terms}


def _recipe(drivers: str, change: str) -> AURecipe:
    return AURecipe(_signs(drivers), _signs(change))


RECIPES: dict[str, AURecipe] = {
    "AU01": _recipe(
        "+inner brow height",
        "+inner brow height -brow gap",  # a narrowed gap: AU04 pulls down at the same time
    ),
    "AU02": _recipe(
        "+outer brow height +middle brow height",
        "+outer brow height +middle brow height",
    ),
    "AU04": _recipe(
        "-inner brow height -brow gap",
        "-inner brow height -brow gap -middle brow height",
    ),
    "AU05": _recipe(
        "+upper lid height +eye opening",
        "+upper lid height +eye opening",
    ),
    "AU06": _recipe(
        "+lower lid height -eye opening",
        "+lower lid height -eye opening +mouth corner lift +mouth corner height",
    ),
    "AU07": _recipe(
        "+lower lid height -eye opening",
        "-eye opening +lower lid height",
    ),
    "AU09": _recipe(
        "+nostril lift -inner brow height -nose length",
        "+nostril lift -nose length -inner brow height",
    ),
    "AU10": _recipe(
        "+upper lip height",
        "+upper lip height -mouth corner lift +nostril width",
    ),
    "AU12": _recipe(
        "+mouth corner lift +mouth corner height +inner mouth width",
        "+mouth corner lift +mouth corner height +mouth width",
    ),
    "AU14": _recipe(
        "+mouth width +mouth corner height",
        "+mouth width +mouth corner lift",
    ),
    "AU15": _recipe(
        "-mouth corner lift -mouth corner height",
        "-mouth corner lift -mouth corner height",
    ),
    "AU17": _recipe(
        "+lower lip height +chin height",
        "+lower lip height +chin height -mouth corner lift",
    ),
    "AU20": _recipe(
        "+mouth width -mouth corner height",
        "+mouth width -mouth corner height",
    ),
    "AU23": _recipe(
        "-mouth height -lower lip thickness -upper lip thickness -mouth width",
        "-mouth height -mouth width -lower lip thickness -upper lip thickness",
    ),
    "AU25": _recipe(
        "+lip gap +mouth height",
        "+lip gap +mouth height",
    ),
    "AU26": _recipe(
        "-chin height -lower lip height",
        "-chin height -lower lip height",
    ),
    "AU28": _recipe(
        "-mouth height -upper lip thickness",
        "-mouth height -lower lip thickness -upper lip thickness",
    ),
    "AU45": _recipe(
        "-upper lid height -eye opening",
        "-upper lid height -eye opening +brow above lid",
    ),
}
