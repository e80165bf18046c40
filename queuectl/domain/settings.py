"""Every setting with its type, range, default and meaning."""

import math
from enum import StrEnum
from typing import NamedTuple

from queuectl.domain.errors import BadValue, UnknownName
from queuectl.domain.retry import Backoff
from queuectl.domain.text import visible
from queuectl.domain.timing import MAX_DURATION, format_duration, parse_duration

Patterns = tuple[str, ...]
Value = int | float | Patterns | None


class Kind(StrEnum):
    """How a value is written and read."""

    INTEGER = "integer"
    NUMBER = "number"
    DURATION = "duration"
    SIZE = "size"
    PATTERNS = "patterns"


class Reach(StrEnum):
    """Who reads a setting, and so when a change is felt."""

    JOBS = "jobs"  # fixed for each job when it is enqueued
    PROCESSES = "processes"  # a running supervisor follows at its next turn
    COMMANDS = "commands"  # read by each command that shows something


class Setting(NamedTuple):
    """One setting; `low` and `high` are inclusive: seconds, bytes, or how many patterns."""

    key: str
    kind: Kind
    default: Value
    low: float
    high: float
    reach: Reach
    meaning: str
    optional: bool = False  # whether `none` is a value


_DAY = 86400.0
_BEATS = 3  # so many heartbeats have to fail, whatever the lease
_LONGEST_PATTERN = 200
# Not *token*, *pwd* or *auth*: PWD, SSH_AUTH_SOCK and TOKENIZERS_PARALLELISM are no secrets.
_SECRET = (
    "*password*", "*passwd*", "*passphrase*", "*_pass", "*_pwd", "sshpass", "*secret*",
    "*token", "*_token_*", "*_auth", "*api_key*", "*apikey*", "*access_key*", "*private_key*",
    "*encryption_key*", "*signing_key*", "*credential*",
)  # fmt: skip
SETTINGS: dict[str, Setting] = {
    setting.key: setting
    for setting in (
        Setting("max_retries", Kind.INTEGER, 3, 0, 1_000_000, Reach.JOBS,
                "retries after the first attempt of a job"),
        Setting("backoff_base", Kind.NUMBER, 2, 0, 1_000, Reach.JOBS,
                "the k-th retry waits backoff_base ** k seconds"),
        Setting("backoff_max", Kind.DURATION, 3600, 0, MAX_DURATION, Reach.JOBS,
                "longest wait before a retry"),
        Setting("backoff_jitter", Kind.NUMBER, 0, 0, 1, Reach.JOBS,
                "random extra wait before a retry, as a fraction of it"),
        Setting("timeout", Kind.DURATION, None, 0.001, MAX_DURATION, Reach.JOBS,
                "longest run time of an attempt", optional=True),
        Setting("shutdown_grace", Kind.DURATION, 30, 0, _DAY, Reach.PROCESSES,
                "time that running commands get to end by themselves at a stop"),
        Setting("kill_grace", Kind.DURATION, 5, 0, _DAY, Reach.PROCESSES,
                "time between TERM and KILL when a command is ended"),
        Setting("long_wait", Kind.DURATION, 300, 0, MAX_DURATION, Reach.PROCESSES,
                "worker start asks what to do when the next job is further away than this"),
        Setting("output_limit", Kind.SIZE, 8 * 1024 * 1024, 1024, 1024**4, Reach.PROCESSES,
                "output kept of each attempt and stream, half of it head and half tail"),
        Setting("heartbeat", Kind.DURATION, 5, 0.1, 3600, Reach.PROCESSES,
                "time between two signs of life of a supervisor"),
        Setting("lease", Kind.DURATION, 30, 1, _DAY, Reach.PROCESSES,
                "a supervisor silent for longer, and three heartbeats, counts as dead"),
        Setting("poll", Kind.DURATION, 1, 0.01, 3600, Reach.PROCESSES,
                "safety net: how often a supervisor looks without being woken"),
        Setting("keep_days", Kind.NUMBER, 30, 0, 36_500, Reach.PROCESSES,
                "finished jobs older than this many days are pruned", optional=True),
        Setting("keep_jobs", Kind.INTEGER, None, 0, 10**12, Reach.PROCESSES,
                "at most this many finished jobs are kept", optional=True),
        Setting("secret_names", Kind.PATTERNS, _SECRET, 1, 100, Reach.COMMANDS,
                "variables of jobs whose values are masked where jobs are shown", optional=True),
    )
}  # fmt: skip

