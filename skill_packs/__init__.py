"""Skill packs: build, sign, verify. Pure functions over folders; knows no shop, no server and no network.

build.build_pack        checkpoint, evaluation, training run, episodes -> a signed pack folder
verify.verify_pack      a pack folder and pinned public keys -> VerifiedPack, or a refusal that names the file
signing                 keys and the DSSE envelope
licences                which licences of recordings allow what
version                 which number a new pack gets, and why
requirements            what a robot must have, read from the checkpoint and its data
robot_profile           what an owner's files say of a robot -> RobotProfile
fit.check_fit           what a pack needs, a RobotProfile -> whether it runs, line by line
"""
