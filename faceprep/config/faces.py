"""Settings of ``[align]``, ``[heatmaps]`` and ``[aus]``."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from faceprep.config.section import LOCATION, Section, number
from faceprep.core.vocabulary import DetectorName


class AlignConfig(Section):
    """Detection, 5 and 68 landmarks, similarity transform, crop."""

    detector: DetectorName = Field(
        "mtcnn", description="face detector; given: boxes or landmarks of the dataset itself"
    )
    dlib_model: Literal["hog", "cnn"] = Field(
        "hog", description="model of the detector dlib; cnn is slower and finds more"
    )
    choose: Literal["largest", "central"] = Field(
        "largest", description="face to take where a photograph shows several"
    )
    search: Literal["large-first", "full"] = Field(
        "large-first",
        description="MTCNN: stop once a large face is found, or look for faces of every size"
        " (choose=central always does)",
    )
    min_face_size: int = Field(20, ge=12, description="MTCNN: smallest face looked for, pixels")
    min_confidence: float = Field(
        0.0,
        description="a face below this confidence gets the status low_confidence; MTCNN: 0.8 to 1,"
        " dlib: below 0 is doubtful, above 1 is clear",
    )
    # Flags and variables are text, which a `Literal` of numbers does not accept.
    turns: Annotated[Literal[1, 4], BeforeValidator(number)] = Field(
        1,
        description="4: search also in the photograph turned by 90, 180 and 270 degrees, which"
        " takes four times as long",
    )
    template: Literal["expression", "arcface", "dlib", "ffhq"] = Field(
        "expression", description="positions of eyes, nose and mouth in the crop"
    )
    size: int = Field(128, ge=32, le=1024, description="side of the crop, pixels")
    max_pixels: int = Field(
        100_000_000, ge=1, description="larger images are reported and not decoded, to save memory"
    )


class HeatmapsConfig(Section):
    """Gaussians of peak 1 at the 68 landmarks."""

    sigma: float = Field(
        2.0,
        gt=0,
        description="standard deviation of a Gaussian, pixels of a crop of 128; scales with the"
        " crop",
    )
    channels: Annotated[Literal[1, 68], BeforeValidator(number)] = Field(
        1,
        description="1: one gray image per face, the maximum over the points; 68: one plane per"
        " point",
    )


class AusConfig(Section):
    """Intensities of 17 Action Units and presences of 18."""

    backend: Literal["auto", "openface", "openface-models", "openface-csv", "landmarks"] = Field(
        "auto", description="estimator of Action Units; auto: the best one that can run here"
    )
    input: Literal["source", "crop"] = Field(
        "source",
        description="openface, openface-models: the photograph with the landmarks of align (as"
        " OpenFace's users do), or the crop",
    )
    sequences: Literal["dynamic", "static"] = Field(
        "dynamic",
        description="openface, openface-models: whole sequences with the person's median, as"
        " FeatureExtraction does, or each frame alone, as FaceLandmarkImg does",
    )
    landmarks: Literal["refined", "align", "csv"] = Field(
        "refined",
        description="openface-models: the points of align moved to where OpenFace's detector puts"
        " them; as they are; or those in the CSV files of aus.openface_csv",
    )
    openface_bin: str | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="openface: folder of the programs, one of them, or a command line with {tool}"
        " and {folder} (docker run -v {folder}:{folder} IMAGE {tool}); also"
        " FACEPREP_OPENFACE",
    )
    openface_flags: str = Field("", description="openface: more flags for its command line")
    openface_timeout: float = Field(
        60.0,
        gt=0,
        json_schema_extra=LOCATION,
        description="openface: longest time for one picture, seconds",
    )
    openface_models: Path | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="openface-models: your copy of OpenFace's AU_predictors folder",
    )
    openface_csv: Path | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="openface-csv: folder (or file) of CSV files that OpenFace wrote",
    )

    @property
    def whole_sequences(self) -> bool:
        """Whether frames are estimated in their sequence; only selected frames have crops."""
        return self.sequences == "dynamic" and self.input == "source"
