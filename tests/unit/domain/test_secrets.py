"""What is secret in a job's environment is masked, and nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.secrets import MASK, Secrets, masked_password, without_password
from queuectl.domain.settings import effective

DEFAULT = Secrets.of(effective({}))
SOUNDING_SECRET = """
PASSWORD PGPASSWORD db_password RESTIC_PASSWORD_FILE SSHPASS MYSQL_PWD DB_PASS GPG_PASSPHRASE
CLIENT_SECRET AWS_SECRET_ACCESS_KEY SECRET_KEY_BASE GITHUB_TOKEN token CI_JOB_TOKEN HF_TOKEN_WRITE
OPENAI_API_KEY apikey AWS_ACCESS_KEY_ID SSH_PRIVATE_KEY BORG_ENCRYPTION_KEY REDISCLI_AUTH
GOOGLE_APPLICATION_CREDENTIALS htpasswd
"""
ORDINARY = """
PATH PWD OLDPWD HOME SHELL TERM LANG USER COMPASS BYPASS TOKENIZERS_PARALLELISM MAX_TOKENS
SSH_AUTH_SOCK XAUTHORITY AUTHOR KEYBOARD PRIMARY_KEY PARTITION_KEY KEY DATABASE_URL
"""
WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1)


@pytest.mark.parametrize(
    "name",
    SOUNDING_SECRET.split(),
)
def test_a_name_that_sounds_secret_is_by_default(name: str) -> None:
    assert DEFAULT.covers(name)


@pytest.mark.parametrize(
    "name",
    ORDINARY.split(),
)
def test_an_ordinary_name_is_not(name: str) -> None:
    assert not DEFAULT.covers(name)


def test_patterns_are_those_of_a_shell_and_know_no_case() -> None:
    secrets = Secrets(["pin", "Db_*", "k[ab]?"])
    covered = {
        name for name in ("PIN", "PINS", "db_url", "KA1", "kc1", "ka") if secrets.covers(name)
    }
    assert covered == {"PIN", "db_url", "KA1"}


@given(st.dictionaries(WORDS, st.text()))
def test_without_patterns_nothing_is_masked(variables: dict[str, str]) -> None:
    assert Secrets(()).masked_variables({**variables, "PASSWORD": "http://a:b@c"}) == {
        **variables,
        "PASSWORD": "http://a:b@c",
    }


@given(st.dictionaries(WORDS, st.text()), st.text())
def test_every_secret_value_looks_the_same(variables: dict[str, str], secret: str) -> None:
    masked = DEFAULT.masked_variables({**variables, "X_PASSWORD": secret})
    assert masked.keys() == {*variables, "X_PASSWORD"}
    assert masked["X_PASSWORD"] == MASK


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("postgresql://u:p@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("redis://:p@h", "redis://:***@h"),
        ("postgres://u:p@ss:w@h/db", "postgres://u:***@h/db"),
        ("postgres://u:pa/ss@h/db", "postgres://u:***@h/db"),
        ("amqp://u:p@a,amqp://u:q@b", "amqp://u:***@a,amqp://u:***@b"),
        ("see mysql+pymysql://u:p@h/db now", "see mysql+pymysql://u:***@h/db now"),
        ("http://proxy:8080/a@b", "http://proxy:8080/a@b"),
        ("http://proxy:8080", "http://proxy:8080"),
        ("ssh://git@host/repository", "ssh://git@host/repository"),
        ("https://host/?user=a&password=p&x=1#y", "https://host/?user=a&password=***&x=1#y"),
        ("https://host/?access_token=p", "https://host/?access_token=***"),
        ("https://host/?a=b@c", "https://host/?a=b@c"),
        ("user:password@host", "user:password@host"),
        ("sqlite:////a:b@c/queue.db", "sqlite:////a:b@c/queue.db"),
        ("password=p", "password=p"),
    ],
)
def test_the_password_in_an_address_is_masked(value: str, masked: str) -> None:
    assert DEFAULT.masked_variables({"DATABASE_URL": value}) == {"DATABASE_URL": masked}


@given(st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="/@"), min_size=4))
def test_a_password_is_never_shown(password: str) -> None:
    address = f"postgresql://someone:{password}@host:1/base"
    assert masked_password(address) == "postgresql://someone:***@host:1/base"
    assert without_password(address) == "postgresql://someone@host:1/base"


def test_a_password_among_the_parameters_is_never_shown() -> None:
    address = "postgresql:///base?password=p&host=h&sslpassword=q"
    assert masked_password(address) == "postgresql:///base?password=***&host=h&sslpassword=***"
    assert without_password(address) == "postgresql:///base?password=&host=h&sslpassword="


@pytest.mark.parametrize("text", ["sqlite:////srv/queue.db", "postgresql://u@h/db", "", "a:b@c"])
def test_an_address_without_password_stays_as_it_is(text: str) -> None:
    assert masked_password(text) == without_password(text) == text
