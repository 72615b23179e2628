"""MuJoCo worlds: record demonstrations, make the sample community, roll a policy out and count successes.

    worlds.make_world            a Meta-World or SO-100 task by name
    record.record_episodes       demonstrations of its scripted expert
    community.record_community   datasets as strangers publish them, defects included
    suites.load_suite            what a policy is evaluated on, as data
    suite_evaluation             a policy beside its baselines on a suite, going on after a kill; evaluation_results concludes
    evaluate.evaluate            rollouts of one policy in one world, with videos
    legacy_formats.write_v2      LeRobot v2.0 and v2.1 datasets

Needs the extra [sim]; everything that does not simulate (tables, formats, intervals) works without it. Knows no policy of
ours: what it rolls out satisfies `acting.ActingPolicy`.
"""
