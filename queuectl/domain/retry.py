"""Retry policies: how long the k-th retry waits."""

import re
import sys
from enum import StrEnum
from typing import Any, NamedTuple

from queuectl.domain.errors import BadValue, UnknownName
from queuectl.domain.timing import MAX_DURATION, format_duration, parse_duration

MAX_DELAYS = 1_000
MAX_BASE = 1_000.0
_PLAIN_NUMBER = r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_NUMBER = (int, float)


class Strategy(StrEnum):
    """The shape of the growth of the waits."""

    EXPONENTIAL = "exponential"
    LINEAR = "linear"
    FIXED = "fixed"
    LIST = "list"


class Backoff(NamedTuple):
    """A retry policy; all times in seconds, `jitter` a fraction of the wait, 0 to 1.

    The k-th retry waits `delay * base ** k` (exponential), `delay * k` (linear), `delay` (fixed)
    or `delays[k - 1]` (list; the last repeats), plus up to `jitter` of that, at most `max`.
    """

    strategy: Strategy = Strategy.EXPONENTIAL
    base: float = 2
    delay: float = 1
    delays: tuple[float, ...] = ()
    max: float = 3600
    jitter: float = 0

    def wait(self, retry: int, chance: float) -> float:
        """Seconds before retry number `retry` (from 1); `chance` is a random number in [0, 1)."""
        plain = min(self._growth(retry), self.max)
        return min(plain * (1 + self.jitter * chance), self.max)

    def _growth(self, retry: int) -> float:
        match self.strategy:
            case Strategy.EXPONENTIAL:
                return self.delay * _power(self.base, retry)
            case Strategy.LINEAR:
                return self.delay * retry
            case Strategy.FIXED:
                return self.delay
            case Strategy.LIST:
                return self.delays[min(retry, len(self.delays)) - 1]

    def as_record(self) -> dict[str, Any]:
        """The policy as it stands in the JSON of a job."""
        return {**self._asdict(), "strategy": str(self.strategy), "delays": list(self.delays)}


def _power(base: float, exponent: int) -> float:
    try:
        return float(base) ** exponent  # of integers it would take minutes
    except OverflowError:
        return sys.float_info.max  # not infinity, which a delay of 0 would turn into no number


def parse_backoff(text: str, default: Backoff) -> Backoff:
    """A policy written as `fixed:5s`, `linear:5s`, `exponential:2` or `list:1s,5s`.

    Cap and jitter come from `default`; raises `BadValue` or `UnknownName`.
    """
    name, _, rest = text.partition(":")
    strategy = _strategy(name.strip())
    match strategy:
        case Strategy.EXPONENTIAL:
            base = _base(rest) if rest else default.base
            return default._replace(strategy=strategy, base=base, delay=1, delays=())
        case Strategy.LIST:
            delays = tuple(parse_duration(part, "backoff") for part in rest.split(","))
            return default._replace(strategy=strategy, delays=_checked_delays(delays, text))
        case Strategy.LINEAR | Strategy.FIXED:
            delay = parse_duration(rest, "backoff")
            return default._replace(strategy=strategy, delay=delay, delays=())


def backoff_from_json(value: object, default: Backoff) -> Backoff:
    """A policy given as a JSON object, or in the short text form; raises `InvalidInput`."""
    if isinstance(value, str):
        return parse_backoff(value, default)
    if not isinstance(value, dict):
        raise BadValue("backoff", value, "an object or a text such as fixed:5s")
    for key in value:
        if key not in Backoff._fields:
            raise UnknownName("field of backoff", str(key), Backoff._fields)
    policy = Backoff(
        strategy=_strategy(value.get("strategy", "exponential")),
        base=_number(value, "base", default.base, 0, MAX_BASE),
        delay=_number(value, "delay", 1, 0, MAX_DURATION),
        delays=_delays(value.get("delays", [])),
        max=_number(value, "max", default.max, 0, MAX_DURATION),
        jitter=_number(value, "jitter", default.jitter, 0, 1),
    )
    if policy.strategy is Strategy.LIST:
        _checked_delays(policy.delays, value)
    return policy


def format_backoff(policy: Backoff) -> str:
    """The short text of a policy, as `parse_backoff` reads it."""
    match policy.strategy:
        case Strategy.EXPONENTIAL:
            return f"exponential:{policy.base!r}".removesuffix(".0")
        case Strategy.LIST:
            return "list:" + ",".join(map(format_duration, policy.delays))
        case Strategy.LINEAR | Strategy.FIXED:
            return f"{policy.strategy}:{format_duration(policy.delay)}"


def _strategy(value: object) -> Strategy:
    try:
        return Strategy(value)  # type: ignore[arg-type]
    except ValueError:
        raise UnknownName("backoff strategy", str(value), list(Strategy)) from None


def _base(text: str) -> float:
    plain = text.strip()
    if not re.fullmatch(_PLAIN_NUMBER, plain) or not float(plain) <= MAX_BASE:
        raise BadValue("backoff", text, f"a base from 0 to {MAX_BASE:g}")
    return float(plain)


def _number(mapping: dict[str, Any], key: str, default: float, low: float, high: float) -> float:
    value = mapping.get(key, default)
    if type(value) not in _NUMBER or not low <= value <= high:
        raise BadValue(f"backoff.{key}", value, f"a number from {low:g} to {high:g}")
    return float(value + 0.0)  # no minus before a zero


def _delays(value: object) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_DELAYS:
        raise BadValue(
            "backoff.delays", value, f"a list of at most {MAX_DELAYS} numbers of seconds"
        )
    for delay in value:
        if type(delay) not in _NUMBER or not 0 <= delay <= MAX_DURATION:
            raise BadValue("backoff.delays", delay, "a number of seconds, 0 or more")
    return tuple(delay + 0.0 for delay in value)


def _checked_delays(delays: tuple[float, ...], shown: object) -> tuple[float, ...]:
    if not 1 <= len(delays) <= MAX_DELAYS:
        raise BadValue("backoff", shown, f"a list of 1 to {MAX_DELAYS} delays")
    return delays
