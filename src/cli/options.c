#include "options.h"

#include "numbers.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A reader puts an option's argument (NULL for an option that has none) into the command. 0, or -EINVAL with
 * the complaint written. */
struct option;
typedef int reader(const struct option *option, const char *argument, struct pp_command *command,
                   struct pp_text *complaint);

struct option {
    char letter; /* 0: long form only */
    const char *name;
    const char *argument; /* its name in the help; NULL: the option takes none */
    reader *read;
    const char *help; /* lines, each ended by a newline */
};

static int complain_value(const struct option *option, const char *argument, const char *wanted,
                          struct pp_text *complaint)
{
    char shown[PP_TEXT_SHOWN_BYTES];
    pp_text_printf(complaint, "--%s takes %s, not \"%s\"", option->name, wanted,
                   pp_text_shown(shown, argument));
    return -EINVAL;
}

/* ---- Spelling ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t pp_spelling_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t rows = strlen(a);
    size_t columns = strlen(b);
    if (rows > LONGEST || columns > LONGEST) {
        return LONGEST;
    }
    size_t line[3][LONGEST + 1]; /* this row of the table of distances and the two before it */
    for (size_t j = 0; j <= columns; j++) {
        line[0][j] = j;
    }
    for (size_t i = 1; i <= rows; i++) {
        size_t *now = line[i % 3];
        const size_t *before = line[(i + 2) % 3];
        const size_t *before_that = line[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            now[j] = before[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = least(now[j], least(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = least(now[j], before_that[j - 2] + 1);
            }
        }
    }
    return line[rows % 3][columns];
}

/* The nearer of two candidates for what `word` was meant to be: one that it abbreviates, or one at most a
 * third of its letters away. *distance is that of the best so far. */
static void consider(const char *word, const char *candidate, const char **best, size_t *distance)
{
    size_t length = strlen(word);
    size_t edits = pp_spelling_distance(word, candidate);
    if (length > 0 && strncmp(word, candidate, length) == 0) {
        edits = 1;
    }
    if (edits <= 1 + length / 3 && edits < strlen(candidate) && edits < *distance) {
        *best = candidate;
        *distance = edits;
    }
}

/* ---- Options that choose one of a few words ---- */

struct choice {
    const char *name;
    int value;
};

static const struct choice methods[] = {{"fast", PP_METHOD_FAST}, {"trial", PP_METHOD_TRIAL}, {NULL, 0}};
static const struct choice formats[] = {{"table", PP_FORMAT_TABLE}, {"tsv", PP_FORMAT_TSV},
                                        {"json", PP_FORMAT_JSON},   {"primes", PP_FORMAT_PRIMES},
                                        {"count", PP_FORMAT_COUNT}, {NULL, 0}};
static const struct choice whens[] = {
    {"auto", PP_WHEN_AUTO}, {"always", PP_WHEN_ALWAYS}, {"never", PP_WHEN_NEVER}, {NULL, 0}};

static const char *name_of(const struct choice *choices, int value)
{
    while (choices->name != NULL && choices->value != value) {
        choices++;
    }
    return choices->name == NULL ? "" : choices->name;
}

const char *pp_method_name(enum pp_method method)
{
    return name_of(methods, (int)method);
}

const char *pp_format_name(enum pp_format format)
{
    return name_of(formats, (int)format);
}

static int read_choice(const struct option *option, const struct choice *choices, const char *argument,
                       int *value, struct pp_text *complaint)
{
    const char *meant = NULL;
    size_t distance = SIZE_MAX;
    for (const struct choice *c = choices; c->name != NULL; c++) {
        if (strcmp(c->name, argument) == 0) {
            *value = c->value;
            return 0;
        }
        consider(argument, c->name, &meant, &distance);
    }
    pp_text_printf(complaint, "--%s takes one of", option->name);
    for (const struct choice *c = choices; c->name != NULL; c++) {
        pp_text_printf(complaint, "%s %s", c == choices ? "" : ",", c->name);
    }
    char shown[PP_TEXT_SHOWN_BYTES];
    pp_text_printf(complaint, "; not \"%s\"", pp_text_shown(shown, argument));
    if (meant != NULL) {
        pp_text_printf(complaint, "; did you mean \"%s\"?", meant);
    }
    return -EINVAL;
}

static int read_method(const struct option *option, const char *argument, struct pp_command *command,
                       struct pp_text *complaint)
{
    int value = (int)command->method;
    int error = read_choice(option, methods, argument, &value, complaint);
    command->method = (enum pp_method)value;
    return error;
}

static int read_format(const struct option *option, const char *argument, struct pp_command *command,
                       struct pp_text *complaint)
{
    int value = (int)command->format;
    int error = read_choice(option, formats, argument, &value, complaint);
    command->format = (enum pp_format)value;
    return error;
}

static int read_progress(const struct option *option, const char *argument, struct pp_command *command,
                         struct pp_text *complaint)
{
    int value = (int)command->progress;
    int error = read_choice(option, whens, argument, &value, complaint);
    command->progress = (enum pp_when)value;
    return error;
}

/* ---- Options with a number ---- */

static int read_number(const char *text, size_t size, uint64_t most, uint64_t *n)
{
    return pp_number_of_digits(text, size, n) == 0 && *n <= most ? 0 : -EINVAL;
}

static int read_retries(const struct option *option, const char *argument, struct pp_command *command,
                        struct pp_text *complaint)
{
    uint64_t n;
    if (read_number(argument, strlen(argument), 1000000, &n) != 0) {
        return complain_value(option, argument, "a number from 0 to 1000000", complaint);
    }
    command->retries = (unsigned)n;
    return 0;
}

/* Seconds with at most nine digits before and three after the point, as milliseconds. */
static int read_seconds(const char *text, uint64_t *ms)
{
    size_t whole = strcspn(text, ".");
    const char *point = text + whole;
    size_t parts = *point == '.' ? strlen(point + 1) : 0;
    uint64_t seconds;
    uint64_t rest = 0;
    if (read_number(text, whole, 999999999, &seconds) != 0) {
        return -EINVAL;
    }
    if (*point == '.' && (parts > 3 || read_number(point + 1, parts, 999, &rest) != 0)) {
        return -EINVAL;
    }
    while (parts > 0 && parts < 3) {
        rest *= 10;
        parts++;
    }
    *ms = seconds * 1000 + rest;
    return *ms > 0 ? 0 : -EINVAL;
}

static int read_timeout(const struct option *option, const char *argument, struct pp_command *command,
                        struct pp_text *complaint)
{
    if (read_seconds(argument, &command->timeout_ms) != 0) {
        return complain_value(option, argument, "seconds from 0.001 to 999999999.999, such as 2 or 0.5",
                              complaint);
    }
    return 0;
}

static int read_shard(const struct option *option, const char *argument, struct pp_command *command,
                      struct pp_text *complaint)
{
    const char *slash = strchr(argument, '/');
    uint64_t shard;
    uint64_t shards;
    if (slash == NULL || read_number(argument, (size_t)(slash - argument), UINT32_MAX, &shard) != 0 ||
        read_number(slash + 1, strlen(slash + 1), UINT32_MAX, &shards) != 0 || shards == 0) {
        return complain_value(option, argument, "I/N, such as 0/4 for the first of four parts", complaint);
    }
    if (shard >= shards) {
        pp_text_printf(complaint, "--shard=%s: parts are counted from 0; the last is %lu/%lu", argument,
                       (unsigned long)(shards - 1), (unsigned long)shards);
        return -EINVAL;
    }
    command->sharded = true;
    command->shard = (uint32_t)shard;
    command->shards = (uint32_t)shards;
    return 0;
}

/* ---- Options with a file, and switches ---- */

static int read_file(const struct option *option, const char *argument, const char **file,
                     struct pp_text *complaint)
{
    if (*argument == '\0') {
        return complain_value(option, argument, "the name of a file", complaint);
    }
    *file = argument;
    return 0;
}

static int read_output(const struct option *option, const char *argument, struct pp_command *command,
                       struct pp_text *complaint)
{
    return read_file(option, argument, &command->output, complaint);
}

static int read_timeline(const struct option *option, const char *argument, struct pp_command *command,
                         struct pp_text *complaint)
{
    return read_file(option, argument, &command->timeline, complaint);
}

static int read_trace(const struct option *option, const char *argument, struct pp_command *command,
                      struct pp_text *complaint)
{
    return read_file(option, argument, &command->trace, complaint);
}

#define SWITCH(field)                                                                                      \
    static int read_##field(const struct option *option, const char *argument, struct pp_command *command, \
                            struct pp_text *complaint)                                                     \
    {                                                                                                      \
        (void)option;                                                                                      \
        (void)argument;                                                                                    \
        (void)complaint;                                                                                   \
        command->field = true;                                                                             \
        return 0;                                                                                          \
    }
