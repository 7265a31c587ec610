#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

/* What the fuzz targets share: taking decisions from the input, and ending when something is wrong. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The fuzzer calls this again and again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what does not hold and ends the process, which the fuzzer takes for a find. */
#define FUZZ_REQUIRE(condition)                                                           \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                      \
        }                                                                                 \
    } while (0)

/* What is left of the input. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

/* The next byte; zeros behind the end. */
static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

/* The next `size` bytes as a number. */
static inline uint64_t fuzz_number(struct fuzz_input *input, int size)
{
    uint64_t n = 0;
    while (size-- > 0) {
        n = n << 8 | fuzz_byte(input);
    }
    return n;
}

/* malloc, which does not fail here. Not even for size 0 is it NULL. */
static inline void *fuzz_memory(size_t size)
{
    void *memory = malloc(size > 0 ? size : 1);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

#endif
