"""What of a job's environment is secret, and how it looks to those who are not to read it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Self

from queuectl.domain.job import Job
from queuectl.domain.settings import Settings

MASK = "***"  # for every value: its length would tell something, too
# The password of scheme://user:password@host. A slash in it is tolerated where what follows the
# colon is no port, since people forget to escape it; another :// ends it.
_PASSWORD = re.compile(r"(://[^\s/:@?#]*:)(?:[^\s/]*|(?!\d{1,5}[/?#])(?:(?!://)\S){0,2000})(?=@)")
_PASSWORD_PARAMETER = re.compile(r"([?&](?:ssl)?password=)[^&#\s]*")
_PARAMETER = re.compile(r"(?<=[?&])([^=&#\s]+)=([^&#\s]*)")


class Secrets:
    """Variables whose names match one of the shell-style `patterns`, and passwords in URLs.

    Case does not matter. Without patterns nothing is secret.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        names = re.compile("|".join(map(fnmatch.translate, patterns)), re.IGNORECASE)
        self._any = bool(names.pattern)
        self._match = lru_cache(maxsize=4096)(names.match)  # jobs have the same few names

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What is secret by the settings in force."""
        return cls(settings.secret_names or ())

    def covers(self, name: str) -> bool:
        """Whether the variable of this name is secret."""
        return self._any and self._match(name) is not None

    def masked(self, job: Job) -> Job:
        """The job as it may be shown; it is not fit to be run."""
        return job._replace(env=self.masked_variables(job.env)) if self._any and job.env else job

    def masked_variables(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The variables, with what is secret in their values masked."""
        return {
            name: MASK if self.covers(name) else self._masked_address(value)
            for name, value in variables.items()
        }

    def _masked_address(self, value: str) -> str:
        if not self._any or "://" not in value:
            return value
        return _PARAMETER.sub(self._masked_parameter, masked_password(value))

    def _masked_parameter(self, match: re.Match[str]) -> str:
        return f"{match[1]}={MASK}" if self.covers(match[1]) else match[0]


def masked_password(address: str) -> str:
    """The URL, or a text with URLs in it, with the passwords masked."""
    return _PASSWORD_PARAMETER.sub(rf"\1{MASK}", _PASSWORD.sub(rf"\1{MASK}", address))


def without_password(address: str) -> str:
    """The URL without its password."""
    bare = _PASSWORD.sub(lambda match: match[1].removesuffix(":"), address)
    return _PASSWORD_PARAMETER.sub(r"\1", bare)
