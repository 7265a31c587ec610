/* Anonymous shared mappings are everywhere but came into POSIX only in 2024; without them an unlinked file
 * does. */
#ifdef __linux__
#define _DEFAULT_SOURCE
#endif

#include "shared_pages.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef MAP_ANONYMOUS
static void *map_shared(size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}
#else
#include <stdlib.h>

static void *map_shared(size_t size)
{
    char name[] = "/tmp/pp_shared_XXXXXX";
    int fd = mkstemp(name);
    if (fd == -1) {
        return MAP_FAILED;
    }
    unlink(name);
    void *memory = MAP_FAILED;
    if (ftruncate(fd, (off_t)size) == 0) {
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    int error = errno;
    close(fd);
    errno = error;
    return memory;
}
#endif

int pp_shared_pages_open(struct pp_shared_pages *pages, size_t count)
{
    size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
    if (count > SIZE_MAX / page_size) {
        return -ENOMEM;
    }
    void *memory = map_shared(count * page_size);
    if (memory == MAP_FAILED) {
        return -errno;
    }
    *pages = (struct pp_shared_pages){.memory = memory, .page_size = page_size, .count = count};
    return 0;
}

void *pp_shared_page(const struct pp_shared_pages *pages, size_t index)
{
    assert(index < pages->count);
    return pages->memory + index * pages->page_size;
}

void pp_shared_pages_keep_only(struct pp_shared_pages *pages, size_t index)
{
    unsigned char *kept = pp_shared_page(pages, index);
    unsigned char *behind = kept + pages->page_size;
    if (kept > pages->memory) {
        munmap(pages->memory, (size_t)(kept - pages->memory));
    }
    if (index + 1 < pages->count) {
        munmap(behind, (pages->count - index - 1) * pages->page_size);
    }
    *pages = (struct pp_shared_pages){.memory = kept, .page_size = pages->page_size, .count = 1};
}

void pp_shared_pages_close(struct pp_shared_pages *pages)
{
    if (pages->memory != NULL) {
        munmap(pages->memory, pages->count * pages->page_size);
        *pages = (struct pp_shared_pages){0};
    }
}
