"""What the vendors' programs say, and what becomes of it."""

from __future__ import annotations

from docs.errors.scene import Says, Scene

_GH, _PULUMI, _FLY = (
    "sophia-secrets list --backend github --no-cache",
    "sophia-secrets list --backend pulumi --no-cache",
    "sophia-secrets list --backend fly --no-cache",
)


_LISTS = """case "$*" in *--version*) echo 'gh version 2.97.0 (2026-01-01)';;
*list*) echo '[{"name":"OTHER_KEY","updatedAt":"2026-05-04T10:00:00Z"}]';;
*api*) echo '{"total_count":1,"secrets":[{"name":"OTHER_KEY","created_at":"2026-05-04T10:00:00Z","updated_at":"2026-05-04T10:00:00Z"}]}';;
esac
"""


def _gh(kind: str, text: str, code: int = 1, **more: str) -> Scene:
    return Scene(kind, _GH, Says("gh", text, code), more)


def _pulumi(kind: str, text: str, code: int = 1, **more: str) -> Scene:
    return Scene(kind, _PULUMI, Says("pulumi", text, code), more)


def _fly(kind: str, text: str, code: int = 1, **more: str) -> Scene:
    return Scene(kind, _FLY, Says("fly", text, code), more)


GITHUB = (
    Scene("cli_missing", _GH, None, {"GITHUB_REPOSITORY": "octo/app", "SOPHIA_SECRETS_GH": "/no/gh"}),
    Scene("cli_missing", _GH, None, {"GITHUB_REPOSITORY": "octo/app", "SOPHIA_SECRETS_GH": "/etc/passwd"}),
    _gh("not_authenticated", "To get started with GitHub CLI, please run:  gh auth login", 4),
    _gh("not_authenticated", "gh: Bad credentials (HTTP 401)"),
    _gh("not_authenticated", "gh: Bad credentials (HTTP 401)", GITHUB_TOKEN="ghp-1"),
    _gh("not_authenticated", 'net/http: invalid header field value for "Authorization"'),
    _gh("not_permitted", "gh: Must have admin rights to Repository. (HTTP 403)"),
    _gh("not_permitted", "gh: Resource not accessible by integration (HTTP 403)"),
    _gh("not_permitted", "gh: Resource not accessible by personal access token (HTTP 403)"),
    _gh("not_permitted", "gh: Resource protected by organization SAML enforcement. (HTTP 403)"),
    _gh("target_not_found", "gh: Not Found (HTTP 404)"),
    _gh("rate_limited", "gh: API rate limit exceeded for user ID 1. (HTTP 403)"),
    _gh("unreachable", "gh: Server Error (HTTP 502)"),
    _gh(
        "unreachable",
        "error connecting to api.github.com\ncheck your internet connection or https://githubstatus.com",
    ),
    _gh(
        "unreachable",
        'Get "https://api.github.com/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ),
    _gh("cli_missing", "unknown flag: --json"),
    _gh(
        "cli_missing",
        'invalid argument "agents" for "-a, --app" flag: valid values are {actions|codespaces|dependabot}',
        SOPHIA_SECRETS_GITHUB_APP="agents",
    ),
    _gh("bad_output", "invalid config file /home/you/.config/gh/config.yml: yaml: line 1"),
    _gh("bad_output", "unexpected end of JSON input"),
    _gh("bad_output", "gh: Validation Failed (HTTP 422)"),
    _gh("bad_output", "something new", 9),
    Scene("bad_output", _GH, Says("gh", "", 0, out="echo '{'\n")),
    Scene("timed_out", f"{_GH} --timeout 0.5", Says("gh", "", out="sleep 5\n")),
    Scene("bad_output", _GH, Says("gh", "", out="kill -9 $$\n")),
    Scene("bad_output", _GH, Says("gh", "", out="head -c 70000000 /dev/zero\n")),
    Scene("unavailable", f"{_GH} --offline".replace(" --no-cache", ""), Says("gh", "")),
    Scene("unreachable", "sophia-secrets diff github local --offline", Says("gh", "")),
    Scene(
        "unreachable",
        "sophia-secrets set OPENAI_API_KEY --backend github --generate uuid --offline",
        Says("gh", ""),
    ),
    Scene(
        "bad_output",
        "printf x | sophia-secrets set NEW_API_KEY --backend github",
        Says("gh", "", 0, out=_LISTS),
    ),
    Scene(
        "bad_output",
        "sophia-secrets move STRIPE_API_KEY --from local --to github --yes",
        Says("gh", "", 0, out=_LISTS.replace("OTHER", "STRIPE_API")),
    ),
    Scene(
        "bad_output",
        _GH,
        None,
        {"GITHUB_REPOSITORY": "octo/app", "GITHUB_ACTIONS": "true", "SOPHIA_GITHUB_SECRETS_JSON": "{"},
    ),
    Scene(
        "not_supported", "sophia-secrets copy OPENAI_API_KEY --from github --to local --yes", Says("gh", "")
    ),
    Scene(
        "unreachable",
        "printf x | sophia-secrets set NEW_API_KEY --backend github",
        Says("gh", "gh: Server Error (HTTP 502)"),
    ),
)

_ESC = "error: opening environment: "

PULUMI = (
    Scene(
        "cli_missing",
        _PULUMI,
        None,
        {"PULUMI_ENVIRONMENT": "acme/app/production", "SOPHIA_SECRETS_PULUMI": "/no/pulumi"},
    ),
    Scene(
        "cli_missing",
        _PULUMI,
        None,
        {"PULUMI_ENVIRONMENT": "acme/app/production", "SOPHIA_SECRETS_PULUMI": "/etc/passwd"},
    ),
    _pulumi(
        "not_authenticated",
        "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
    ),
    _pulumi("not_authenticated", "error: Unauthorized: No credentials provided or are invalid."),
    _pulumi("not_authenticated", "error: this command requires logging in; try running `pulumi login` first"),
    _pulumi("not_authenticated", "error: backend file:///tmp does not support Pulumi ESC"),
    _pulumi(
        "not_authenticated", "error: the credentials file /home/you/.pulumi/credentials.json is encrypted"
    ),
    _pulumi("not_authenticated", f"{_ESC}[401] Unauthorized"),
    _pulumi("not_authenticated", "error: unauthorized", 3),
    _pulumi("not_permitted", f"{_ESC}[403] Forbidden"),
    _pulumi("target_not_found", f"{_ESC}[404] Not Found: environment 'production' not found"),
    _pulumi("target_not_found", "error: something is not there", 6),
    _pulumi("timed_out", f"{_ESC}[408] Request Timeout"),
    _pulumi("bad_output", f"{_ESC}[409] Conflict"),
    _pulumi("rate_limited", f"{_ESC}[429] Too Many Requests"),
    _pulumi("rate_limited", "error: opening environment: esc: request rate-limit exceeded"),
    _pulumi("bad_output", f"{_ESC}[400] Bad Request: value is not a string"),
    _pulumi("unreachable", f"{_ESC}[503] Service Unavailable"),
    _pulumi(
        "unreachable",
        'error: opening environment: Get "https://api.pulumi.com/api/esc": dial tcp: lookup api.pulumi.com: no such host',
    ),
    _pulumi("bad_output", "error: ambiguous path provided"),
    _pulumi("cli_missing", "error: unknown flag: --format"),
    _pulumi("bad_output", "error: something new", 9),
    _pulumi(
        "bad_output", "The Pulumi CLI encountered a fatal error. This is a bug!\npanic: runtime error", 2
    ),
    Scene("bad_output", _PULUMI, Says("pulumi", "", 0, out="echo '{'\n")),
    _pulumi("bad_output", 'production:3:16: unknown property "foo"', 0),
    Scene("timed_out", f"{_PULUMI} --timeout 0.5", Says("pulumi", "", out="sleep 5\n")),
    Scene("bad_output", _PULUMI, Says("pulumi", "", out="kill -9 $$\n")),
    Scene("bad_output", _PULUMI, Says("pulumi", "", out="head -c 70000000 /dev/zero\n")),
    Scene(
        "unreachable", "sophia-secrets get NO_SUCH_KEY", Says("pulumi", f"{_ESC}[503] Service Unavailable")
    ),
    Scene(
        "unreachable",
        "sophia-secrets --strict get OPENAI_API_KEY",
        Says("pulumi", f"{_ESC}[503] Service Unavailable"),
    ),
    Scene(
        "unreachable",
        "sophia-secrets scan --backend pulumi --no-cache",
        Says("pulumi", f"{_ESC}[503] Service Unavailable"),
    ),
    Scene(
        "unreachable",
        "sophia-secrets export --backend pulumi --format dotenv",
        Says("pulumi", f"{_ESC}[503] Service Unavailable"),
    ),
    Scene(
        "unreachable",
        "sophia-secrets rotate OPENAI_API_KEY --generate uuid --yes",
        Says("pulumi", f"{_ESC}[503] Service Unavailable"),
    ),
    Scene(
        "unreachable", "sophia-secrets diff pulumi local", Says("pulumi", f"{_ESC}[503] Service Unavailable")
    ),
)

_STACK = {"PULUMI_STACK": "acme/app/dev", "PULUMI_ENVIRONMENT": ""}
_DIRECTORY = """mkdir -p ~/.config/sophia-secrets; cat > ~/.config/sophia-secrets/config.toml <<'END'
[pulumi]
directory = "~/app"
END
printf 'name: %s\\nruntime: python\\n' > Pulumi.yaml
"""


def _stack(kind: str, text: str, code: int = 1) -> Scene:
    return Scene(kind, _DIRECTORY % "app" + _PULUMI, Says("pulumi", text, code), _STACK)


STACKS = (
    _stack("not_authenticated", "error: incorrect passphrase"),
    _stack(
        "not_authenticated",
        "error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables",
    ),
    _stack("not_configured", "error: no Pulumi.yaml project file found (searching upwards from /tmp)."),
    _stack("target_not_found", "error: no stack named 'acme/app/dev' found"),
    _stack("target_not_found", "error: organization name must be 'organization'"),
    _stack("target_not_found", "error: unable to open bucket s3://state"),
    _stack("not_permitted", "error: config set not supported for remote stack config"),
    _stack("not_permitted", "error: backend https://state.example does not support environments"),
    _stack(
        "not_permitted",
        "error: could not decrypt configuration values: cipher: message authentication failed",
    ),
    Scene(
        "bad_name",
        _DIRECTORY % "other" + _PULUMI,
        Says("pulumi", ""),
        _STACK,
    ),
)

FLY = (
    Scene("cli_missing", _FLY, None, {"FLY_APP_NAME": "my-app", "SOPHIA_SECRETS_FLY": "/no/fly"}),
    Scene("cli_missing", _FLY, None, {"FLY_APP_NAME": "my-app", "SOPHIA_SECRETS_FLY": "/etc/passwd"}),
    _fly("not_authenticated", "Error: no access token available. Please login with 'flyctl auth login'"),
    _fly("not_permitted", "Error: unauthorized"),
    _fly("target_not_found", "Error: Could not find App"),
    _fly("target_not_found", "Error: machine not found"),
    _fly("rate_limited", "Error: too many requests (status: 429)"),
    _fly(
        "unreachable", 'Error: Post "https://api.fly.io/graphql": dial tcp: lookup api.fly.io: no such host'
    ),
    _fly("unreachable", "Error: server returned a non-200 status code: 503"),
    _fly("bad_output", "Error: failed ensuring config directory perms"),
    _fly("cli_missing", "Error: unknown flag: --json"),
    _fly("bad_output", "Error: decoding response: invalid character '<'"),
    _fly("bad_output", "Error: something new"),
    _fly("bad_output", "panic: runtime error", 2),
    _fly("bad_output", "", 126),
    _fly("bad_output", "", 127),
    Scene("bad_output", _FLY, Says("fly", "", 0, out="echo '{'\n")),
    Scene("timed_out", f"{_FLY} --timeout 0.5", Says("fly", "", out="sleep 5\n")),
    Scene("bad_output", _FLY, Says("fly", "", out="kill -9 $$\n")),
    Scene("bad_output", _FLY, Says("fly", "", out="head -c 70000000 /dev/zero\n")),
    Scene(
        "cli_missing",
        """printf 'A_KEY=x\\nB_KEY=y\\n' > app.env
sophia-secrets import app.env --backend fly --yes""",
        Says(
            "fly",
            "",
            0,
            out="""case "$*" in *version*) echo '{"Name":"flyctl","Version":"0.1.10","BuildDate":"2023-01-01"}';; *) echo "[]";; esac\n""",
        ),
    ),
    Scene(
        "bad_output",
        "sophia-secrets set NEW_API_KEY --backend fly --generate uuid",
        Says(
            "fly",
            "Error: smoke checks for 148e0 failed: the app appears to be crashing",
            1,
            out='case "$*" in *version*) echo \'{"Name":"flyctl","Version":"0.4.11"}\'; exit 0;; *list*) echo "[]"; exit 0;; esac\n',
        ),
    ),
    Scene(
        "bad_output",
        "sophia-secrets set NEW_API_KEY --backend fly --generate uuid",
        Says(
            "fly",
            "Error: NEW is not a valid secret name",
            1,
            out='case "$*" in *version*) echo \'{"Name":"flyctl","Version":"0.4.11"}\'; exit 0;; *list*) echo "[]"; exit 0;; esac\n',
        ),
    ),
    Scene("bad_name", "sophia-secrets set FLY_APP_NAME --backend fly --generate uuid", Says("fly", "")),
    Scene("bad_value", "printf '' | sophia-secrets set NEW_API_KEY --backend fly", Says("fly", "")),
    Scene(
        "bad_value",
        """printf '{"EMPTY_KEY": ""}' | sophia-secrets import - --backend fly --yes""",
        Says("fly", "", 0, out="echo '[]'\n"),
    ),
    Scene(
        "bad_value",
        """printf '{"EMPTY_KEY": ""}' | sophia-secrets import - --backend local --yes
sophia-secrets copy EMPTY_KEY --from local --to fly --yes""",
        Says("fly", "", 0, out="echo '[]'\n"),
    ),
)

SCENES = GITHUB + PULUMI + STACKS + FLY
