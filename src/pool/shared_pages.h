#ifndef POOL_SHARED_PAGES_H
#define POOL_SHARED_PAGES_H

/* Memory that parent and workers share: one page each, so that a worker can unmap its siblings'. */

#include <stddef.h>

struct pp_shared_pages {
    unsigned char *memory;
    size_t page_size;
    size_t count;
};

/* Maps `count` zeroed pages that processes forked from now on share with this one. 0 or -errno. */
int pp_shared_pages_open(struct pp_shared_pages *pages, size_t count);

void *pp_shared_page(const struct pp_shared_pages *pages, size_t index);

/* In a worker: unmaps all pages but that one. */
void pp_shared_pages_keep_only(struct pp_shared_pages *pages, size_t index);

void pp_shared_pages_close(struct pp_shared_pages *pages);

#endif
