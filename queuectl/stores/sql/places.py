"""Free places of workers, given out in turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush

from queuectl.stores.exchange import Demand

# What a demand got so far, whether it takes any queue, its position, itself.
_Turn = tuple[int, bool, int, Demand]


class Places:
    """The places of all demands; `free` is how many are left."""

    def __init__(self, demands: Sequence[Demand]) -> None:
        self.free = sum(max(0, demand.free) for demand in demands)
        self._turns: dict[tuple[str, ...], list[_Turn]] = {}  # heaps, by the queues demanded
        for position, demand in enumerate(demands):
            if demand.free > 0:
                turn = 0, not demand.queues, position, demand
                heappush(self._turns.setdefault(demand.queues, []), turn)

    @property
    def any_queue(self) -> bool:
        """Whether some demand takes jobs of any queue."""
        return () in self._turns

    @property
    def named_queues(self) -> set[str]:
        """The queues that demands name."""
        return {queue for queues in self._turns for queue in queues}

    def takes(self, queue: str) -> bool:
        """Whether a job of this queue has a place."""
        return any(True for _ in self._open_to(queue))

    def give(self, queue: str) -> str | None:
        """The worker whose turn it is to get a job of this queue, if it has a place.

        It is the one that got least; of several one that takes few queues, since others can
        take the jobs that it cannot.
        """
        turns = min(self._open_to(queue), key=lambda heap: heap[0], default=None)
        if turns is None:
            return None
        given, unbound, position, demand = heappop(turns)
        if given + 1 < demand.free:
            heappush(turns, (given + 1, unbound, position, demand))
        self.free -= 1
        return demand.worker

    def give_whole(self, queue: str) -> str | None:
        """A worker without a job, which gets nothing else; None where there is none.

        Then the one with the fewest gets nothing more, so that it will be without some time.
        """
        turns, turn = min(
            ((turns, turn) for turns in self._open_to(queue) for turn in turns),
            key=lambda found: (found[1][0] + found[1][3].held, found[1]),
            default=(None, None),
        )
        if turns is None or turn is None:
            return None
        given, *_, demand = turn
        turns.remove(turn)
        heapify(turns)
        self.free -= demand.free - given
        return None if given or demand.held else demand.worker

    def _open_to(self, queue: str) -> Iterator[list[_Turn]]:
        for queues, turns in self._turns.items():
            if turns and (not queues or queue in queues):
                yield turns
