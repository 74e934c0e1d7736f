"""What training needs beside the networks; imports torch, NumPy, safetensors, nothing of ours.

======================  ==============================================================
`loop`                  steps, history, checkpoints, samples; stopped and resumed at will
`crops`                 faces in memory, and the order in which they are taken
`exprgan_batch`         what a step of ExprGAN starts from: faces and random numbers
`exprgan_made`          its images, and face features of them
`exprgan_judge_losses`  losses of D_img with Q, D_z, the projected discriminator
`exprgan_maker_losses`  losses of encoder, decoder and path
`exprgan_steps`         one step: images, judges, makers
`exprgan_watch`         how it is doing between steps
`expression_head`       a frozen expression classifier on face features
`history`               every step in a table
`files`                 names of what a training leaves
`signals`               signals that ask to stop
`memory`                an estimate of what a step takes
`checkpoint`            networks, optimizers, random states and configuration in one file
`tensor_file`           a safetensors file from a stranger, judged before a byte is used
`optimizer_state`       state and settings of an optimizer, taken and put back
`random_state`          random states, taken and put back
`ema`                   averaged weights
`diffaugment`           differentiable augmentation, the same draw for several images
`health`                the known ways in which a training goes wrong, each with a name
======================  ==============================================================
"""
