#!/usr/bin/env python3
"""The rival: what `proc_pool WORKERS` does, written as one would in Python, with concurrent.futures. The same sample, the
same divisors in the same order, the same table. For bench/python/compare.sh."""

import math
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

SAMPLE = [
    9999999999999999, 9999999999999917, 7777777777777777, 7777777777777753, 7777777536340681,
    6666667141414921, 6666666666666719, 6666666666666666, 5555555555555555, 5555555555555503,
    5555553133149889, 4444444488888889, 4444444444444444, 4444444444444423, 3333335652092209,
    3333333333333333, 3333333333333301, 299593572317531, 142702110479723, 2,
]


def is_prime(n):
    if n < 2:
        return False
    if n == 2:
        return True
    if n % 2 == 0:
        return False
    for divisor in range(3, math.isqrt(n) + 1, 2):
        if n % divisor == 0:
            return False
    return True


def check(n):
    start = perf_counter()
    prime = is_prime(n)
    return n, prime, perf_counter() - start


def main():
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else os.cpu_count()
    print(f"Checking {len(SAMPLE)} numbers with {workers} processes:")
    start = perf_counter()
    with ProcessPoolExecutor(workers) as executor:
        for n, prime, seconds in executor.map(check, SAMPLE):
            print(f"{n:16}  {'P' if prime else ' '} {seconds:9.6f}s")
    print(f"Total time: {perf_counter() - start:.2f}s")


if __name__ == "__main__":
    main()
