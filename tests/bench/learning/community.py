"""What the measurement of learning is recorded from: 29 datasets of three tasks, with defects as often as communities have them.

Prevalences are those that others counted (docs/evidence/training.md names them), rounded down so that nothing is more frequent
here than in the wild. Seeds begin at 300,000; no other recording of this project uses them.
"""

from __future__ import annotations

from itertools import count

from simulation.community_table import Camera, Community, CommunityDataset, Defect

TASKS = {
    "metaworld/button-press-topdown-v3": (
        "Press the button from above",
        "push the button",
        "Press the red button down",
    ),
    "metaworld/drawer-open-v3": ("Open the drawer", "Pull the drawer open", "open drawer."),
    "metaworld/handle-press-v3": ("Press the handle down", "push down the handle", "press down the handle"),
}
LABS = ("lab-north", "kelpie-robotics", "harbour-makers", "oakfield-school", "dockside-arms")
EPISODES = 25
NUM_SWAPPED = 6
"""Of 18 datasets of size: 33%. Counted: 7 of 19 cameras that were taken for the external one by their name showed the wrist."""
COPIED_EPISODES = 19
"""In three datasets: 57 of 454 episodes, 12.6%. Counted: 6,935 of 52,507 are copies of an episode in another dataset, 13.2%."""
NUM_TINY, TINY_EPISODES = 11, 2
"""Of 29 datasets: 38%. Counted: 482 of 1,215 have fewer than five episodes. What is in them nobody counted: here five in which
nothing moves, three that end after three frames, three as good as others."""
TUTORIAL = "Grasp a lego block and put it in the bin."
"""Two of 29 datasets, 7%. Counted: 36 of 451 had the text of the tutorial."""
JUMPS = (3,)
"""One of 454 episodes, 0.22%. Counted: 123 of 52,507 jump, 0.23%."""

RIGHT = (Camera(key="observation.images.front", view="front"), Camera(key="observation.images.wrist", view="wrist"))
SWAPPED = (Camera(key="observation.images.laptop", view="wrist"), Camera(key="observation.images.phone", view="front"))


def learning_community() -> Community:
    """Returns the table; equal whenever it is asked for."""
    seeds = count(300_000, 1_000)
    of_size = [
        _row(f"{lab}__{_short(world)}", world, next(seeds), EPISODES, SWAPPED if _is_swapped(lab, number) else RIGHT)
        for number, world in enumerate(TASKS)
        for lab in LABS
    ]
    of_size[6] = of_size[6].model_copy(update={"tasks": (TUTORIAL,)})
    of_size[11] = of_size[11].model_copy(
        update={"defect": (Defect(kind="jump", finding="motion.jump", episodes=JUMPS),)}
    )
    copies = [
        row.model_copy(
            update={
                "id": f"quickstart-copies__{row.id.partition('__')[2]}",
                "copies": row.id,
                "first_seed": None,
                "num_episodes": COPIED_EPISODES,
            }
        )
        for row in of_size[2 :: len(LABS)]
    ]
    rows = [*of_size, *copies, *_tiny(seeds)]
    return Community.model_validate({"dataset": [row.model_dump() for row in rows]})


def _is_swapped(lab: str, number: int) -> bool:
    """The third lab's datasets are copied, so that a swap there counts twice: it has two of its three right."""
    return (
        lab == "dockside-arms"
        or (lab == "oakfield-school" and number == 0)
        or (lab == "harbour-makers" and number == 1)
    )


def _tiny(seeds: count[int]) -> list[CommunityDataset]:
    rows = []
    for number in range(NUM_TINY):
        world = list(TASKS)[number % len(TASKS)]
        row = _row(f"user-{number:02d}__test", world, next(seeds), TINY_EPISODES, RIGHT)
        kind = "static" if number < 5 else "stub" if number < 8 else None
        finding = {"static": "motion.static", "stub": "motion.stub"}.get(kind or "")
        defects = (Defect(kind=kind, finding=finding),) if kind and finding else ()
        rows.append(row.model_copy(update={"defect": defects, "tasks": (TUTORIAL,) if number == 0 else row.tasks}))
    return rows


def _row(name: str, world: str, first_seed: int, num_episodes: int, cameras: tuple[Camera, ...]) -> CommunityDataset:
    return CommunityDataset(
        id=name, world=world, version="v2.1", codec="h264", num_episodes=num_episodes, first_seed=first_seed,
        size=(128, 128), tasks=TASKS[world], licence="apache-2.0", cameras=cameras,
    )  # fmt: skip


def _short(world: str) -> str:
    return world.partition("/")[2].removesuffix("-v3")
