"""What training needs beside the networks; imports torch, NumPy, safetensors, nothing of ours.

=================  ==================================================================
`checkpoint`       networks, optimizers, random states and configuration in one file
`tensor_file`      a safetensors file from a stranger, judged before a byte is used
`optimizer_state`  state and settings of an optimizer, taken and put back
`random_state`     random states, taken and put back
`ema`              averaged weights
`diffaugment`      differentiable augmentation, the same draw for several images
`health`           the known ways in which a training goes wrong, each with a name
=================  ==================================================================
"""
