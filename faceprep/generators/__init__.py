"""Generators of faces: their interface, and one package per kind.

These modules need torch, NumPy and safetensors, but no face detector.

=============  =====================================================================
`base`         interface of a generator, and the target of an edit
`registry`     kinds of generators, one line each
`targets`      conversion of an expression name to a target
`references`   reference faces of expressions, stored in a generator's file
`editor`       edit crops with any kind
`calibration`  map from the requested intensity to the generator's input
`codes`        labels and expression codes
`store`        save and load a generator for inference
`trained`      load the trained generator of a workspace
`blocks`       layers, losses, warps and a discriminator that kinds share
=============  =====================================================================
"""
