"""Makes one job of each module of the standard library, and compares what the jobs made of it."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FAILING = 10
COMPRESS = 'gzip -c "$SOURCE" > "$TARGET" && sha256sum "$SOURCE"'
FAIL = f"{COMPRESS} && echo 'fails on purpose' >&2 && exit 7"


class Piece(NamedTuple):
    """A source file, where its compressed form goes, and the id of the job that makes it."""

    job: str
    source: Path
    target: Path


def main() -> int:
    """Do what the words say: prepare FOLDER or compare FOLDER; the exit code."""
    action, folder = sys.argv[1], Path(sys.argv[2]).absolute()
    if action == "prepare":
        prepare(folder)
        return 0
    return compare(folder)


def prepare(folder: Path) -> None:
    """Write the jobs, and the script that prints their output."""
    found = list(pieces(folder))
    (folder / "gz").mkdir(parents=True, exist_ok=True)
    step = len(found) // FAILING
    failing = {piece.job for piece in found[step // 2 :: step][:FAILING]}
    with open(folder / "jobs.jsonl", "w", encoding="utf-8") as file:
        for piece in found:
            env = {"SOURCE": str(piece.source), "TARGET": str(piece.target)}
            command = FAIL if piece.job in failing else COMPRESS
            file.write(json.dumps({"id": piece.job, "command": command, "env": env}) + "\n")
    lines = "".join(f"logs {piece.job}\n" for piece in found)
    (folder / "logs.txt").write_text(lines, encoding="utf-8")
    print(f"{len(found)} files, {len(failing)} of which are to fail")


def compare(folder: Path) -> int:
    """Say where an output or a digest is not what its source asks for; the exit code."""
    told = dict(digests(folder / "digests"))
    found = list(pieces(folder))
    wrong = [piece for piece in found if not is_right(piece, told.get(str(piece.source)))]
    for piece in wrong:
        print(f"{piece.job} is wrong: {piece.source}")
    print(f"{len(found) - len(wrong)} of {len(found)} outputs and digests are right")
    return 1 if wrong or not found else 0


def is_right(piece: Piece, digest: str | None) -> bool:
    """Whether the output is the source again, byte for byte, and the digest is the source's."""
    source = piece.source.read_bytes()
    try:
        output = gzip.decompress(piece.target.read_bytes())
    except (OSError, EOFError):
        return False
    return output == source and digest == hashlib.sha256(source).hexdigest()


def digests(path: Path) -> Iterator[tuple[str, str]]:
    """Each file with its digest, as sha256sum printed them."""
    for line in path.read_text(encoding="utf-8").splitlines():
        digest, two_blanks, name = line.partition("  ")
        if two_blanks:
            yield name, digest


def pieces(folder: Path) -> Iterator[Piece]:
    """All modules of the standard library of the Python that runs this."""
    library = Path(sysconfig.get_path("stdlib"))
    for source in sorted(library.rglob("*.py")):
        name = source.relative_to(library)
        if not {"site-packages", "dist-packages"}.intersection(name.parts):
            job = re.sub(r"[^A-Za-z0-9._-]", ":", str(name))
            yield Piece(job, source, folder / "gz" / f"{job}.gz")


if __name__ == "__main__":
    sys.exit(main())
