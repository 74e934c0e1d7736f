"""Settings of ``[train]`` and ``[augment]``."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from faceprep.config.section import LOCATION, NAME, Expressions, Section, impossible, number, plain
from faceprep.core.errors import Again
from faceprep.core.vocabulary import DEFAULT_GENERATOR, MODES

_Switch = Annotated[bool | int | float | str | list[Any], BeforeValidator(plain)]


class TrainConfig(Section):
    """Training of a generator. None selects the value of the preset."""

    generator: str = Field(DEFAULT_GENERATOR, pattern=NAME)
    preset: Literal["modern", "paper", "tiny"] = Field(
        "modern", description="tiny: minutes on two CPU cores; paper: the paper's own recipe"
    )
    size: Annotated[Literal[32, 64, 128] | None, BeforeValidator(number)] = Field(
        None, description="side of the images, pixels"
    )
    classes: Expressions | None = Field(
        None, description="expressions in their order; those of the training rows when none"
    )
    neutral: bool | None = Field(
        None, description="neutral is a class too, where classes is none; not so in paper"
    )
    steps: int | None = Field(None, ge=1, description="all stages together")
    epochs: int | None = Field(None, ge=1, description="all stages together, in place of steps")
    batch: int | None = Field(None, ge=2, le=4096)
    learning_rate: float | None = Field(None, gt=0, le=1)
    features: str | None = Field(
        None,
        description="face features: dlib's network when none; or a weight file of it, of VGG-Face,"
        " of VGG-16 or of VGG-19",
    )
    weights: dict[str, float] = Field(
        {}, description="train.weights.NAME=…: of one loss, in every stage"
    )
    networks: dict[str, _Switch] = Field(
        {}, description="train.networks.NAME=…: a switch of the networks, e.g. max_flow=0"
    )
    recipe: dict[str, _Switch] = Field(
        {}, description="train.recipe.NAME=…: a switch of the training, e.g. augment=false"
    )
    fold: int | None = Field(
        None,
        ge=0,
        le=126,
        description="leave the people of this fold out (select's column), whatever the split says;"
        " the generator goes to train/<generator>-foldNN",
    )
    calibrate: int = Field(
        64, ge=0, description="training faces on which the intensity is evened out at the end"
    )
    seed: int = Field(0, ge=0, lt=2**31)
    compile: bool = Field(
        True, json_schema_extra=LOCATION, description="compile the networks on a GPU"
    )
    checkpoint_every: int = Field(500, ge=1, json_schema_extra=LOCATION, description="steps")
    sample_every: int = Field(500, ge=1, json_schema_extra=LOCATION, description="steps")

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
        " expressions; other: faces of augment.sources; mix: shares of augment.mix",
    )
    mix: dict[Literal["new", "edit", "other"], Annotated[float, Field(gt=0)]] = Field(
        {}, description="augment.mix.edit=…: shares, of any sum; new and edit by halves if none"
    )
    sources: Path | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="other: workspace whose aligned training faces are edited, labelled or not",
    )
    distinct_people: bool = Field(
        False,
        description="other: its people are not this workspace's though some bear the same names,"
        " as in two drawn datasets",
    )
    source_expressions: Expressions | None = Field(
        None, description="edit, other: only sources that show one of these"
    )
    intensity: Annotated[tuple[float, float], BeforeValidator(_range)] = Field(
        (0.7, 1.0), description="one number, or a range from which it is drawn evenly, 0 to 1"
    )
    code: Literal["varied", "equal", "paper"] = Field(
        "varied",
        description="elements of an expression's code: the intensity times 0.7 to 1; all alike; or"
        " the paper's own, drawn from 0 to 1 whatever the intensity",
    )
    filter: Literal["none", "judge", "features", "both"] = Field(
        "none",
        description="draw again what a judge of training people reads as another expression, what"
        " lies further from real faces than they do from one another, or either",
    )
    min_probability: float = Field(
        0.0, ge=0, lt=1, description="judge: of the asked expression, at least"
    )
    percentile: float = Field(
        99.0, gt=0, le=100, description="features: of the distances between real faces"
    )
    tries: int = Field(8, ge=1, le=100, description="candidates for a face; then the best of them")
    seed: int = Field(0, ge=0, lt=2**31)
    shard_size: int = Field(256, ge=1, le=1000, description="faces")

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
