"""Generators of faces: networks, expression codes and losses.

These modules import torch, NumPy, safetensors and nothing else of the project but
`faceprep.core.errors` and `faceprep.training`: they run on a GPU machine without any detector.

=============  =====================================================================
`base`         what every generator answers to (`Generator`), and who there is
`codes`        expression codes: training (eq. 3), intensity, single elements, neutral
`losses`       pure functions of tensors
`layers`       convolutions, norms, initialisations
`warp`         bounded smooth flow
`projected`    discriminator on the feature maps of a frozen network
`store`        a generator in a file, and back
`exprgan`      ExprGAN (Ding, Sricharan & Chellappa, AAAI 2018)
=============  =====================================================================
"""
