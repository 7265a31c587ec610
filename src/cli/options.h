#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

/* options.h: the command line, read strictly. One table names every option; the parser, the help text and the
 * suggestions for misspelt ones all come from it. Nothing here prints or looks at files. */

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PP_MAX_WORKERS 4096

enum pp_method { PP_METHOD_UNSAID, PP_METHOD_FAST, PP_METHOD_TRIAL };

enum pp_format {
    PP_FORMAT_UNSAID,
    PP_FORMAT_TABLE,
    PP_FORMAT_TSV,
    PP_FORMAT_JSON,
    PP_FORMAT_PRIMES,
    PP_FORMAT_COUNT
};

enum pp_when { PP_WHEN_AUTO, PP_WHEN_ALWAYS, PP_WHEN_NEVER };

/* What the user asked for. The strings are those of argv. */
struct pp_command {
    size_t workers; /* 0: auto */
    enum pp_method method;
    enum pp_format format;
    enum pp_when progress;
    bool as_completed, resume, strict, quiet, stats, help, version;
    bool sharded;
    uint32_t shard, shards; /* --shard=shard/shards; 0/1 if not said */
    uint64_t timeout_ms;    /* 0: none */
    unsigned retries;
    const char *output, *timeline, *trace; /* NULL: not said */
    const char **inputs;                   /* the operands after WORKERS; pp_options_free frees the array */
    size_t input_count;
};

/* Reads argv[1] … argv[argc - 1] into *command. 0, or -EINVAL, and then `complaint` says in one line what is
 * wrong and what to type instead, or -ENOMEM. *command is to be freed in any case. */
int pp_options_parse(struct pp_command *command, int argc, char *const argv[], struct pp_text *complaint);

void pp_options_free(struct pp_command *command);

/* The name of a value as the user would type it. */
const char *pp_method_name(enum pp_method method);
const char *pp_format_name(enum pp_format format);

/* Appends the text of --help. */
void pp_options_help(struct pp_text *text);

/* How many single-character edits (insert, delete, replace, swap neighbours) turn one word into the other.
 * Words longer than 64 bytes are at distance 64 from everything. */
size_t pp_spelling_distance(const char *a, const char *b);

#endif
