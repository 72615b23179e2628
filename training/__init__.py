"""Training: recipes, the mixture of episodes, and the run that turns both into a policy.

    recipes        what a run does, as data                    mixture     which episodes, and what they add up to
    frame_table    states and actions of every frame           statistics  what they are normalised with
    camera_cache   decoded pictures, or what the tower saw      batches     step -> batch, a pure function
    read_ahead     the next item while one is used             start       the policy that a run starts from
    run            all of it put together
    train          the steps: optimiser, checkpoints, metrics, result

Nothing heavy is imported by `import training`, `training.recipes` or `training.mixture`.
"""
