"""Settings of ``[align]``, ``[heatmaps]`` and ``[aus]``."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from faceprep.config.section import LOCATION, Section, number


class AlignConfig(Section):
    """Detection, 5 and 68 landmarks, similarity transform, crop."""

    detector: Literal["mtcnn", "dlib", "given"] = "mtcnn"
    dlib_model: Literal["hog", "cnn"] = "hog"
    choose: Literal["largest", "central"] = "largest"
    search: Literal["large-first", "full"] = Field(
        "large-first",
        description="MTCNN: stop once a large face is found, or count faces of every size"
        " (choose = central always does)",
    )
    min_face_size: int = Field(20, ge=12, description="MTCNN: smallest face looked for, pixels")
    min_confidence: float = Field(
        0.0,
        description="below it a face is low_confidence; MTCNN: 0.8 to 1, dlib: below 0 in doubt, "
        "clear faces above 1",
    )
    # Flags and variables are text, which a `Literal` of numbers does not accept.
    turns: Annotated[Literal[1, 4], BeforeValidator(number)] = Field(
        1, description="4: search also turned by 90, 180 and 270 degrees, in four times the time"
    )
    template: Literal["expression", "arcface", "dlib", "ffhq"] = "expression"
    size: int = Field(128, ge=32, le=1024, description="side of the crop, pixels")
    max_pixels: int = Field(
        100_000_000, ge=1, description="larger images are reported, not decoded (memory)"
    )


class HeatmapsConfig(Section):
    """Gaussians of peak 1 at the 68 landmarks."""

    sigma: float = Field(2.0, gt=0, description="pixels of the crop at 128; scales with its size")
    channels: Annotated[Literal[1, 68], BeforeValidator(number)] = Field(
        1, description="1: the maximum over the points, one PNG a face; 68: one plane a point"
    )


class AusConfig(Section):
    """Intensities of 17 Action Units and presences of 18."""

    backend: Literal["auto", "openface", "openface-models", "openface-csv", "landmarks"] = "auto"
    input: Literal["source", "crop"] = Field(
        "source",
        description="openface, openface-models: the photograph with the landmarks of align (what"
        " OpenFace's users get), or the crop that networks see",
    )
    sequences: Literal["dynamic", "static"] = Field(
        "dynamic",
        description="openface, openface-models: whole sequences with the person's median, as"
        " FeatureExtraction does, or every frame alone, as FaceLandmarkImg does",
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
        " and {folder} (docker run -v {folder}:{folder} IMAGE {tool}); also FACEPREP_OPENFACE",
    )
    openface_flags: str = Field("", description="openface: more flags for its command line")
    openface_timeout: float = Field(
        60.0, gt=0, json_schema_extra=LOCATION, description="openface: seconds a picture may take"
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