SWITCH(as_completed)
SWITCH(resume)
SWITCH(strict)
SWITCH(stats)
SWITCH(quiet)
SWITCH(help)
SWITCH(version)
#undef SWITCH

static const struct option options[] = {
    {'m', "method", "fast|trial", read_method,
     "exact test for all 64-bit numbers, or plain trial\n"
     "division (default: trial for the sample, else fast)\n"},
    {'c', "as-completed", NULL, read_as_completed, "results as they complete (default: in input order)\n"},
    {'f', "format", "F", read_format,
     "table   number, P if prime, seconds (default for the\n"
     "        sample and for numbers as operands)\n"
     "tsv     number, tab, prime, composite, neither,\n"
     "        invalid or failed (default for the rest)\n"
     "json    one object a line\n"
     "primes  the primes, nothing else\n"
     "count   how many primes there were\n"},
    {'o', "output", "FILE", read_output, "write FILE, which appears only when it is complete\n"},
    {0, "resume", NULL, read_resume, "with -o: go on where an interrupted run stopped\n"},
    {0, "shard", "I/N", read_shard, "check only part I of N, counted from 0\n"},
    {'t', "timeout", "SECONDS", read_timeout, "time limit for a task, from when it starts\n"},
    {0, "retries", "N", read_retries,
     "start a task again at most N times after its worker\ndied (default 3)\n"},
    {0, "strict", NULL, read_strict, "stop at the first line that is not a number\n"},
    {0, "progress", "auto|always|never", read_progress,
     "a bar on standard error (auto: if it is a terminal)\n"},
    {0, "stats", NULL, read_stats, "at the end, what each worker did, on standard error\n"},
    {0, "timeline", "FILE.svg", read_timeline, "draw the run: a lane a worker, a box a task\n"},
    {0, "trace", "FILE.json", read_trace, "the same as Chrome trace events\n"},
    {'q', "quiet", NULL, read_quiet, "no messages about single lines, only their number\n"},
    {'h', "help", NULL, read_help, "print this help and exit\n"},
    {'V', "version", NULL, read_version, "print the version and exit\n"},
};

