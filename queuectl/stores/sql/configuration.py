"""Settings that somebody set."""

from __future__ import annotations

from queuectl.stores.sql.session import Transactional


class Configuration(Transactional):
    """Keeps settings as the texts they were given."""

    def stored_settings(self) -> dict[str, str]:
        with self._reading() as session:
            return dict(session.run("SELECT key, value FROM settings ORDER BY key"))

    def store_setting(self, key: str, text: str | None) -> None:
        with self._writing("set") as session:
            if text is None:
                session.run("DELETE FROM settings WHERE key = ?", (key,))
                return
            session.run(
                """
                INSERT INTO settings (key, value) VALUES (?, ?)
                ON CONFLICT (key) DO UPDATE SET value = excluded.value
                """,
                (key, text),
            )
