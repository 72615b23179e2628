"""`deftworks robot`: does a skill pack fit a robot? From files alone, with no robot connected."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deftworks.options import AsJson, Home

if TYPE_CHECKING:
    from data_contracts.robot_profile import RobotProfile
    from skill_packs.fit import Fit, Machine

COLOURS = {"ok": "green", "mapped": "cyan", "warning": "yellow", "unknown": "magenta", "fails": "red"}

Info = Annotated[Path | None, typer.Option("--info", help="meta/info.json of a dataset that the robot recorded.")]
Statistics = Annotated[
    Path | None,
    typer.Option(
        "--stats", help="meta/stats.json or meta/episodes_stats.jsonl of that dataset.", show_default="beside --info"
    ),
]
Calibration = Annotated[Path | None, typer.Option("--calibration", help="The robot's LeRobot calibration file.")]
Cameras = Annotated[
    list[str] | None,
    typer.Option("--camera", help="What a camera sees: role=name, such as wrist=laptop. Repeat for more."),
]
Units = Annotated[
    list[str] | None,
    typer.Option("--units", help="What joints are counted in: degrees, normalised or radians; of one value: name=unit. Repeat for more."),
]  # fmt: skip


def check(
    path: Annotated[Path, typer.Argument(metavar="PACK", help="Folder of a skill pack.")],
    info: Info = None,
    statistics: Statistics = None,
    calibration: Calibration = None,
    camera: Cameras = None,
    units: Units = None,
    profile: Annotated[
        Path | None, typer.Option("--profile", help="All of that in one file, written by `deftworks robot profile`.")
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Time the policy on this machine; loads it, takes seconds.")
    ] = False,
    lerobot: Annotated[str | None, typer.Option("--lerobot", help="Your release of LeRobot, such as 0.4.4.")] = None,
    key: Annotated[list[Path] | None, typer.Option("--key", help="Public key to trust; repeat for more.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Check whether a pack runs on your robot, line by line, and with which camera names.

    The pack is verified first, as `deftworks pack verify` does. Nothing is taken from a robot's name alone: what is not known
    and could hurt the arm counts as not running, and the line says what to give.

    Exit code 0 when it runs, with or without a mapping; 1 when it does not.

    [bold]Examples[/bold]

      deftworks robot check open-drawer-1.0.0 --info mine/meta/info.json --camera front=laptop --camera wrist=phone

      deftworks robot check open-drawer-1.0.0 --profile my_arm.json --measure --json
    """
    from deftworks.packs import trusted_keys
    from deftworks.printing import print_json
    from skill_packs.fit import check_fit
    from skill_packs.pack_needs import read_pack_needs
    from skill_packs.robot_profile import read_profile
    from skill_packs.verify import verify_pack

    if profile is not None and not any((info, statistics, calibration, camera, units)):
        robot = read_profile(profile)
    elif profile is None and info is not None:
        robot = _profile(info, statistics, calibration, camera, units)
    else:
        raise typer.BadParameter("give either --profile FILE, or --info FILE with what else there is")
    verified = verify_pack(path, trusted_keys(key, home))
    machine = _this_machine(path if measure else None, lerobot)
    fit = check_fit(read_pack_needs(path), robot, machine)
    if as_json:
        print_json(
            {
                "pack_id": verified.pack_id,
                "skill_id": verified.pack.skill_id,
                "version": verified.pack.version,
                **fit.to_json(),
            }
        )
    else:
        _show(f"{verified.pack.title} {verified.pack.version}", fit)
    raise typer.Exit(0 if fit.is_running else 1)


def make_profile(
    output: Annotated[Path, typer.Argument(help="Where to write the profile.")],
    info: Annotated[Path, typer.Option("--info", help="meta/info.json of a dataset that the robot recorded.")],
    statistics: Statistics = None,
    calibration: Calibration = None,
    camera: Cameras = None,
    units: Units = None,
) -> None:
    """Write what your files say of your robot into one file, for `robot check --profile` and for the shop.

    [bold]Example[/bold]

      deftworks robot profile my_arm.json --info mine/meta/info.json --calibration so100.json --camera front=laptop --camera wrist=phone
    """
    from deftworks.printing import out

    robot = _profile(info, statistics, calibration, camera, units)
    robot.write(output)
    seen = ", ".join(f"{camera.role or '?'}={camera.key}" for camera in robot.cameras) or "none"
    out.print(
        f"{output}: {robot.robot_type or 'a robot without a type'}, {robot.state_size} joints, {robot.fps:g} fps; cameras {seen}",
        markup=False,
    )


