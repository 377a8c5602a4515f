"""`set`."""

from __future__ import annotations

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend
from sophia_secrets.cli import prompt
from sophia_secrets.cli.command_session import command_session
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.declared import enforce_declared
from sophia_secrets.cli.options import Options
from sophia_secrets.core.model import Change, Outcome, SecretValue
from sophia_secrets.core.text import visible
from sophia_secrets.operations import declaring, writing
from sophia_secrets.operations.session import Session
from sophia_secrets.view.styling import is_terminal


def store(
    options: Options,
    name: str,
    *,
    backend: str | None,
    from_file: str | None = None,
    raw: bool = False,
    generate: str | None = None,
    allow_empty: bool = False,
    not_as_declared: bool = False,
) -> None:
    """Store a secret in one backend. The value comes from a hidden prompt, standard input, a file or a generator."""
    with command_session(options, "set") as (session, console):
        enforce_declared(session, enforce=not not_as_declared)
        target = writing.destination(session, backend)
        writing.check_name(target, name)
        console.note(f"{target.name} → {target.target}")
        value = _value(
            session, name, from_file=from_file, raw=raw, generate=generate, allow_empty=allow_empty
        )
        if value == SecretValue("") and not allow_empty:
            raise _empty_value_error(target, name, from_file)
        declaring.check_new_value(session, name, value)
        change = Change(name, value)
        writing.check_value(target, change)
        written = writing.write(session, target, [change])
        problem = writing.problem_of(written.receipt)
        if problem is not None:
            raise problem
        _print_result(console, target, name, written)


def _value(
    session: Session,
    name: str,
    *,
    from_file: str | None,
    raw: bool,
    generate: str | None,
    allow_empty: bool,
) -> SecretValue:
    if from_file is not None and generate is not None:
        raise errors.UsageError(
            "`--from-file` and `--generate` exclude each other.", hint="Leave one of the two out."
        )
    if generate is not None:
        declared = session.settings.declared.get(name)
        spec = (declared.generate if declared is not None else None) if generate == "default" else generate
        from sophia_secrets.core import generate as generating

        return generating.generate(spec or generating.DEFAULT)
    if from_file is not None:
        from sophia_secrets.cli import input_file

        return prompt.text_value(input_file.read(from_file, prompt.LIMIT))
    if is_terminal(0):
        return prompt.ask_value(f"Value of {visible(name)} (hidden)", allow_empty=allow_empty)
    return prompt.piped_value(raw=raw)


def _empty_value_error(target: Backend, name: str, from_file: str | None) -> errors.BadValue:
    """The error for an empty value, which mostly comes from an undefined variable before the pipe."""
    source = f"The file {visible(from_file)}" if from_file is not None else "Standard input"
    look = "Look at the command or the variable that it comes from"
    kept = target.problem(name, SecretValue("")) is None
    purpose = f"`sophia-secrets set {name} --backend {target.name} --allow-empty` stores an empty value."
    return errors.BadValue(
        f"{source} is empty, so nothing was stored.",
        hint=f"{look}; {purpose}" if kept else f"{look}.",
        backend=target.name,
        target=str(target.target),
    )


def _print_result(console: Console, target: Backend, name: str, written: writing.WriteResult) -> None:
    (result,) = written.receipt.results
    version = written.versions.get(name)
    if console.json:
        shape = {
            "schema": 1,
            "name": name,
            "backend": target.name,
            "target": str(target.target),
            "version": version,
            "verified": result.verified,
        }
        console.answer(shape)
        return
    number = f"version {version}" if version else ""
    if result.outcome is Outcome.UNCHANGED:
        tail = f", {number}" if number else ""
        console.note(f"{target.name} ({target.target}) holds that value of {name} already{tail}.")
        return
    remarks = (
        []
        if result.detail.startswith("not verified")
        else ["verified" if result.verified else "not verified"]
    )
    remarks += [result.detail.rstrip(".")] if result.detail else []
    kept = f" as {number}" if number else ""
    console.note(f"Stored {name} in {target.name} ({target.target}){kept}, {'; '.join(remarks)}.")
