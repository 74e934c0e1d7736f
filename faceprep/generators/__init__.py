"""Generators of faces: their interface, and one package per kind.

These modules need torch, NumPy and safetensors, and no detector: they run on a GPU machine.

=============  =====================================================================
`base`         interface of a generator, and the target of an edit
`registry`     kinds of generators, one line each
`targets`      from the name of an expression to a target
`references`   reference faces of expressions in a generator's file
`editor`       edit crops with any kind
`calibration`  map from the requested intensity to the generator's input
`codes`        labels and expression codes
`store`        save a generator for use, and load it
`trained`      load the trained generator of a workspace
`blocks`       layers, losses, warps and a discriminator that kinds share
=============  =====================================================================
"""
