"""Settings of ``[train]``."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from faceprep.config.section import LOCATION, NAME, Expressions, Section, impossible, number, plain
from faceprep.core.vocabulary import DEFAULT_GENERATOR

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
            raise impossible("epochs", words, "--set train.epochs=none")
        return self
