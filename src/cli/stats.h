#ifndef CLI_STATS_H
#define CLI_STATS_H

/* stats.h: what --stats prints at the end: what each worker did, and all together. */

#include "text.h"

#include <proc_pool/executor.h>

/* Appends the table. `seconds` is how long the run took, `numbers` how many came back from it. The workers
 * must be gone: only then does the system know what they used. */
void pp_stats_table(struct pp_text *text, double seconds, uint64_t numbers,
                    const struct pp_statistics *statistics);

#endif
