"""Settings of ``[classify]``."""

import math
from typing import Literal

from pydantic import Field, model_validator

from faceprep.config.section import NAME, Expressions, Section, impossible
from faceprep.core.errors import Again
from faceprep.core.vocabulary import DEFAULT_GENERATOR, nearest

#: Ways to train a classifier on the same faces (`faceprep.stages.classify.training`).
ARMS = ("plain", "flips", "classic", "mixup", "reweighting", "logistic")


class ClassifyConfig(Section):
    """Classifiers of real and synthetic faces, and their accuracy on unseen subjects."""

    generator: str = Field(
        DEFAULT_GENERATOR, pattern=NAME, description="generator of the synthetic faces"
    )
    sweep: tuple[int, ...] = Field(
        (0,), description="numbers of synthetic faces, one row each; 0 is always a row"
    )
    times: tuple[float, ...] = Field(
        (), description="the same as multiples of the number of training faces, in place of sweep"
    )
    arms: tuple[str, ...] = Field(
        ("flips",),
        description=f"{', '.join(ARMS)}; classic@0 is classic without synthetic faces only",
    )
    seeds: int = Field(3, ge=1, le=1000, description="trainings per row")
    seed: int = Field(0, ge=0, lt=2**31, description="first seed of the trainings")
    folds: int | None = Field(
        None, ge=2, description="number of folds to cross-validate over; none: test on the split"
    )
    network: Literal["small", "paper"] = Field(
        "small", description="small: for a CPU; paper: encoder of the paper with one more layer"
    )
    size: int | None = Field(
        None,
        ge=32,
        le=256,
        description="side of the images, pixels; none: 64 (small) or 128 (paper)",
    )
    classes: Expressions | None = Field(
        None, description="expressions to tell apart; none: those of the training faces"
    )
    neutral: bool = Field(
        True, description="count neutral among the expressions, if classify.classes is none"
    )
    untrained: bool = Field(
        False, description="also test expressions that no training face shows; they count as wrong"
    )
    updates: int = Field(
        800, ge=1, description="updates of the weights, the same number for every row"
    )
    batch: int = Field(32, ge=2, le=4096, description="faces per update")
    synthetic_share: float = Field(
        0.5, gt=0, lt=1, description="share of synthetic faces in a batch"
    )
    even: bool = Field(False, description="draw all expressions equally often")
    learning_rate: float | None = Field(
        None, gt=0, le=1, description="learning rate; none: of the network"
    )
    weight_decay: float | None = Field(
        None, ge=0, le=10, description="weight decay; none: of the network"
    )
    smoothing: float = Field(0.1, ge=0, lt=1, description="label smoothing")
    classic_strength: float = Field(
        1.0, ge=0, le=1, description="strength of the changes of the arm classic; 1: as RandAugment"
    )
    held_out: float = Field(
        0.15,
        gt=0,
        lt=1,
        description="share of the training people held out for early stopping, if there is no split"
        " val",
    )
    look_every: int = Field(
        50, ge=1, description="updates between two tests on the held-out people"
    )
    bf16: bool = Field(False, description="compute in bfloat16, on a GPU")
    features: str | None = Field(
        None,
        description="face features of the arm logistic and of near duplicates. none: dlib's"
        " network; or a weight file",
    )
    near_duplicates: int = Field(
        1000, ge=0, description="synthetic faces to compare with the test faces; 0: none"
    )

    @model_validator(mode="after")
    def _possible(self) -> "ClassifyConfig":
        for word in self.arms:
            if word.removesuffix("@0") not in ARMS:
                known = f"known: {', '.join(ARMS)}, each also with @0"
                near = nearest(word.removesuffix("@0"), ARMS)
                meant = word.replace(word.removesuffix("@0"), near) if near else None
                arms = [meant if arm == word else arm for arm in self.arms]
                hint = Again({"classify.arms": arms}) if meant else None
                raise impossible("arms", f"no arm {word!r}; {known}", hint)
        if not self.arms or len(set(self.arms)) < len(self.arms):
            words = "an arm is named twice, or none is"
            raise impossible(
                "arms", words, Again({"classify.arms": list(dict.fromkeys(self.arms)) or ["plain"]})
            )
        for key in ("sweep", "times"):
            wrong = [count for count in getattr(self, key) if not 0 <= count < math.inf]
            if wrong:
                words = f"there cannot be {wrong[0]} synthetic faces"
                right = [count for count in getattr(self, key) if count not in wrong]
                raise impossible(key, words, Again({f"classify.{key}": right or [0]}))
        if self.times and set(self.sweep) != {0}:
            words = "sweep and times are both set"
            raise impossible("times", words, "give one of them")
        return self
