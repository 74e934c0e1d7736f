"""Training loop, checkpoints and data, independent of the kind of generator.

======================  ==============================================================
`trainer`               interface between the loop and a kind of generator, base classes
`loop`                  steps, history, checkpoints, samples; stopped and resumed at any step
`crops`                 faces in memory, their order in training, pairs of the same person
`expression_head`       frozen expression classifier on face features
`diffaugment`           differentiable augmentation with shared random numbers
`ema`                   averaged weights
`health`                detectors of known training failures
`history`               table of the losses of every step
`signals`               signals that ask to stop
`checkpoint`            read a checkpoint: networks, optimizers, random states, configuration
`checkpoint_writer`     write a checkpoint
`checkpoint_format`     names, types and header of a checkpoint
`optimizer_state`       state and settings of an optimizer as tensors and JSON
`random_state`          random states as tensors and JSON
======================  ==============================================================
"""
