"""Training: recipes, the mixture of episodes, and the run that turns both into a policy.

    recipes        what a run does, as data                    choice       which episodes a recipe wants, and their weights
    mixture        the episodes, and what they add up to       plan         what a run would do, before it starts
    frame_table    states and actions of every frame           statistics   what they are normalised with
    camera_cache   where decoded frames are kept                frame_encoders  as pixels, or as what the tower saw
    batches        step -> batch, a pure function              pools        out of a few episodes at a time
    read_ahead     the next item while one is used             start        the policy that a run starts from
    lora           adapters in place of weights                 optimiser    how weights move, and their average
    processes      one of many, or alone                       run          all of it put together
    step           one step                                    validation   the loss on held-out episodes
    stopping       when it ends early                          metrics      what a person can plot
    checkpoints    what a killed run goes on from              out_folder   room, one run at a time, a full disk in words
    memory         kept between steps                          train        the steps from the first to the result

Nothing heavy is imported by `import training`, `training.recipes`, `training.choice` or `training.mixture`.
"""