def _profile(
    info: Path, statistics: Path | None, calibration: Path | None, cameras: list[str] | None, units: list[str] | None
) -> RobotProfile:
    from skill_packs.robot_profile import profile_from_files

    return profile_from_files(
        info,
        statistics=statistics or _beside(info),
        calibration=calibration,
        cameras=_pairs(cameras, "--camera", "role=name, such as wrist=laptop"),
        units=_pairs(
            [text if "=" in text else f"*={text}" for text in units or ()], "--units", "degrees, or name=unit"
        ),
    )


def _beside(info: Path) -> Path | None:
    """Returns the statistics that lie beside an info.json, as LeRobot puts them."""
    return next(
        (path for name in ("stats.json", "episodes_stats.jsonl") if (path := info.with_name(name)).is_file()), None
    )


def _pairs(texts: list[str] | None, option: str, form: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts or ():
        left, sign, right = text.partition("=")
        if not (sign and left and right) or left in pairs:
            raise typer.BadParameter(f"{option} {text!r} is not {form}, or it is said twice")
        pairs[left] = right
    return pairs


def _this_machine(folder: Path | None, lerobot: str | None) -> Machine:
    """Returns what can be seen of this computer; with a pack's folder, the time that a chunk takes is measured."""
    from skill_packs.fit import Machine

    return Machine(_free_memory_bytes(), None if folder is None else _chunk_ms(folder), lerobot)


def _free_memory_bytes() -> int | None:
    """Returns the memory that a new process could use; None where the system does not say it the Linux way."""
    try:
        rows = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    sizes: Mapping[str, str] = dict(row.split(":", 1) for row in rows if ":" in row)
    return int(sizes["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in sizes else None


def _chunk_ms(folder: Path) -> float:
    """Returns how long this machine takes for a chunk, in milliseconds: the median of ten after one to warm up, or of those
    that ten seconds hold."""
    import statistics
    import time

    import numpy as np

    from policy.actor import Actor
    from policy.checkpoint import load_checkpoint

    policy, processors = load_checkpoint(folder)
    actor = Actor(policy, processors)
    features = policy.config.input_features
    observation = {key: np.zeros((*features[key].shape[1:], 3), np.uint8) for key in policy.config.camera_keys}
    observation["observation.state"] = np.zeros(policy.config.state_dim, np.float32)
    actor.predict_chunk(observation, "warm up")
    times_ms: list[float] = []
    while len(times_ms) < 10 and sum(times_ms) < 10_000:
        start = time.perf_counter()
        actor.predict_chunk(observation, "measure")
        times_ms.append(1000 * (time.perf_counter() - start))
    return statistics.median(times_ms)


def _show(title: str, fit: Fit) -> None:
    from rich.table import Table
    from rich.text import Text

    from deftworks.printing import out

    table = Table("item", "verdict", "reason", box=None, pad_edge=False, title=title, title_justify="left")
    for item in fit.items:
        table.add_row(Text(item.name), Text(item.verdict, style=COLOURS[item.verdict]), Text(item.reason))
    out.print(table)
    out.print()
    out.print(Text(fit.sentence, style="bold green" if fit.is_running else "bold red"))
    mapping = fit.mapping
    if mapping.rename_map:
        out.print(Text(f"--rename_map='{mapping.rename_map_json}'"), soft_wrap=True)
        names = ", ".join(
            f"{new.rpartition('.')[2]} is your {own.rpartition('.')[2]}" for own, new in mapping.rename_map.items()
        )
        out.print(
            Text(
                f"lerobot-record 0.4 compares camera names before it renames: name them so in --robot.cameras there ({names})."
            )
        )
    if mapping.state_places or mapping.action_places:
        out.print(
            Text(f"Order: state_pack[i] = state_robot[places[i]], places = {list(mapping.state_places)}"),
            soft_wrap=True,
        )
        out.print(
            Text(f"       action_robot[places[i]] = action_pack[i], places = {list(mapping.action_places)}"),
            soft_wrap=True,
        )
    if mapping.fps:
        out.print(Text(f"Rate: {mapping.fps:g} actions a second (--dataset.fps={mapping.fps:g})"))
