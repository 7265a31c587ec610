/* The command line, against getopt_long and regular expressions. The input is a word a line; a NUL byte
 * stands for a newline in a word. */

#include "cli/options.h"
#include "support/fuzz.h"
#include "support/slow_reader.h"

#include <errno.h>
#include <getopt.h>
#include <regex.h>
#include <string.h>

enum { WORDS_MAX = 100 };

/* ---- Values, slowly ---- */

static bool matches(const char *text, const char *pattern)
{
    static struct {
        const char *pattern;
        regex_t compiled;
    } known[10];
    size_t i = 0;
    while (known[i].pattern != NULL && strcmp(known[i].pattern, pattern) != 0) {
        i++;
        FUZZ_REQUIRE(i < sizeof known / sizeof *known);
    }
    if (known[i].pattern == NULL) {
        FUZZ_REQUIRE(regcomp(&known[i].compiled, pattern, REG_EXTENDED | REG_NOSUB) == 0);
        known[i].pattern = pattern;
    }
    return regexec(&known[i].compiled, text, 0, NULL, 0) == 0;
}

static bool number_of(const char *text, size_t size, uint64_t least, uint64_t most, uint64_t *n)
{
    return slow_reader_read(text, size, n) == PP_LINE_NUMBER && *n >= least && *n <= most;
}

static bool retries_of(const char *text, unsigned *retries)
{
    uint64_t n;
    if (!matches(text, "^[0-9]+$") || !number_of(text, strlen(text), 0, 1000000, &n)) {
        return false;
    }
    *retries = (unsigned)n;
    return true;
}

static bool timeout_of(const char *text, uint64_t *ms)
{
    if (!matches(text, "^0*[0-9]{1,9}([.][0-9]{1,3})?$")) {
        return false;
    }
    const size_t whole = strcspn(text, ".");
    char digits[4] = "000";
    uint64_t seconds;
    uint64_t rest;
    if (text[whole] == '.') {
        memcpy(digits, text + whole + 1, strlen(text + whole + 1));
    }
    FUZZ_REQUIRE(number_of(text, whole, 0, 999999999, &seconds) && number_of(digits, 3, 0, 999, &rest));
    *ms = seconds * 1000 + rest;
    return *ms > 0;
}

static bool shard_of(const char *text, struct pp_command *command)
{
    uint64_t shard;
    uint64_t shards;
    const size_t slash = strcspn(text, "/");
    if (!matches(text, "^[0-9]+/[0-9]+$") || !number_of(text, slash, 0, UINT32_MAX, &shard) ||
        !number_of(text + slash + 1, strlen(text + slash + 1), shard + 1, UINT32_MAX, &shards)) {
        return false;
    }
    command->sharded = true;
    command->shard = (uint32_t)shard;
    command->shards = (uint32_t)shards;
    return true;
}

/* Which of the words, which end with NULL, the text is; -1: none. */
static int choice_of(const char *text, const char *const words[])
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static bool file_of(const char *text, const char **file)
{
    *file = text;
    return *text != '\0';
}

/* ---- The command line, slowly ---- */

enum { RESUME = 256, SHARD, RETRIES, STRICT, PROGRESS, STATS, TIMELINE, TRACE };

static const struct option names[] = {{"method", required_argument, NULL, 'm'},
                                      {"as-completed", no_argument, NULL, 'c'},
                                      {"format", required_argument, NULL, 'f'},
                                      {"output", required_argument, NULL, 'o'},
                                      {"resume", no_argument, NULL, RESUME},
                                      {"shard", required_argument, NULL, SHARD},
                                      {"timeout", required_argument, NULL, 't'},
                                      {"retries", required_argument, NULL, RETRIES},
                                      {"strict", no_argument, NULL, STRICT},
                                      {"progress", required_argument, NULL, PROGRESS},
                                      {"stats", no_argument, NULL, STATS},
                                      {"timeline", required_argument, NULL, TIMELINE},
                                      {"trace", required_argument, NULL, TRACE},
                                      {"quiet", no_argument, NULL, 'q'},
                                      {"help", no_argument, NULL, 'h'},
                                      {"version", no_argument, NULL, 'V'},
                                      {NULL, 0, NULL, 0}};

