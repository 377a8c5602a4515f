"""The sentences that the page does not cause, and why."""

from __future__ import annotations

_RACE = "needs two processes at the same moment; the tests of faults hold it"
_KEYRING = "needs an operating system's keyring; the tests hold it with a stand-in"
_ROOT = "needs a second user"
_DISK = "needs a disk that fails between two steps; the tests of faults hold it"
_CANCELLED = "only the Python functions cancel a call, and they raise `Interrupted` or `CancelledError`"

ELSEWHERE: dict[tuple[str, str], str] = {
    ("backends/aws/failures.py", "The call to `aws` for {} was cancelled."): _CANCELLED,
    ("backends/fly/failures.py", "the call to flyctl was cancelled"): _CANCELLED,
    ("backends/github/failures.py", "The call to `gh` for {} was cancelled."): _CANCELLED,
    ("backends/github/scope.py", "`[github] app` must be one of {}."): "the settings refuse it first",
    (
        "cli/handover.py",
        "The value of {} cannot be handed over in a file: {}.",
    ): "needs a system without `/proc` and `/dev/fd`",
    ("cli/report.py", "Something went wrong that should not have ({} at {})."): "a fault of the program",
    ("cli/rotate.py", "The rotation is not finished: the reasons are next to the backends."): _RACE,
    (
        "config/loading.py",
        "`{}` was not found, and the answer is not certain: {}",
    ): "needs a backend that answers again between two readings; the tests hold it",
    ("operations/auditing.py", "The audit log cannot be read: {}."): _DISK,
    (
        "operations/exporting.py",
        "{}:{}: the value of `{}` cannot be written: {}.",
    ): "every backend refuses such a value first",
    ("operations/session.py", "There is no place to keep the state: {}"): "needs a user without a home",
    ("process/runner.py", "stopped before it was done"): _CANCELLED,
    (
        "settings/trust.py",
        "{} cannot be trusted: there is no state directory to record it in.",
    ): "needs a user without a home",
    ("settings/variables.py", "The flag for `{}` is empty."): "the command line refuses it first",
    ("settings/variables.py", "{} is not a setting."): "no command and no function takes another name",
    ("state/audit_verify.py", "The audit log cannot be read: {}."): _DISK,
    ("state/keys.py", "There is no key in {}."): "`audit verify` of a log without its key says more",
    ("state/keys.py", "There is no key at {}."): "`audit verify` of a log without its key says more",
    ("state/keys.py", "There is no key for {} in the keyring."): _KEYRING,
    ("state/opening.py", "{} belongs to user {}, not to user {} who runs this."): _ROOT,
    ("state/opening.py", "{} would be made by root inside a directory of user {}."): _ROOT,
    ("state/pending.py", "The pending rotations in {} cannot be used: {}."): _DISK,
}