enum { OPTION_COUNT = sizeof options / sizeof *options };

/* ---- The parser ---- */

/* Where in argv the parser is. */
struct reading {
    int argc;
    char *const *argv;
    int next; /* the argument to read next */
    struct pp_command *command;
    struct pp_text *complaint;
};

static const struct option *find_letter(char letter)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (letter != '\0' && options[i].letter == letter) {
            return &options[i];
        }
    }
    return NULL;
}

static const struct option *find_name(const char *name, size_t size)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strncmp(options[i].name, name, size) == 0 && options[i].name[size] == '\0') {
            return &options[i];
        }
    }
    return NULL;
}

static int complain_unknown_name(const struct reading *reading, const char *argument, size_t size)
{
    char name[65] = "";
    memcpy(name, argument, least(size, sizeof name - 1));
    const char *meant = NULL;
    size_t distance = SIZE_MAX;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        consider(name, options[i].name, &meant, &distance);
    }
    pp_text_printf(reading->complaint, "unknown option \"--%s\"", name);
    if (meant != NULL) {
        pp_text_printf(reading->complaint, "; did you mean \"--%s\"?", meant);
    }
    return -EINVAL;
}

static int complain_unknown_letter(const struct reading *reading, const char *argument, char letter)
{
    if (letter >= '0' && letter <= '9') {
        pp_text_printf(reading->complaint,
                       "\"%s\" is no option; WORKERS is a number from 1 to %d, and numbers to check are not "
                       "negative",
                       argument, PP_MAX_WORKERS);
        return -EINVAL;
    }
    pp_text_printf(reading->complaint, "unknown option \"-%c\"",
                   letter >= ' ' && letter <= '~' ? letter : '?');
    if (find_letter((char)(letter ^ ('a' ^ 'A'))) != NULL) {
        pp_text_printf(reading->complaint, "; did you mean \"-%c\"?", letter ^ ('a' ^ 'A'));
    }
    return -EINVAL;
}

