#ifndef PRIMALITY_UNROLL_H
#define PRIMALITY_UNROLL_H

/* Put before a loop of a known small count over independent numbers: unrolled, so that their states live in
 * registers and the processor sees them side by side. */
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 64")
#else
#define UNROLL
#endif

#endif
