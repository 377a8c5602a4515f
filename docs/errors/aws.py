"""What the AWS CLI says, and what becomes of it."""

from __future__ import annotations

from docs.errors.scene import Says, Scene

_LIST = "sophia-secrets list --backend aws --no-cache"
_SETTINGS = """mkdir -p ~/.config/sophia-secrets; cat > ~/.config/sophia-secrets/config.toml <<'END'
[backends]
extra = ["aws"]
[aws]
prefix = "app/production/"
region = "eu-west-1"
END
"""
_VERSION = "case \"$*\" in *--version*) echo 'aws-cli/2.30.0 Python/3.13 Linux/6.1'; exit 0;; esac\n"


_NO_SECRET = """case "$*" in *list-secrets*) echo '{"SecretList": []}'; exit 0;;
*batch-get*) echo '{"Errors": [{"SecretId": "app/production/A_KEY", "ErrorCode": "ResourceNotFoundException"}]}'; exit 0;; esac
"""


def _error(code: str, operation: str = "ListSecrets") -> str:
    return f"An error occurred ({code}) when calling the {operation} operation: it is so"


def _aws(kind: str, text: str, code: int = 254, *, out: str = "", command: str = _LIST) -> Scene:
    return Scene(kind, _SETTINGS + command, Says("aws", text, code, _VERSION + out))


SCENES = (
    Scene("cli_missing", f"{_SETTINGS}SOPHIA_SECRETS_AWS=/no/aws {_LIST}"),
    Scene("cli_missing", f"{_SETTINGS}SOPHIA_SECRETS_AWS=/etc/passwd {_LIST}"),
    _aws("not_authenticated", _error("ExpiredTokenException")),
    _aws("not_authenticated", _error("UnrecognizedClientException")),
    _aws("not_permitted", _error("AccessDeniedException")),
    _aws("rate_limited", _error("ThrottlingException")),
    _aws("unreachable", _error("InternalServiceError")),
    _aws("bad_output", _error("ValidationException")),
    _aws("not_authenticated", "The config profile (production) could not be found", 255),
    Scene(
        "not_configured",
        _SETTINGS.replace('region = "eu-west-1"\n', "") + _LIST,
        Says("aws", "You must specify a region. You can also configure your region.", 253, _VERSION),
    ),
    _aws("not_authenticated", "Unable to locate credentials. You can configure credentials.", 253),
    _aws("unreachable", 'Could not connect to the endpoint URL: "https://example.com/"', 255),
    _aws("timed_out", 'Read timeout on endpoint URL: "https://example.com/"', 255),
    _aws("cli_missing", "argument operation: Invalid choice, valid choices are:", 252),
    _aws("bad_output", "something new", 9),
    _aws("bad_output", "", 0, out="echo '{'\n"),
    _aws("timed_out", "", out="sleep 5\n", command=f"{_LIST} --timeout 0.5"),
    _aws("bad_output", "", out="kill -9 $$\n"),
    _aws("bad_output", "", out="head -c 70000000 /dev/zero\n"),
    Scene("bad_name", f"{_SETTINGS.replace('app/production/', 'app production/')}{_LIST}"),
    Scene("bad_settings", f"{_SETTINGS.replace('region', 'regoin')}{_LIST}"),
    _aws(
        "bad_output",
        "An error occurred (InvalidRequestException) when calling the CreateSecret operation: You can't create this secret because a secret with this name is already scheduled for deletion.",
        out=_NO_SECRET,
        command="sophia-secrets set A_KEY --backend aws --generate uuid",
    ),
)
