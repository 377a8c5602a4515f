"""The commands by name, with the module and the summary of each, so that only the requested one is imported."""

from __future__ import annotations

from msgspec import Struct


class Command(Struct, frozen=True):
    """One command: `where` is `module:attribute` below `sophia_secrets.cli`."""

    where: str
    section: str
    summary: str


READ, WRITE, USE, LIFE, SETUP = "Read", "Write", "Use", "Watch over", "Set up"

COMMANDS: dict[str, Command] = {
    "get": Command("read:get", READ, "Print a secret's value."),
    "list": Command("listing:list_secrets", READ, "Show the names, and which backend holds which."),
    "explain": Command("read:explain", READ, "Show who answers for a name, and who else holds it."),
    "info": Command("listing:info", READ, "Show a secret's metadata and history."),
    "set": Command("write:set_secret", WRITE, "Store a secret in one backend."),
    "delete": Command("write:delete", WRITE, "Remove a secret from one backend."),
    "copy": Command("transfer:copy", WRITE, "Copy secrets from one backend to another."),
    "move": Command("transfer:move", WRITE, "Copy secrets, then remove them from the source."),
    "sync": Command("transfer:sync", WRITE, "Make one backend hold what another holds."),
    "diff": Command("transfer:diff", READ, "Show which names differ between two backends."),
    "rotate": Command("rotate:rotate", LIFE, "Give a secret a new value everywhere it is held."),
    "rotation": Command("rotation:app", LIFE, "Show what is due for rotation."),
    "run": Command("run:run", USE, "Run a command with secrets in its environment."),
    "export": Command("export:export", USE, "Write secrets as dotenv, JSON, YAML, shell, and more."),
    "render": Command("export:render", USE, "Fill secrets into a template file."),
    "import": Command("importing:import_file", WRITE, "Store what a dotenv, JSON or YAML file holds."),
    "scan": Command("scan:scan", LIFE, "Look for known values in files and in what is staged."),
    "doctor": Command("doctor:doctor", SETUP, "Check everything, and say how to fix it."),
    "config": Command("settings:app", SETUP, "Show and start the settings."),
    "trust": Command("settings:trust", SETUP, "Let a project's settings file name targets."),
    "backends": Command("doctor:backends", SETUP, "Show the backends and what each can do here."),
    "cache": Command("cache:app", SETUP, "Show, clear and warm the encrypted cache."),
    "check": Command("check:check", LIFE, "Check that the declared secrets are as declared."),
    "audit": Command("audit:app", LIFE, "Query and verify the audit log."),
    "completion": Command("completion:completion", SETUP, "Print a completion script for a shell."),
    "help": Command("help:help_page", SETUP, "Show a page of help, such as `help exit-codes`."),
}

ALIASES = {"unset": "delete", "ls": "list", "rm": "delete"}

MEANT = {
    **dict.fromkeys(("show", "read", "view", "cat"), "get"),
    **dict.fromkeys(("add", "put", "write", "create", "edit", "update"), "set"),
    **dict.fromkeys(("remove", "del"), "delete"),
    **dict.fromkeys(("find", "search", "names"), "list"),
    **dict.fromkeys(("which", "where", "why"), "explain"),
    **dict.fromkeys(("status", "login", "auth", "whoami"), "doctor"),
    **dict.fromkeys(("log", "logs"), "audit log"),
    **dict.fromkeys(("env", "download", "pull"), "export"),
    **dict.fromkeys(("inject", "template"), "render"),
    "exec": "run",
    "cp": "copy",
    "mv": "move",
    "push": "sync",
    "load": "import",
    "history": "info",
    "init": "config init",
    "settings": "config show",
    "verify": "audit verify",
    "version": "--version",
}
"""Names in other tools, and the command here that is suggested."""
