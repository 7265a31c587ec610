"""CPython's process pools on small work, for bench/rows/rivals.c. Measures the one thing named and prints the seconds
a task took (open-close: all of it):

    executor_rivals.py map-1 | map-1000 | round-trip | open-close | imap
"""

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor


def increment(number):
    return number + 1


def seconds(count, run):
    start = time.perf_counter()
    total = run()
    elapsed = time.perf_counter() - start
    if total != count * (count + 1) // 2:
        raise SystemExit("wrong sum")
    return elapsed


def map_chunks(chunksize):
    count = 2000 if chunksize == 1 else 200000
    with ProcessPoolExecutor(2) as executor:
        executor.submit(increment, 1).result()
        return seconds(count, lambda: sum(executor.map(increment, range(count), chunksize=chunksize))) / count


def round_trip():
    count = 500
    with ProcessPoolExecutor(2) as executor:
        executor.submit(increment, 1).result()
        return seconds(count, lambda: sum(executor.submit(increment, n).result() for n in range(count))) / count


def open_close():
    def run():
        with ProcessPoolExecutor(12) as executor:
            futures = [executor.submit(increment, n) for n in range(20)]
            return sum(future.result() for future in futures)

    return seconds(20, run)


def imap():
    count = 10000
    with multiprocessing.Pool(2) as pool:
        pool.apply(increment, (1,))
        return seconds(count, lambda: sum(pool.imap(increment, range(count)))) / count


THINGS = {
    "map-1": lambda: map_chunks(1),
    "map-1000": lambda: map_chunks(1000),
    "round-trip": round_trip,
    "open-close": open_close,
    "imap": imap,
}

if __name__ == "__main__":
    print(THINGS[sys.argv[1]]())
