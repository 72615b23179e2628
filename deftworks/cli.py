"""`deftworks`: the commands, and the one place where an error becomes a message and an exit code.

Exit codes: 0 done; 1 it could not be done, and the message says why; 2 wrong usage, or no dataset; 130 stopped by
Ctrl-C.
"""

from __future__ import annotations

import sys

import typer

from deftworks import (
    accounts,
    bookkeeping,
    contributing,
    corpora,
    crawling,
    demonstrating,
    evaluating,
    inspecting,
    lakes,
    library,
    licences,
    normalising,
    packs,
    robots,
    running,
    serving,
    shop_admin,
    training,
)

app = typer.Typer(
    help="Community robot recordings in, skills that a robot owner can buy, check and run out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
pack = typer.Typer(help="Skill packs.", no_args_is_help=True)
app.add_typer(pack, name="pack")
corpus = typer.Typer(help="The corpus: build it, look at it, ask why.", no_args_is_help=True)
app.add_typer(corpus, name="corpus")
train = typer.Typer(help="Train a base policy, or a skill on top of one.", no_args_is_help=True)
app.add_typer(train, name="train")
lake = typer.Typer(help="The lake: what takes the space, and what may go.", no_args_is_help=True)
app.add_typer(lake, name="lake")
robot = typer.Typer(help="Your robot: what it is, and which packs run on it.", no_args_is_help=True)
app.add_typer(robot, name="robot")
app.add_typer(accounts.account, name="account")
app.add_typer(shop_admin.shop_admin, name="shop-admin")
app.add_typer(library.library, name="library")
app.add_typer(licences.licence, name="licence")

app.command("demo")(demonstrating.demo)
app.command("run")(running.run)
app.command("crawl")(crawling.crawl)
app.command("inspect")(inspecting.inspect)
app.command("normalise")(normalising.normalise)
app.command("contribute")(contributing.contribute)
app.command("evaluate")(evaluating.evaluate)
pack.command("verify")(packs.verify)
corpus.command("build")(corpora.build)
corpus.command("show")(corpora.show)
corpus.command("diff")(corpora.diff)
corpus.command("explain")(corpora.explain)
corpus.command("query")(corpora.query)
corpus.command("report")(corpora.report)
train.command("pretrain")(training.pretrain)
train.command("finetune")(training.finetune)
train.command("recipes")(training.recipes)
lake.command("usage")(lakes.usage)
lake.command("gc")(lakes.gc)
robot.command("check")(robots.check)
robot.command("profile")(robots.make_profile)
app.command("shop")(serving.shop)
app.command("reconcile")(bookkeeping.reconcile)
app.command("backup")(bookkeeping.backup)
app.command("restore")(bookkeeping.restore)
app.command("dagster")(serving.dagster)


def main() -> None:
    """Runs the command line. A DeftworksError is shown as one message, without a traceback."""
    from data_contracts.errors import DeftworksError
    from deftworks.printing import inert

    try:
        app()
    except DeftworksError as error:
        print(f"deftworks: {inert(str(error))}", file=sys.stderr)  # noqa: T201 (the one place that speaks for errors)
        sys.exit(1)
    except OSError as error:
        print(f"deftworks: {inert(str(error))}.", file=sys.stderr)  # noqa: T201
        sys.exit(1)