/* `size` bytes of text are the name of an option, not abbreviated. */
static bool is_name(const char *text, size_t size)
{
    for (const struct option *option = names; option->name != NULL; option++) {
        if (strlen(option->name) == size && memcmp(option->name, text, size) == 0) {
            return true;
        }
    }
    return false;
}

static bool apply(struct pp_command *command, int code, const char *argument)
{
    static const char *const methods[] = {"fast", "trial", NULL};
    static const char *const formats[] = {"table", "tsv", "json", "primes", "count", NULL};
    static const char *const whens[] = {"auto", "always", "never", NULL};
    int choice = 0;
    switch (code) {
    case 'm':
        choice = choice_of(argument, methods);
        command->method = (enum pp_method)(choice + 1);
        break;
    case 'f':
        choice = choice_of(argument, formats);
        command->format = (enum pp_format)(choice + 1);
        break;
    case PROGRESS:
        choice = choice_of(argument, whens);
        command->progress = choice < 0 ? PP_WHEN_AUTO : (enum pp_when)choice;
        break;
    case 'o':
        return file_of(argument, &command->output);
    case TIMELINE:
        return file_of(argument, &command->timeline);
    case TRACE:
        return file_of(argument, &command->trace);
    case SHARD:
        return shard_of(argument, command);
    case 't':
        return timeout_of(argument, &command->timeout_ms);
    case RETRIES:
        return retries_of(argument, &command->retries);
    case 'c':
        command->as_completed = true;
        break;
    case RESUME:
        command->resume = true;
        break;
    case STRICT:
        command->strict = true;
        break;
    case STATS:
        command->stats = true;
        break;
    case 'q':
        command->quiet = true;
        break;
    case 'h':
        command->help = true;
        break;
    case 'V':
        command->version = true;
        break;
    default:
        return false;
    }
    return choice >= 0;
}

/* Takes WORKERS off the operands. */
static bool workers_of(struct pp_command *command)
{
    if (command->help || command->version || command->input_count == 0) {
        return true;
    }
    const char *word = command->inputs[0];
    uint64_t n = 0;
    if (strcmp(word, "auto") != 0 &&
        (!matches(word, "^[0-9]+$") || !number_of(word, strlen(word), 1, PP_MAX_WORKERS, &n))) {
        return false;
    }
    command->workers = (size_t)n;
    command->inputs++;
    command->input_count--;
    return true;
}

/* What the words say; false: they are wrong. `inputs` has room for all of them. */
static bool parse_slowly(struct pp_command *command, int argc, char *argv[], const char **inputs)
{
    *command = (struct pp_command){.shards = 1, .retries = 3, .inputs = inputs};
    opterr = 0;
    optind = 0; /* begins afresh */
    for (;;) {
        char *word = argv[optind == 0 ? 1 : optind];
        const int code = getopt_long(argc, argv, "-m:cf:o:t:qhV", names, NULL);
        if (code == -1) {
            break;
        }
        if (code == 1) {
            inputs[command->input_count++] = optarg;
            continue;
        }
        const bool is_long = strncmp(word, "--", 2) == 0;
        if (is_long ? !is_name(word + 2, strcspn(word + 2, "=")) : is_name(word + 1, strlen(word + 1))) {
            return false; /* abbreviated; or a dash was forgotten */
        }
        if (!apply(command, code, optarg)) {
            return false;
        }
    }
    while (optind < argc) {
        inputs[command->input_count++] = argv[optind++];
    }
    return workers_of(command);
}

