"""The list of all commands."""

from __future__ import annotations

from queuectl.commands.command import Category, Command
from queuectl.domain.errors import UnknownName

COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command("enqueue", Category.JOBS, "add jobs to the queue"),
        Command("list", Category.JOBS, "list jobs"),
        Command("show", Category.JOBS, "show everything about a job"),
        Command("logs", Category.JOBS, "show the output of a job"),
        Command("cancel", Category.JOBS, "end jobs"),
        Command("retry", Category.JOBS, "run ended or failed jobs again now"),
        Command("remove", Category.JOBS, "delete jobs with their history and output"),
        Command("wait", Category.JOBS, "wait until jobs have ended"),
        Command("run", Category.JOBS, "enqueue, follow and exit with the command's code"),
        Command("demo", Category.JOBS, "add sample jobs"),
        Command("worker", Category.WORKERS, "start, stop and look at workers"),
        Command("status", Category.WORKERS, "show counts, workers and what is next"),
        Command("metrics", Category.WORKERS, "show rates, waits and run times"),
        Command("dlq", Category.DLQ, "look at, retry and purge dead jobs"),
        Command("config", Category.CONFIG, "read and change settings"),
        Command("doctor", Category.CARE, "examine the queue, and mend what can be mended"),
        Command("backup", Category.CARE, "copy the whole queue into one file"),
        Command("restore", Category.CARE, "make the queue anew out of a backup"),
        Command("test", Category.TESTING, "check a part of this installation"),
        Command("test_deliverables", Category.TESTING, "check the core promises"),
        Command("test_bonus_features", Category.TESTING, "check what there is besides"),
        Command("verify_all", Category.TESTING, "check everything"),
        Command("time", Category.GENERAL, "show the time and the next scheduled run"),
    )
}

# What the shell alone does, named here so that help and one-shot know of it.
SHELL_COMMANDS: dict[str, str] = {
    "run_script": "run the shell lines of a file",
    "history": "show the lines typed so far",
    "banner": "print the banner",
    "clear": "clear the screen",
    "help": "list commands, or show how to use one",
    "exit": "leave the shell",
}


def find_command(name: str) -> Command:
    """The command called `name`; raises `UnknownName` with the nearest known one."""
    try:
        return COMMANDS[name]
    except KeyError:
        raise UnknownName("command", name, (*COMMANDS, *SHELL_COMMANDS)) from None