_SIZES = {"": 1, "b": 1, "kib": 1024, "mib": 1024**2, "gib": 1024**3, "tib": 1024**4,
          "kb": 10**3, "mb": 10**6, "gb": 10**9, "k": 1024, "m": 1024**2, "g": 1024**3}  # fmt: skip


def find_setting(key: str) -> Setting:
    """The setting called `key`, with `-` or `_`; raises `UnknownName`."""
    try:
        return SETTINGS[key.strip().lower().replace("-", "_")]
    except KeyError:
        raise UnknownName("setting", key, SETTINGS) from None


def parse_value(setting: Setting, text: str) -> Value:
    """The value written as `text`, checked for type and range; raises `BadValue`."""
    plain = text.strip()
    nothing = ("none", "") if setting.kind is Kind.PATTERNS else ("none",)
    if setting.optional and plain.lower() in nothing:
        return None
    try:
        value = _read(setting, plain)
    except (ValueError, OverflowError):
        raise BadValue(setting.key, text, describe_range(setting)) from None
    amount = len(value) if isinstance(value, tuple) else value
    if not setting.low <= amount <= setting.high:
        raise BadValue(setting.key, text, describe_range(setting))
    return value


def _read(setting: Setting, text: str) -> int | float | Patterns:
    if setting.kind is Kind.PATTERNS:
        return _read_patterns(text)
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    match setting.kind:
        case Kind.INTEGER:
            return int(text)
        case Kind.NUMBER:
            number = float(text)
            return int(number) if number == int(number) else number
        case Kind.DURATION:
            try:
                return parse_duration(text)
            except BadValue as error:
                raise ValueError(text) from error
        case Kind.SIZE:
            digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
            unit = text[len(digits) :].strip().lower()
            if unit not in _SIZES:
                raise ValueError(text)
            return math.floor(float(digits) * _SIZES[unit])


def _read_patterns(text: str) -> Patterns:
    patterns = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for pattern in patterns:
        unsafe = not pattern or len(pattern) > _LONGEST_PATTERN or visible(pattern) != pattern
        if unsafe or "=" in pattern or pattern.split() != [pattern]:
            raise ValueError(pattern)
    return patterns


def format_value(setting: Setting, value: Value) -> str:
    """`value` as a person writes it; `parse_value` reads it back."""
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(value)
    match setting.kind:
        case Kind.DURATION:
            return format_duration(value)
        case Kind.SIZE:
            return _format_size(int(value))
        case Kind.INTEGER | Kind.NUMBER | Kind.PATTERNS:
            return str(value).removesuffix(".0")


def _format_size(count: int) -> str:
    for unit, name in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
        if count >= unit and count % unit == 0:
            return f"{count // unit} {name}"
    return f"{count} B"


def describe_range(setting: Setting) -> str:
    """What the setting takes, in words."""
    if setting.kind is Kind.PATTERNS:
        return f"1 to {setting.high:g} patterns of names like *token*, with commas, or none"
    low, high = (format_value(setting, bound) for bound in (setting.low, setting.high))
    article = "an" if setting.kind is Kind.INTEGER else "a"
    none = ", or none" if setting.optional else ""
    return f"{article} {setting.kind} from {low} to {high}{none}"


class Settings(NamedTuple):
    """The settings in force, by name."""

    max_retries: int
    backoff_base: float
    backoff_max: float
    backoff_jitter: float
    timeout: float | None
    shutdown_grace: float
    kill_grace: float
    long_wait: float
    output_limit: int
    heartbeat: float
    lease: float
    poll: float
    keep_days: float | None
    keep_jobs: int | None
    secret_names: Patterns | None

    @property
    def patience(self) -> float:
        """Seconds without a heartbeat after which a supervisor is given up."""
        return max(self.lease, _BEATS * self.heartbeat)

    @property
    def backoff(self) -> Backoff:
        """The retry policy of a job that names none."""
        return Backoff(base=self.backoff_base, max=self.backoff_max, jitter=self.backoff_jitter)


def effective(stored: dict[str, str]) -> Settings:
    """Defaults, overlaid with the texts that the store keeps (unknown keys are left alone)."""
    values = {key: setting.default for key, setting in SETTINGS.items()}
    for key, text in stored.items():
        if key in SETTINGS:
            values[key] = parse_value(SETTINGS[key], text)
    return Settings(**values)  # type: ignore[arg-type]
