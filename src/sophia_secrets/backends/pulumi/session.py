"""
The session of a `pulumi` process and its directories.

Only the current backend of the stored session is read, not its tokens.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

from msgspec import Struct

from sophia_secrets.backends.base import Context, Credential, Scratch
from sophia_secrets.backends.pulumi.variables import BY_SCHEME, CREDENTIALS, PASSPHRASE, PLACE, SYSTEM, TOKEN
from sophia_secrets.core.hidden_repr import HiddenRepr

CLOUD = "https://api.pulumi.com"
_MOST = 1024 * 1024


class Session(HiddenRepr, Struct, frozen=True):
    """
    The environment and the private directories of one kind of call.

    With `PULUMI_ACCESS_TOKEN` set, the program gets its own credentials directory: so the token is not
    written to the user's (pulumi/pulumi#13919), and the account stored there is not used instead of the
    token (pkg/cmd/esc/cli/login.go, getCachedClient).
    """

    variables: Mapping[str, str]
    scratch: tuple[Scratch, ...] = ()


def user_url(context: Context) -> str:
    """The backend of the user's variables or stored session."""
    environ = context.environ
    return environ.get("PULUMI_BACKEND_URL") or _current(context) or environ.get("PULUMI_API") or CLOUD


def is_cloud(url: str) -> bool:
    """Whether the URL is a Pulumi Cloud, hosted by anybody, and not a bucket or a directory."""
    return url.startswith(("https://", "http://"))


def for_environment(context: Context, organization: str) -> Session:
    """
    The session of `pulumi env ...` for an environment of this organisation.

    Setting the default organisation saves the request for it.
    """
    variables = _allowed(context.environ, SYSTEM | PLACE | {TOKEN})
    variables["PULUMI_DEFAULT_ORGANIZATION"] = organization
    return _session(context, variables)


def for_stack(context: Context, project_url: str, schemes: tuple[str, ...]) -> Session:
    """
    The session of `pulumi config ...`.

    `project_url` is the backend of Pulumi.yaml: a token for another backend is not sent there, because the
    project may be somebody else's. `schemes` are those of the backend and the secrets provider: only
    their vendors' variables are passed on.
    """
    names = SYSTEM | PLACE | PASSPHRASE
    for scheme in schemes:
        names |= BY_SCHEME.get(scheme, frozenset())
    url = user_url(context)
    if context.environ.get("PULUMI_BACKEND_URL") or project_url in {"", url}:
        names |= {TOKEN}
    variables = _allowed(context.environ, names)
    for name, value in context.environ.items():
        if name.startswith("PULUMI_DIY_BACKEND_"):
            variables[name] = value
    return _session(context, variables)


def credential(context: Context, sessions: tuple[Session, ...]) -> Credential:
    """The credential of these sessions."""
    variables = {n: v for s in sessions for n, v in s.variables.items() if n in CREDENTIALS}
    files = [variables[n] for n in ("PULUMI_CONFIG_PASSPHRASE_FILE",) if os.path.isabs(variables.get(n, ""))]
    if not variables.get(TOKEN):
        home = session_directory(context)
        if home:
            files.append(os.path.join(home, "credentials.json"))
        elif not files:
            return Credential()
    return Credential(tuple(sorted(variables.items())), tuple(files))


def _allowed(environ: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    return {n: v for n, v in environ.items() if v and (n in names or n.startswith("LC_"))} | {
        # An empty passphrase is valid (sdk/go/common/... cloud/passphrase).
        n: environ[n]
        for n in names & {"PULUMI_CONFIG_PASSPHRASE"}
        if n in environ
    }


def _session(context: Context, variables: dict[str, str]) -> Session:
    variables |= {"PULUMI_SKIP_UPDATE_CHECK": "true", "NO_COLOR": "1"}
    if TOKEN not in variables:
        return Session(variables)
    current = "" if variables.get("PULUMI_BACKEND_URL") else _current(context)
    if current is None:
        # The backend of the token is unknown, so it must not be sent to Pulumi's own cloud.
        return Session(variables)
    variables.pop("PULUMI_CREDENTIALS_PATH", None)
    variables["PULUMI_CREDENTIAL_STORE"] = "plaintext"
    return Session(variables, (Scratch("PULUMI_CREDENTIALS_PATH", files=_logged_in_to(current)),))


def _logged_in_to(url: str) -> dict[str, bytes]:
    if not url:
        return {}
    import json

    return {"credentials.json": json.dumps({"current": url}).encode()}


def session_directory(context: Context) -> str:
    environ = context.environ
    if given := environ.get("PULUMI_CREDENTIALS_PATH") or environ.get("PULUMI_HOME"):
        return os.path.join(context.cwd, given)
    # The program uses the home directory of the user database, not HOME
    # (sdk/go/common/util/pulumihome).
    try:
        home = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        home = context.home
    return os.path.join(home, ".pulumi") if home else ""


def _current(context: Context) -> str | None:
    """The backend of the stored session, "" if there is none, None if unreadable."""
    directory = session_directory(context)
    if not directory:
        return ""
    try:
        with open(os.path.join(directory, "credentials.json"), "rb") as file:
            content = file.read(_MOST)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError:
        return None
    from sophia_secrets.core import strict_json

    try:
        stored = strict_json.loads(content)
    except strict_json.BadJSON:
        return None
    current = stored.get("current", "") if isinstance(stored, dict) else None
    return current if isinstance(current, str) else None
