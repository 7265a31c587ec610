#include "input.h"

#include "numbers.h"
#include "options.h"
#include "shard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATUS_USAGE = 2, STATUS_SYSTEM = 3 };

/* The numbers of the book, largest first. */
static const uint64_t sample[] = {9999999999999999, 9999999999999917, 7777777777777777, 7777777777777753,
                                  7777777536340681, 6666667141414921, 6666666666666719, 6666666666666666,
                                  5555555555555555, 5555555555555503, 5555553133149889, 4444444488888889,
                                  4444444444444444, 4444444444444423, 3333335652092209, 3333333333333333,
                                  3333333333333301, 299593572317531,  142702110479723,  2};

enum { SAMPLE_COUNT = sizeof sample / sizeof *sample };

/* ---- Reading ---- */

ssize_t pp_input_read_some(int fd, char *bytes, size_t size)
{
    for (;;) {
        ssize_t got = read(fd, bytes, size);
        if (got >= 0) {
            return got;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

ssize_t pp_input_read_some_at(int fd, char *bytes, size_t size, uint64_t offset)
{
    for (;;) {
        ssize_t got = pread(fd, bytes, size, (off_t)offset);
        if (got >= 0) {
            return got;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

int pp_input_read_at(int fd, char *bytes, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t got = pp_input_read_some_at(fd, bytes, size, offset);
        if (got <= 0) {
            return got == 0 ? -ENODATA : (int)got;
        }
        bytes += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

static uint64_t count_newlines(const char *bytes, size_t size)
{
    uint64_t count = 0;
    for (const char *at = bytes; (at = memchr(at, '\n', size - (size_t)(at - bytes))) != NULL; at++) {
        count++;
    }
    return count;
}

/* A line begins at the file's first byte and behind each newline. */
int pp_input_count_lines(int fd, uint64_t from, uint64_t to, uint64_t *lines)
{
    char bytes[32768];
    if (from == 0 && to > 0) {
        (*lines)++;
    }
    uint64_t at = from == 0 ? 0 : from - 1;
    while (at + 1 < to) {
        size_t size = to - 1 - at < sizeof bytes ? (size_t)(to - 1 - at) : sizeof bytes;
        int error = pp_input_read_at(fd, bytes, size, at);
        if (error != 0) {
            return error;
        }
        *lines += count_newlines(bytes, size);
        at += size;
    }
    return 0;
}

/* ---- Operands ---- */

static bool is_digits(const char *text, size_t size)
{
    return size > 0 && strspn(text, "0123456789") >= size;
}

static int complain_range(const char *what, struct pp_text *complaint)
{
    char shown[PP_TEXT_SHOWN_BYTES];
    pp_text_printf(complaint, "\"%s\" is out of range (numbers go from 0 to 18446744073709551615)",
                   pp_text_shown(shown, what));
    return STATUS_USAGE;
}

static int take_number(struct pp_input *input, struct pp_text *complaint)
{
    input->kind = PP_INPUT_NUMBER;
    if (pp_number_of_digits(input->name, strlen(input->name), &input->first) != 0) {
        return complain_range(input->name, complaint);
    }
    input->last = input->first;
    return 0;
}

static int take_range(struct pp_input *input, const char *dots, struct pp_text *complaint)
{
    input->kind = PP_INPUT_RANGE;
    if (pp_number_of_digits(input->name, (size_t)(dots - input->name), &input->first) != 0 ||
        pp_number_of_digits(dots + 2, strlen(dots + 2), &input->last) != 0) {
        return complain_range(input->name, complaint);
    }
    if (input->first > input->last) {
        pp_text_printf(complaint, "the range %s is empty; did you mean %s..%.*s?", input->name, dots + 2,
                       (int)(dots - input->name), input->name);
        return STATUS_USAGE;
    }
    return 0;
}

/* Two numbers with something between them that is nearly "..". */
static bool suggest_range(const char *word, struct pp_text *complaint)
{
    const size_t left = strspn(word, "0123456789");
    const size_t between = strspn(word + left, ".-:,_~ ");
    const char *right = word + left + between;
    if (left == 0 || between == 0 || !is_digits(right, strlen(right)) || *right == '\0') {
        return false;
    }
    pp_text_printf(complaint, "; did you mean the range %.*s..%s?", (int)left, word, right);
    return true;
}

static bool suggest_number(const char *word, struct pp_text *complaint)
{
    uint64_t n;
    if (pp_number_parse(word, strlen(word), &n) != PP_LINE_NUMBER) {
        return false;
    }
    char digits[PP_NUMBER_DIGITS];
    pp_text_printf(complaint, "; did you mean the number %.*s?", (int)pp_number_format(digits, n), digits);
    return true;
}

/* The file in the same folder whose name is nearest, if it is near. */
static bool suggest_file(const char *path, struct pp_text *complaint)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    char folder[1024] = ".";
    char nearest[256] = "";
    size_t distance = 1 + strlen(name) / 3;
    if (slash != NULL && (size_t)(slash - path) + 2 < sizeof folder) {
        memcpy(folder, path, (size_t)(slash - path) + 1);
        folder[slash - path + 1] = '\0';
    }
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        size_t edits = pp_spelling_distance(name, entry->d_name);
        if (edits <= distance && edits < strlen(name) && entry->d_name[0] != '.' &&
            strlen(entry->d_name) < sizeof nearest && (nearest[0] == '\0' || edits < distance)) {
            strcpy(nearest, entry->d_name);
            distance = edits;
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    if (nearest[0] != '\0') {
        pp_text_printf(complaint, "; did you mean %s%s?", slash == NULL ? "" : folder, nearest);
    }
    return nearest[0] != '\0';
}

static int complain_file(const char *name, int error, struct pp_text *complaint)
{
    char shown[PP_TEXT_SHOWN_BYTES];
    if (error != ENOENT && error != ENOTDIR) {
        pp_text_printf(complaint, "%s: cannot be read: %s", pp_text_shown(shown, name), strerror(error));
        return STATUS_SYSTEM;
    }
    pp_text_printf(complaint, "\"%s\" is not a number, a range A..B, or a file that exists",
                   pp_text_shown(shown, name));
    if (!suggest_range(name, complaint) && !suggest_number(name, complaint)) {
        (void)suggest_file(name, complaint);
    }
    return STATUS_USAGE;
}

/* Files that the kernel makes up while they are read (/proc) say that they are empty, and are not. */
static bool is_really_empty(int fd)
{
    char byte;
    return pp_input_read_some_at(fd, &byte, 1, 0) == 0;
}

/* Opening a pipe that has a name waits for its writer, so that is left to the end, when it is known to be
 * wanted. */
static bool is_named_pipe(const char *name)
{
    struct stat status;
    return strcmp(name, "-") != 0 && stat(name, &status) == 0 && S_ISFIFO(status.st_mode);
}

/* A regular file can be read in pieces from anywhere; everything else from its beginning to its end. */
static void classify(struct pp_input *input, const struct stat *status)
{
    input->kind = PP_INPUT_STREAM;
    const off_t at = input->fd == STDIN_FILENO ? lseek(input->fd, 0, SEEK_CUR) : 0;
    if (S_ISREG(status->st_mode) && at >= 0 && (status->st_size > 0 || is_really_empty(input->fd))) {
        input->kind = PP_INPUT_FILE;
        input->file_size = (uint64_t)status->st_size;
        input->first = at < status->st_size ? (uint64_t)at : input->file_size;
        input->last = input->file_size;
        input->modified = status->st_mtim;
        if (input->fd == STDIN_FILENO) { /* whoever reads after us finds it read, as from a pipe */
            (void)lseek(input->fd, 0, SEEK_END);
        }
    }
}

static int take_file(struct pp_input *input, struct pp_text *complaint)
{
    struct stat status;
    if (is_named_pipe(input->name)) {
        input->kind = PP_INPUT_STREAM;
        return 0;
    }
    input->fd = strcmp(input->name, "-") == 0 ? STDIN_FILENO : open(input->name, O_RDONLY | O_CLOEXEC);
    if (input->fd == -1 || fstat(input->fd, &status) != 0) {
        return complain_file(input->name, errno, complaint);
    }
    if (S_ISDIR(status.st_mode)) {
        pp_text_printf(complaint, "\"%s\" is a directory; name the files in it: %s/*", input->name,
                       input->name);
        return STATUS_USAGE;
    }
    classify(input, &status);
    return 0;
}

static int take_operand(struct pp_input *input, const char *word, struct pp_text *complaint)
{
    *input = (struct pp_input){.name = word, .fd = -1};
    const char *dots = strstr(word, "..");
    if (is_digits(word, strlen(word))) {
        return take_number(input, complaint);
    }
    if (dots != NULL && is_digits(word, (size_t)(dots - word)) && is_digits(dots + 2, strlen(dots + 2))) {
        return take_range(input, dots, complaint);
    }
    return take_file(input, complaint);
}

static int complain_twice(struct pp_text *complaint)
{
    pp_text_printf(complaint,
                   "standard input is named twice, but can be read only once; leave out one \"-\"");
    return STATUS_USAGE;
}

static void take_sample(struct pp_inputs *inputs)
{
    inputs->is_sample = true;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        inputs->list[i] = (struct pp_input){
            .kind = PP_INPUT_NUMBER, .name = "", .fd = -1, .first = sample[i], .last = sample[i]};
    }
    inputs->count = SAMPLE_COUNT;
}

int pp_inputs_open(struct pp_inputs *inputs, const char *const *operands, size_t count,
                   struct pp_text *complaint)
{
    *inputs = (struct pp_inputs){0};
    inputs->list = calloc(count == 0 ? SAMPLE_COUNT : count, sizeof *inputs->list);
    if (inputs->list == NULL) {
        pp_text_printf(complaint, "%s", strerror(ENOMEM));
        return STATUS_SYSTEM;
    }
    if (count == 0) {
        take_sample(inputs);
        return 0;
    }
    bool stdin_named = false;
    for (size_t i = 0; i < count; i++) {
        int status = take_operand(&inputs->list[inputs->count++], operands[i], complaint);
        if (status == 0 && strcmp(operands[i], "-") == 0) {
            status = stdin_named ? complain_twice(complaint) : 0;
            stdin_named = true;
        }
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

int pp_inputs_open_pipes(struct pp_inputs *inputs, struct pp_text *complaint)
{
    for (size_t i = 0; i < inputs->count; i++) {
        struct pp_input *input = &inputs->list[i];
        if (input->kind == PP_INPUT_STREAM && input->fd == -1) {
            input->fd = open(input->name, O_RDONLY | O_CLOEXEC);
            if (input->fd == -1) {
                return complain_file(input->name, errno, complaint);
            }
        }
    }
    return 0;
}

void pp_inputs_close(struct pp_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        if (inputs->list[i].fd > STDIN_FILENO) {
            close(inputs->list[i].fd);
        }
    }
    free(inputs->list);
    *inputs = (struct pp_inputs){0};
}

bool pp_inputs_are_all(const struct pp_inputs *inputs, unsigned kinds)
{
    for (size_t i = 0; i < inputs->count; i++) {
        if ((kinds >> inputs->list[i].kind & 1u) == 0) {
            return false;
        }
    }
    return true;
}

bool pp_inputs_count_numbers(const struct pp_inputs *inputs, uint64_t *count)
{
    *count = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        const struct pp_input *input = &inputs->list[i];
        if (input->nothing) {
            continue;
        }
        const uint64_t more = input->last - input->first; /* than one: 2^64 numbers do not fit */
        if (!(input->kind == PP_INPUT_NUMBER || input->kind == PP_INPUT_RANGE) ||
            more > UINT64_MAX - 1 - *count) {
            return false;
        }
        *count += more + 1;
    }
    return true;
}

uint64_t pp_inputs_file_bytes(const struct pp_inputs *inputs)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        const struct pp_input *input = &inputs->list[i];
        bytes += input->kind == PP_INPUT_FILE && !input->nothing ? input->last - input->first : 0;
    }
    return bytes;
}

/* ---- Shards ---- */

static struct pp_position length_of(const struct pp_input *input)
{
    if (input->kind == PP_INPUT_FILE) {
        return (struct pp_position){0, input->file_size};
    }
    return pp_position_add((struct pp_position){0, input->last - input->first}, (struct pp_position){0, 1});
}

/* Keeps what of the input lies from `from` to `to` on the line of all inputs, on which it begins at `begin`.
 */
static void narrow(struct pp_input *input, struct pp_position begin, struct pp_position from,
                   struct pp_position to)
{
    const struct pp_position length = length_of(input);
    struct pp_position left = pp_position_distance(from, begin);
    struct pp_position right = pp_position_distance(to, begin);
    if (pp_position_compare(right, length) > 0) {
        right = length;
    }
    if (pp_position_compare(left, right) >= 0) {
        input->nothing = true;
        return;
    }
    const uint64_t start = input->first;
    const bool inclusive = input->kind != PP_INPUT_FILE;
    input->first = start + left.low;
    input->last = start + right.low - (inclusive ? 1 : 0);
}

int pp_inputs_shard(struct pp_inputs *inputs, uint32_t shard, uint32_t shards, struct pp_text *complaint)
{
    struct pp_position total = {0};
    for (size_t i = 0; i < inputs->count; i++) {
        const struct pp_input *input = &inputs->list[i];
        if (input->fd == STDIN_FILENO || input->kind == PP_INPUT_STREAM) {
            pp_text_printf(complaint,
                           "--shard needs inputs of known length; \"%s\" is a pipe: put it in a file",
                           input->name);
            return STATUS_USAGE;
        }
        total = pp_position_add(total, length_of(input));
    }
    const struct pp_position from = pp_shard_begin(total, shard, shards);
    const struct pp_position to = pp_shard_begin(total, shard + 1, shards);
    struct pp_position begin = {0};
    for (size_t i = 0; i < inputs->count; i++) {
        struct pp_position length = length_of(&inputs->list[i]);
        narrow(&inputs->list[i], begin, from, to);
        begin = pp_position_add(begin, length);
    }
    return 0;
}
