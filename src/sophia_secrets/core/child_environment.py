"""
The environment of the command of `run`: the selection of names, and their variables over the inherited
ones.

Pure: the inherited environment, the chain's names and the system's limits are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.core import names as naming
from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.core.model import SecretValue
from sophia_secrets.launch import variables as launched
from sophia_secrets.launch.dangerous import is_dangerous, is_ours
from sophia_secrets.launch.variables import Limits

ANY = ""
"""A name that no backend holds: querying it asks every readable backend."""


class Selection(Struct, frozen=True):
    """
    The selection on the command line.

    `only` are names or prefixes, `files` names whose value goes into a private file, `preserve` names
    whose inherited variable is kept.
    """

    only: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    preserve: frozenset[str] = frozenset()
    pristine: bool = False

    @property
    def is_open(self) -> bool:
        """Whether no names are selected: then the declared ones, or all, are."""
        return not self.only and not self.scopes


class ChosenNames(Struct, frozen=True):
    """
    The names to pass to the command, in order. `named` are those given on the command line, which must
    exist, `loose` those of them that could also have been prefixes; `dangerous` were left out, because
    programs obey a variable of that name (I8).
    """

    names: tuple[str, ...]
    named: frozenset[str]
    dangerous: tuple[str, ...] = ()
    loose: frozenset[str] = frozenset()


class Environment(HiddenRepr, Struct, frozen=True):
    """The variables of the command, and the names whose secret replaces an inherited value."""

    variables: dict[bytes, bytes]
    replaced: tuple[str, ...] = ()


def names_to_query(selection: Selection, scopes: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """
    The names to query before `choose`, with `ANY` where all are wanted.

    `scopes` are the declared names with the scopes of each. Raises `errors.BadName` for an unsafe name,
    `errors.UsageError` for a scope that is not declared.
    """
    asked: dict[str, None] = {}
    for word in (*selection.only, *selection.files):
        prefix = word.endswith("*") and word in selection.only
        if word != "*":
            naming.check_safe(word[:-1] if prefix else word)
        asked[ANY if prefix else word] = None
    known = {scope for each in scopes.values() for scope in each}
    for scope in selection.scopes:
        if scope not in known:
            raise errors.UsageError(
                f"No declared secret has the scope {naming.shown(scope)}.",
                hint=f"The scopes are {', '.join(sorted(known))}."
                if known
                else f'Give it to a secret: `scopes = ["{scope}"]` under `[secrets.NAME]`.',
            )
    asked |= dict.fromkeys(_declared(selection, scopes))
    if selection.is_open and not scopes:
        asked[ANY] = None
    return tuple(asked)


def choose(
    selection: Selection,
    scopes: Mapping[str, Collection[str]],
    held: Sequence[str],
    is_held: Callable[[str], bool],
    inherited: Collection[str],
) -> ChosenNames:
    """
    The names to pass to the command, once the chain has answered.

    A word of `only` is a name where the chain holds or the settings declare it; else the prefix of all
    names that begin with it and an underscore; with a final `*` it is always a prefix. `held` are the
    names that have a value. Inherited names in `preserve` are left out. Raises `errors.NotFound` for a
    prefix without names, `errors.BadName` for one of our own variables.
    """
    known = list(dict.fromkeys([*scopes, *held]))
    found: dict[str, None] = {}
    named: dict[str, None] = {}
    loose: set[str] = set()
    for word in selection.only:
        below = _below(word, known)
        if not word.endswith("*") and (word in scopes or is_held(word) or not below):
            named[word] = None
            if not (word in scopes or word in selection.files or is_held(word)):
                loose.add(word)
        elif not below:
            raise errors.NotFound(
                f"No secret that gives its value here begins with {naming.shown(word[:-1])}.",
                hint="See the names with `sophia-secrets list --names`.",
            )
        found |= dict.fromkeys(below if word not in named else (word,))
    named |= dict.fromkeys(selection.files)
    found |= dict.fromkeys(selection.files)
    found |= dict.fromkeys(_declared(selection, scopes))
    if selection.is_open and not scopes:
        found |= dict.fromkeys(name for name in held if _is_variable(name))
    kept = selection.preserve.intersection(inherited)
    wanted = [name for name in found if name not in kept]
    for name in named:
        if is_ours(name):
            raise errors.BadName(
                f"{naming.shown(name)} configures this program and is never passed to a command.",
                hint="Leave it out, and name secrets alone.",
            )
    dangerous = tuple(name for name in wanted if name not in named and is_dangerous(name))
    return ChosenNames(
        tuple(name for name in wanted if name not in dangerous),
        frozenset(named) - kept,
        dangerous,
        frozenset(loose) - kept,
    )


def _declared(selection: Selection, scopes: Mapping[str, Collection[str]]) -> list[str]:
    if selection.is_open:
        return list(scopes)
    return [name for name, each in scopes.items() if any(scope in each for scope in selection.scopes)]


def _below(word: str, known: Iterable[str]) -> list[str]:
    start = word[:-1] if word.endswith("*") else f"{word.removesuffix('_')}_"
    return [name for name in known if name.startswith(start) and _is_variable(name)]


def _is_variable(name: str) -> bool:
    """Whether every shell keeps a variable of this name; any other is passed on only if named."""
    return name.isascii() and name.isidentifier()


def build(
    selection: Selection,
    declared: Collection[str],
    secrets: Mapping[str, SecretValue],
    inherited: Mapping[bytes, bytes],
) -> Environment:
    """
    The command's environment: the secrets over the inherited variables, which `pristine` drops.

    With a scope, declared secrets outside it are removed. Inherited variables are passed on as bytes,
    unchanged (E6). Raises `errors.BadValue` for a value that cannot be a variable; see `check_size` for
    the sizes.
    """
    keep = {name.encode() for name in selection.preserve}
    drop = {name.encode() for name in declared} - keep if selection.scopes else set()
    passed = {
        name: value
        for name, value in inherited.items()
        if name not in drop and (not selection.pristine or name in keep)
    }
    own = {name.encode(): variable_bytes(name, value) for name, value in secrets.items()}
    variables, replaced = launched.merged(passed, own)
    return Environment(variables, tuple(name.decode() for name in replaced))


def variable_bytes(name: str, value: SecretValue) -> bytes:
    """The value as bytes of a variable. Raises `errors.BadValue` for a NUL, and for what is not text."""
    data = file_bytes(name, value)
    if b"\0" in data:
        raise _refusal(name, "it holds a NUL", f"Hand it over in a file with `--file {name}`.")
    return data


def file_bytes(name: str, value: SecretValue) -> bytes:
    """The value as bytes of a file. Raises `errors.BadValue` for a lone surrogate."""
    try:
        return value.reveal().encode("utf-8")
    except UnicodeEncodeError:
        pass
    # Outside the `except`: the encoding error holds the value (L3).
    raise _refusal(name, "it holds half of a surrogate pair, which is not text", "Store it again as text.")


def check_size(
    environment: Environment, secrets: Collection[str], arguments: Iterable[bytes], limits: Limits
) -> None:
    """
    Raises `errors.BadValue` where the system could not start a program with these variables (E5).

    The message names the secret and its size: the first that is too long by itself, or the largest where
    arguments and variables together are too long.
    """
    sizes = {
        name: launched.string_size(name.encode(), environment.variables[name.encode()]) for name in secrets
    }
    for name, size in sizes.items():
        if size > limits.string:
            raise _refusal(
                name,
                f"with its name it takes {size:,} bytes, and the system passes on at most {limits.string:,}",
                f"Hand it over in a file with `--file {name}`.",
            )
    total = launched.total_size(environment.variables, arguments)
    if sizes and total > limits.total - launched.MARGIN:
        name = max(sizes, key=lambda each: sizes[each])
        raise errors.BadValue(
            f"The arguments and the environment take {total:,} bytes together, and the system passes on "
            f"{limits.total:,}. The largest secret is {naming.shown(name)} with {sizes[name]:,}.",
            hint=f"Hand over fewer with `--only`, or that one in a file with `--file {name}`.",
        )


def _refusal(name: str, reason: str, hint: str) -> errors.BadValue:
    return errors.BadValue(
        f"The value of {naming.shown(name)} cannot be passed to a command: {reason}.", hint=hint
    )
