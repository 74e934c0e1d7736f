"""Generators of faces: their interface, and one package per kind.

These modules need torch, NumPy and safetensors, but no face detector.

==========  ====================================================================
`base`      interface of a generator, and the target of an edit
`kinds`     names of the kinds of generators, one line each
`registry`  kinds of generators, and their capabilities
`shapes`    displacement of landmarks by an expression, without the neutral face
`targets`   conversion of an expression name to a target, reference faces
`editor`    edit crops with any kind, at a calibrated intensity
`codes`     labels and expression codes
`store`     save and load a generator for inference, also that of a workspace
`blocks`    layers, losses, warps and a discriminator that kinds share
==========  ====================================================================
"""
