"""A queue of huey on SQLite, each commit synced, whose one task runs a trivial command.

It is filled by importing this, for a task bears the name of its module; its consumer is told
`huey_tasks.huey`. The environment says where the queue is, and where each task writes down its end
in microseconds.
"""

import os
import subprocess
import time

from huey import SqliteHuey

huey = SqliteHuey("benchmark", filename=os.environ["HUEY_FILE"], fsync=True)


@huey.task()
def trivial():
    subprocess.run(["/bin/sh", "-c", "true"], check=True)
    ends = os.open(os.environ["HUEY_ENDS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(ends, b"%d\n" % (time.time_ns() // 1000))
    os.close(ends)
