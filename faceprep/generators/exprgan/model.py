"""All networks of ExprGAN as one generator."""

from collections.abc import Iterator

from torch import Tensor, nn

from faceprep.generators.base import Edited, GeneratorNetwork, Target, build_network
from faceprep.generators.blocks.projected import ProjectedDiscriminator
from faceprep.generators.exprgan.codes import expression_code
from faceprep.generators.exprgan.config import ExprGANConfig
from faceprep.generators.exprgan.discriminators import ImageDiscriminator
from faceprep.generators.exprgan.networks import Decoder, Encoder, LatentDiscriminator
from faceprep.generators.exprgan.prior import IdentityPrior
from faceprep.generators.exprgan.source_path import EditParts, SourcePath

#: Networks that generate images; the others are discriminators.
GENERATOR_NETWORKS = ("encoder", "decoder", "path")


class ExprGAN(GeneratorNetwork):
    """The generator ExprGAN: G_enc, F_ctrl, G_dec, D_img with Q, D_z.

    Attributes
    ----------
    encoder, decoder
        G_enc, G_dec.
    identity, elements
        Length of an identity, 50, and elements of a class in the expression code, 5.
    path
        Network that edits the source image; None in preset `paper`.
    d_image, d_latent
        D_img with Q, D_z.
    prior
        Measured distribution of identities; None: U(-1, 1), as in the paper.
    d_projected
        Discriminator on feature maps of a frozen network; None without `projected_channels`.
    """

    kind = "exprgan"
    config: ExprGANConfig

    def __init__(self, config: ExprGANConfig) -> None:
        super().__init__(config)
        self.identity, self.elements = config.identity, config.elements
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.path = SourcePath(config, self.decoder.channels) if config.source_path else None
        self.d_image = ImageDiscriminator(config)
        self.d_latent = LatentDiscriminator(config)
        channels, labels = config.projected_channels, len(config.classes)
        self.d_projected = ProjectedDiscriminator(channels, labels) if channels else None
        self.prior: IdentityPrior | None = None

    def identities(self, u: Tensor) -> Tensor:
        """Return new identities ``(B, G)`` from uniform numbers ``(B, G)`` in [-1, 1]."""
        return u if self.prior is None else self.prior(u)

    def encode(self, x: Tensor) -> Tensor:
        """Return identities ``(B, G)`` in [-1, 1] of images ``(B, 3, S, S)`` (G_enc)."""
        return self.encoder(x)

    def controller(self, y: Tensor, z: Tensor) -> Tensor:
        """Return codes ``(B, K·d)`` of labels ``(B, K)`` and noise ``(B, d)`` (F_ctrl, eq. 3)."""
        return expression_code(y, z)

    def decode(self, g: Tensor, c: Tensor, src: Tensor | None = None) -> Tensor:
        """Return images ``(B, 3, S, S)`` in [-1, 1] of identities and codes (G_dec).

        With `src` and a path, the source is edited; otherwise the face is decoded from `g` and `c`.
        """
        if src is None or self.path is None:
            return self.decoder(g, c)
        return self.edit_parts(g, c, src).image

    def edit_parts(self, g: Tensor, c: Tensor, src: Tensor) -> EditParts:
        """Edit a source, and return the parts of the edit.

        Raises `ValueError`: the configuration has no path from the source.
        """
        if self.path is None:
            raise ValueError(f"preset '{self.preset}' has no path from the source")
        seen = self.config.path_sees_decoder
        return self.path(src, g, c, self.decoder.features(g, c) if seen else [])

    def edit(self, images: Tensor, target: Target) -> Edited:
        """Edit faces towards the expression codes of a target."""
        code = target.require("code")
        g = self.encode(images)
        if self.path is None:
            return Edited(self.decoder(g, code))
        parts = self.edit_parts(g, code, images)
        named = {"warped": parts.warped, "flow": parts.flow, "residual": parts.residual}
        return Edited(parts.image, named)

    def new_faces(self, u: Tensor, target: Target) -> Edited:
        """Generate faces of new identities with the expression codes of a target."""
        code = target.require("code")
        return Edited(self.decode(self.identities(u).to(code.device), code))

    def q(self, x: Tensor, y: Tensor) -> Tensor:
        """Return codes ``(B, K·d)`` in [-1, 1] of images with labels ``(B, K)`` (Q)."""
        return self.d_image(x, y).code

    def parameters_of(self, *names: str) -> Iterator[nn.Parameter]:
        """Yield the parameters of the named networks in a fixed order; skip missing networks."""
        for name in names:
            network = getattr(self, name)
            if network is not None:
                yield from network.parameters()


def build(config: ExprGANConfig, device: str = "cpu", seed: int | None = None) -> ExprGAN:
    """Build the networks with fresh weights, see `faceprep.generators.base.build_network`."""
    return build_network(ExprGAN, config, device, seed)
