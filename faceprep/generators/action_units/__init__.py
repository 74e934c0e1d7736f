"""Networks, losses and trainer of the kinds that are driven by Action Units.

=======================  =============================================================
`config`                 settings of the networks
`labels`                 labels of a target: Action Units or expressions in [0, 1]
`trunk`                  encoder, residual blocks with the labels, decoder
`painting`               colour and mask, and the network that paints
`model`                  base class of the networks
`critic`                 critic with a head that estimates the labels
`recipe`                 settings of a training and weights of its losses
`presets`                shared presets
`label_head`             frozen linear map from face features to the labels
`batch`                  faces, requested labels and random numbers of a step
`forward`                generated images of a step, and their face features
`generator_losses`       losses of the networks that generate images
`discriminator_losses`   losses of the critic and of the projected discriminator
`step`                   one step: discriminators, then generator
`setup`, `trainer`       settings of a training with its memory, and its trainer
`monitor`                detection of failures, and sample images
=======================  =============================================================
"""
