"""The sentences that the page does not cause, and why."""

from __future__ import annotations

_RACE = "needs two processes at the same moment; the tests of faults hold it"
_PYTHON = "of the Python functions alone; on the command line an option or a file says it"
_KEYRING = "needs an operating system's keyring; the tests hold it with a stand-in"
_ROOT = "needs a second user"
_DISK = "needs a disk that fails between two steps; the tests of faults hold it"
_CANCELLED = "only the Python functions cancel a call, and they raise `Interrupted` or `CancelledError`"

ELSEWHERE: dict[tuple[str, str], str] = {
    ("backends/aws/failures.py", "The call to `aws` for {} was cancelled."): _CANCELLED,
    (
        "backends/aws/writing.py",
        "{} of {} is scheduled for deletion, so AWS takes no value for it.",
    ): "needs a deleted secret at AWS; the tests hold it with a stand-in",
    ("backends/fly/failures.py", "the call to flyctl was cancelled"): _CANCELLED,
    ("backends/github/failures.py", "The call to `gh` for {} was cancelled."): _CANCELLED,
    ("backends/github/scope.py", "`[github] app` must be one of {}."): "the settings refuse it first",
    ("backends/local/opening.py", "{} opens, but not as a dotenv text. {}"): "needs the program `age`",
    (
        "cli/handover.py",
        "The value of {} cannot be handed over in a file: {}.",
    ): "needs a system without `/proc` and `/dev/fd`",
    (
        "cli/prompt.py",
        "There is no terminal to ask for the value.",
    ): "needs a terminal that the process does not control",
    ("cli/report.py", "Something went wrong that should not have ({} at {})."): "a fault of the program",
    ("cli/rotate.py", "The rotation is not finished: the reasons stand beside the backends."): _RACE,
    ("config/loading.py", "`{}` was not found, and the answer is not certain: {}"): _PYTHON,
    ("config/loading.py", "The configuration cannot be made: {}."): _PYTHON,
    ("config/loading.py", "The configuration needs {}, which {} nowhere in the chain."): _PYTHON,
    (
        "core/generate.py",
        "`{}` needs the package `cryptography`, which is not installed.",
    ): "needs an installation without it",
    ("formats/__init__.py", "{} is there twice."): _PYTHON,
    ("operations/auditing.py", "The audit log cannot be read: {}."): _DISK,
    ("operations/carrying.py", "Interrupted while the vendor was at work."): _RACE,
    ("operations/exporting.py", "{}:{}: {} cannot be a secret's name."): _PYTHON,
    ("operations/exporting.py", "{}:{}: the value of `{}` cannot be written: {}."): _PYTHON,
    ("operations/fetch.py", "Another process has been asking {} ({}) for too long."): _RACE,
    ("operations/holding.py", "{} ({}) cannot say here whether it holds `{}`."): _RACE,
    (
        "core/audit_otel.py",
        "`--format otel` needs the package `opentelemetry-proto`, which is not installed.",
    ): "needs an installation without it",
    ("operations/recording.py", "The write was made, but its outcome could not be audited: {}"): _DISK,
    ("operations/staged.py", "`git {}` answered something that is not understood."): "needs another git",
    (
        "operations/session.py",
        '`[cache] key = "keyring"` needs the package `keyring`, which is not installed.',
    ): "needs an installation without it",
    ("operations/session.py", "There is no place to keep the state: {}"): "needs a user without a home",
    ("process/runner.py", "stopped before it was done"): _CANCELLED,
    (
        "settings/trust.py",
        "{} cannot be trusted: there is no state directory to record it in.",
    ): "needs a user without a home",
    ("settings/variables.py", "{} is not a setting."): _PYTHON,
    ("state/audit_verify.py", "The audit log cannot be read: {}."): _DISK,
    ("state/facts.py", "The metadata in {} cannot be used: {}."): _DISK,
    ("state/keys.py", "The operating system's keyring could not be used ({})."): _KEYRING,
    ("state/keys.py", "There is no key in {}."): "`audit verify` of a log without its key says more",
    ("state/keys.py", "There is no key at {}."): "`audit verify` of a log without its key says more",
    ("state/keys.py", "There is no key for {} in the keyring."): _KEYRING,
    ("state/keys.py", "What the keyring holds for {} is not a key of {} bytes."): _KEYRING,
    ("state/opening.py", "{} belongs to user {}, not to user {} who runs this."): _ROOT,
    ("state/opening.py", "{} would be made by root inside a directory of user {}."): _ROOT,
    ("state/pending.py", "The pending rotations in {} cannot be used: {}."): _DISK,
    ("state/pending.py", "The sealed record of rotating {} cannot be {}: {}."): _DISK,
}