static void check_equal(const struct pp_command *a, const struct pp_command *b)
{
    FUZZ_REQUIRE(a->workers == b->workers && a->method == b->method && a->format == b->format);
    FUZZ_REQUIRE(a->progress == b->progress && a->as_completed == b->as_completed && a->resume == b->resume);
    FUZZ_REQUIRE(a->strict == b->strict && a->quiet == b->quiet && a->stats == b->stats);
    FUZZ_REQUIRE(a->help == b->help && a->version == b->version);
    FUZZ_REQUIRE(a->sharded == b->sharded && a->shard == b->shard && a->shards == b->shards);
    FUZZ_REQUIRE(a->timeout_ms == b->timeout_ms && a->retries == b->retries);
    FUZZ_REQUIRE(a->output == b->output && a->timeline == b->timeline && a->trace == b->trace);
    FUZZ_REQUIRE(a->input_count == b->input_count);
    for (size_t i = 0; i < a->input_count; i++) {
        FUZZ_REQUIRE(a->inputs[i] == b->inputs[i]);
    }
}

/* ---- Spelling, slowly ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The whole table of distances between what the words begin with. */
static size_t distance_slowly(const char *a, const char *b)
{
    static size_t table[65][65];
    const size_t rows = strlen(a);
    const size_t columns = strlen(b);
    if (rows > 64 || columns > 64) {
        return 64;
    }
    for (size_t i = 0; i <= rows; i++) {
        for (size_t j = 0; j <= columns; j++) {
            if (i == 0 || j == 0) {
                table[i][j] = i + j;
                continue;
            }
            table[i][j] = least(table[i - 1][j], table[i][j - 1]) + 1;
            table[i][j] = least(table[i][j], table[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                table[i][j] = least(table[i][j], table[i - 2][j - 2] + 1);
            }
        }
    }
    return table[rows][columns];
}

/* ---- The target ---- */

/* The next word, as a string of its own. */
static char *take_word(struct fuzz_input *input)
{
    const uint8_t *end = input->left > 0 ? memchr(input->at, '\n', input->left) : NULL;
    const size_t size = end == NULL ? input->left : (size_t)(end - input->at);
    char *word = fuzz_memory(size + 1);
    for (size_t i = 0; i < size; i++) {
        word[i] = (char)fuzz_byte(input);
        if (word[i] == '\0') {
            word[i] = '\n';
        }
    }
    word[size] = '\0';
    fuzz_byte(input); /* the newline */
    return word;
}

static bool holds_newline(int argc, char *const argv[])
{
    for (int i = 0; i < argc; i++) {
        if (strchr(argv[i], '\n') != NULL) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char program[] = "proc_pool";
    struct fuzz_input input = {data, size};
    char *argv[WORDS_MAX + 1] = {program};
    int argc = 1;
    while (argc < WORDS_MAX && input.left > 0) {
        argv[argc++] = take_word(&input);
    }

    struct pp_command wanted;
    const char *inputs[WORDS_MAX + 1];
    const bool is_right = parse_slowly(&wanted, argc, argv, inputs);
    struct pp_command command;
    struct pp_text complaint = {0};
    const int result = pp_options_parse(&command, argc, argv, &complaint);
    FUZZ_REQUIRE(result == (is_right ? 0 : -EINVAL));
    FUZZ_REQUIRE((complaint.size == 0) == is_right && !complaint.failed);
    if (is_right) {
        check_equal(&command, &wanted);
    } else {
        FUZZ_REQUIRE(memchr(complaint.bytes, '\0', complaint.size) == NULL);
        FUZZ_REQUIRE(memchr(complaint.bytes, '\n', complaint.size) == NULL || holds_newline(argc, argv));
    }
    for (int i = 1; i + 1 < argc && i < 4; i++) {
        const size_t distance = pp_spelling_distance(argv[i], argv[i + 1]);
        FUZZ_REQUIRE(distance == distance_slowly(argv[i], argv[i + 1]));
        FUZZ_REQUIRE(distance == pp_spelling_distance(argv[i + 1], argv[i]));
    }
    pp_options_free(&command);
    pp_text_free(&complaint);
    while (argc > 1) {
        free(argv[--argc]);
    }
    return 0;
}