/* The argument of an option that takes one and does not carry it itself: the next word. */
static int take_next(struct reading *reading, const struct option *option, const char **argument)
{
    if (reading->next == reading->argc) {
        pp_text_printf(reading->complaint, "--%s needs %s: --%s=%s", option->name, option->argument,
                       option->name, option->argument);
        return -EINVAL;
    }
    *argument = reading->argv[reading->next++];
    return 0;
}

static int read_long(struct reading *reading, const char *word)
{
    const char *name = word + 2;
    const size_t size = strcspn(name, "=");
    const struct option *option = find_name(name, size);
    if (option == NULL) {
        return complain_unknown_name(reading, name, size);
    }
    const char *argument = name[size] == '=' ? name + size + 1 : NULL;
    if (option->argument == NULL && argument != NULL) {
        pp_text_printf(reading->complaint, "--%s takes no argument; leave out \"=%s\"", option->name,
                       argument);
        return -EINVAL;
    }
    if (option->argument != NULL && argument == NULL) {
        int error = take_next(reading, option, &argument);
        if (error != 0) {
            return error;
        }
    }
    return option->read(option, argument, reading->command, reading->complaint);
}

/* A word of single-letter options; the last may take an argument, from the rest of the word or the next one.
 */
static int read_letters(struct reading *reading, const char *word)
{
    int error = 0;
    if (find_name(word + 1, strlen(word + 1)) !=
        NULL) { /* "-output" is hardly meant as -o with a file "utput" */
        pp_text_printf(reading->complaint, "\"%s\" has one dash too few; did you mean \"-%s\"?", word, word);
        return -EINVAL;
    }
    for (const char *letter = word + 1; *letter != '\0' && error == 0; letter++) {
        const struct option *option = find_letter(*letter);
        if (option == NULL) {
            return complain_unknown_letter(reading, word, *letter);
        }
        if (option->argument == NULL) {
            error = option->read(option, NULL, reading->command, reading->complaint);
            continue;
        }
        const char *argument = letter + 1;
        if (*argument == '\0') {
            error = take_next(reading, option, &argument);
        }
        return error != 0 ? error : option->read(option, argument, reading->command, reading->complaint);
    }
    return error;
}

