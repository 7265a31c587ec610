"""What a tiny task costs in CPython's process pools, two workers: lines "NAME<tab>SECONDS A TASK"."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor


def increment(number):
    return number + 1


def per_task(count, run):
    start = time.perf_counter()
    total = run(count)
    seconds = time.perf_counter() - start
    if total != count * (count + 1) // 2:
        raise SystemExit("wrong sum")
    return seconds / count


def main():
    with ProcessPoolExecutor(2) as executor:
        executor.submit(increment, 1).result()

        def by_map(chunksize):
            return lambda count: sum(executor.map(increment, range(count), chunksize=chunksize))

        def round_trips(count):
            return sum(executor.submit(increment, number).result() for number in range(count))

        print(f"ProcessPoolExecutor.map, chunksize 1\t{per_task(10000, by_map(1))}", flush=True)
        print(f"ProcessPoolExecutor.map, chunksize 1000\t{per_task(300000, by_map(1000))}", flush=True)
        print(f"ProcessPoolExecutor, submit to result\t{per_task(2000, round_trips)}", flush=True)
    with multiprocessing.Pool(2) as pool:
        pool.apply(increment, (1,))
        print(f"multiprocessing.Pool.imap\t{per_task(50000, lambda count: sum(pool.imap(increment, range(count))))}")


if __name__ == "__main__":
    main()
