"""The command line: every command is a function in metacontrol.commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from metacontrol.commands import (
    comparing,
    describing,
    fitting,
    listing,
    reporting,
    scaling,
    simulating,
    trusting,
)
from metacontrol.interrupts import Stopped, interruptible
from metacontrol.speaking import speaking

COMMANDS = (
    simulating.simulate,
    describing.validate,
    describing.describe,
    fitting.fit,
    scaling.plan,
    scaling.gather,
    comparing.compare,
    fitting.figures,
    reporting.report,
    trusting.recover,
    trusting.confuse,
    trusting.sbc,
    trusting.doctor,
    simulating.demo,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="How people share control between habit and deliberation: simulate it, fit it, draw it.",
)
for command in COMMANDS:
    app.command()(command)

models = typer.Typer(invoke_without_command=True)
models.callback()(listing.models)
models.command("show")(listing.models_show)
app.add_typer(models, name="models")

tasks = typer.Typer(invoke_without_command=True)
tasks.callback()(listing.tasks)
tasks.command("show")(listing.tasks_show)
app.add_typer(tasks, name="tasks")

data = typer.Typer(no_args_is_help=True, help="Published human data sets.")
data.command("list")(listing.data_list)
data.command("get")(listing.data_get)
app.add_typer(data, name="data")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; what a user can mend is said in a sentence, without a traceback."""
    from metacontrol.models.engine.listeners import StoryError

    try:
        with interruptible(), speaking():
            app(args=None if arguments is None else list(arguments), standalone_mode=True)
    except Stopped:
        print("metacontrol: stopped", file=sys.stderr)
        raise
    except MemoryError:
        print("metacontrol: this needs more memory than there is", file=sys.stderr)
        sys.exit(2)
    except ImportError as error:
        print(
            f"metacontrol: a library is not loaded (too little memory?): {error}", file=sys.stderr
        )
        sys.exit(2)
    except (ValueError, OSError, StoryError, FloatingPointError, LookupError) as error:
        print(f"metacontrol: {error}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0)


if __name__ == "__main__":
    main()