static int read_words(struct reading *reading)
{
    struct pp_command *command = reading->command;
    bool options_ended = false;
    while (reading->next < reading->argc) {
        const char *word = reading->argv[reading->next++];
        int error = 0;
        if (options_ended || word[0] != '-' || word[1] == '\0') {
            command->inputs[command->input_count++] = word;
        } else if (strcmp(word, "--") == 0) {
            options_ended = true;
        } else if (word[1] == '-') {
            error = read_long(reading, word);
        } else {
            error = read_letters(reading, word);
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static bool looks_like_input(const char *word)
{
    return strcmp(word, "-") == 0 || strpbrk(word, "./") != NULL;
}

/* The first operand is WORKERS; it is taken off the list. */
static int read_workers(struct pp_command *command, struct pp_text *complaint)
{
    if (command->input_count == 0) {
        return 0;
    }
    const char *word = command->inputs[0];
    assert(word != NULL);
    uint64_t n = 0;
    int error = pp_number_of_digits(word, strlen(word), &n);
    if (strcmp(word, "auto") == 0) {
        n = 0;
    } else if (error != 0 || n < 1 || n > PP_MAX_WORKERS) {
        char shown[PP_TEXT_SHOWN_BYTES];
        pp_text_printf(complaint, "WORKERS is a number from 1 to %d, or auto; not \"%s\"", PP_MAX_WORKERS,
                       pp_text_shown(shown, word));
        if (looks_like_input(word) || error == -ERANGE || n > PP_MAX_WORKERS) {
            pp_text_printf(complaint, "; to check it, type: proc_pool auto %s", pp_text_shown(shown, word));
        } else if (pp_spelling_distance(word, "auto") <= 2) {
            pp_text_printf(complaint, "; did you mean \"auto\"?");
        } else if (error != 0) {
            pp_text_printf(complaint, "; it comes before INPUT: proc_pool auto INPUT");
        }
        return -EINVAL;
    }
    command->workers = (size_t)n;
    command->input_count--;
    memmove(command->inputs, command->inputs + 1, command->input_count * sizeof *command->inputs);
    return 0;
}

int pp_options_parse(struct pp_command *command, int argc, char *const argv[], struct pp_text *complaint)
{
    *command = (struct pp_command){.shards = 1, .retries = 3};
    command->inputs = calloc((size_t)argc + 1, sizeof *command->inputs);
    if (command->inputs == NULL) {
        return -ENOMEM;
    }
    struct reading reading = {argc, argv, 1, command, complaint};
    int error = read_words(&reading);
    if (error != 0 || command->help || command->version) {
        return error;
    }
    return read_workers(command, complaint);
}

void pp_options_free(struct pp_command *command)
{
    free((void *)command->inputs);
    command->inputs = NULL;
    command->input_count = 0;
}

/* ---- The help text ---- */

static void describe_option(struct pp_text *text, const struct option *option)
{
    enum { COLUMN = 27 };
    const size_t start = text->size;
    pp_text_printf(text, option->letter != 0 ? "  -%c, " : "      ", option->letter);
    pp_text_printf(text, "--%s%s%s", option->name, option->argument != NULL ? "=" : "",
                   option->argument != NULL ? option->argument : "");
    size_t width = text->size - start;
    if (width > COLUMN - 2) {
        pp_text_append(text, "\n", 1);
        width = 0;
    }
    for (const char *line = option->help; *line != '\0'; width = 0) {
        size_t size = strcspn(line, "\n") + 1;
        pp_text_printf(text, "%*s%.*s", (int)(COLUMN - width), "", (int)size, line);
        line += size;
    }
}

void pp_options_help(struct pp_text *text)
{
    pp_text_printf(text,
                   "Usage: proc_pool [OPTION]... [WORKERS [INPUT]...]\n"
                   "Check numbers for primality, exactly, in several processes.\n"
                   "\n"
                   "WORKERS is a number of processes from 1 to %d, or auto: one for each CPU that\n"
                   "this process may use (the default).\n"
                   "INPUT is a number, a range A..B, a file with a number a line, or - for standard\n"
                   "input. Without INPUT: twenty sample numbers, largest first.\n"
                   "\n",
                   PP_MAX_WORKERS);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        describe_option(text, &options[i]);
    }
    pp_text_printf(text, "\n"
                         "Examples:\n"
                         "  proc_pool 12                          the sample, in twelve processes\n"
                         "  proc_pool auto 97 18446744073709551557\n"
                         "  proc_pool auto -f primes numbers.txt  the primes of a file\n"
                         "  proc_pool auto -f count 1..1000000000 how many primes there are\n"
                         "  seq 100 | proc_pool auto -\n"
                         "\n"
                         "Exit status: 0 all was checked; 1 some line was bad or some number failed; 2 the\n"
                         "command line is wrong; 3 the system failed; by signal if interrupted.\n");
}
