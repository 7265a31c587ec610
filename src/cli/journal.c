#include "journal.h"

#include "clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC  "proc_pool journal 1\n"
#define SUFFIX ".journal"

enum { FIRST_MS = 50, EVERY_MS = 250, SYNC_SHARE = 20, SAMPLE = 65536, STALE_SECONDS = 60 };

/* ---- Identity ---- */

/* FNV-1a; it guards against accidents, not against malice. */
static uint64_t hash(uint64_t sum, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ byte[i]) * 0x100000001B3u;
    }
    return sum;
}

#define HASH_START 0xCBF29CE484222325u

/* The beginning and the end of a file. */
static int sample_file(const struct pp_input *input, uint64_t *sum)
{
    static char bytes[SAMPLE];
    const size_t size = input->file_size < SAMPLE ? (size_t)input->file_size : SAMPLE;
    int error = pp_input_read_at(input->fd, bytes, size, 0);
    *sum = hash(HASH_START, bytes, size);
    if (error == 0) {
        error = pp_input_read_at(input->fd, bytes, size, input->file_size - size);
        *sum = hash(*sum, bytes, size);
    }
    return error;
}

static int identify_input(struct pp_text *identity, const struct pp_input *input)
{
    uint64_t sum = 0;
    if (input->kind == PP_INPUT_FILE) {
        int error = sample_file(input, &sum);
        pp_text_printf(identity, "input of %" PRIu64 " bytes, changed %lld.%09ld, check %016" PRIx64 "\n",
                       input->file_size, (long long)input->modified.tv_sec, (long)input->modified.tv_nsec,
                       sum);
        return error;
    }
    pp_text_printf(identity, "input %" PRIu64 "..%" PRIu64 "\n", input->first, input->last);
    return 0;
}

int pp_journal_identify(struct pp_text *identity, const struct pp_job *job, uint32_t shard, uint32_t shards)
{
    int error = 0;
    pp_text_printf(identity, "format %s\nmethod %s\nshard %" PRIu32 "/%" PRIu32 "\n%zu inputs\n",
                   pp_format_name(job->format), pp_method_name(job->method), shard, shards,
                   job->inputs->count);
    for (size_t i = 0; i < job->inputs->count && error == 0; i++) {
        error = identify_input(identity, &job->inputs->list[i]);
    }
    pp_text_append(identity, "---\n", 4);
    return identity->failed ? -ENOMEM : error;
}

/* ---- Locks ---- */

/* True if nobody else had it, as far as this system can tell. */
static bool lock(int fd)
{
    return pp_output_lock(fd) == 0;
}

/* ---- Writing ---- */

static char *append_suffix(const char *partial)
{
    struct pp_text path = {0};
    pp_text_printf(&path, "%s%s", partial, SUFFIX);
    pp_text_append(&path, "", 1);
    if (path.failed) {
        pp_text_free(&path);
    }
    return path.bytes;
}

int pp_journal_open(struct pp_journal *journal, const struct pp_output *output,
                    const struct pp_text *identity)
{
    *journal = (struct pp_journal){.fd = -1, .path = append_suffix(output->partial)};
    if (journal->path == NULL) {
        return -ENOMEM;
    }
    journal->fd = open(journal->path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    int error = journal->fd == -1 ? -errno : pp_output_all(journal->fd, MAGIC, sizeof MAGIC - 1);
    if (error == 0) {
        error = pp_output_all(journal->fd, identity->bytes, identity->size);
    }
    if (error != 0) {
        pp_journal_close(journal, false);
        return error;
    }
    journal->next_ns = pp_monotonic_ns() + (uint64_t)FIRST_MS * 1000000;
    return 0;
}

bool pp_journal_is_due(const struct pp_journal *journal)
{
    return journal->fd != -1 && pp_monotonic_ns() >= journal->next_ns;
}

/* A sync may take long; the next one waits so that all of them take a small share of the time. */
int pp_journal_note(struct pp_journal *journal, const struct pp_output *output, const struct pp_point *point)
{
    char line[256];
    const uint64_t start_ns = pp_monotonic_ns();
    if (fdatasync(output->fd) != 0 && errno != EINVAL) {
        return -errno;
    }
    int size = snprintf(
        line, sizeof line - 24,
        "done %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, point->input,
        point->at, point->output_size, point->numbers, point->primes, point->bad, point->failed);
    size += snprintf(line + size, 24, " %016" PRIx64 "\n", hash(HASH_START, line, (size_t)size));
    const int error = pp_output_all(journal->fd, line, (size_t)size);
    const uint64_t end_ns = pp_monotonic_ns();
    const uint64_t pause_ns = (end_ns - start_ns) * SYNC_SHARE;
    journal->next_ns =
        end_ns + (pause_ns > EVERY_MS * UINT64_C(1000000) ? pause_ns : EVERY_MS * UINT64_C(1000000));
    return error;
}

static void remove_left_over(const char *partial)
{
    char *path = append_suffix(partial);
    const int fd = open(partial, O_RDWR | O_CLOEXEC);
    if (fd != -1 && path != NULL && lock(fd)) {
        (void)unlink(partial);
        (void)unlink(path);
    }
    if (fd != -1) {
        close(fd);
    }
    free(path);
}

void pp_journal_close(struct pp_journal *journal, bool keep)
{
    if (journal->fd != -1) {
        close(journal->fd);
        journal->fd = -1;
        if (!keep) {
            (void)unlink(journal->path);
        }
    }
    if (journal->left_over != NULL && !keep) {
        remove_left_over(journal->left_over);
    }
    free(journal->path);
    free(journal->left_over);
    *journal = (struct pp_journal){.fd = -1};
}

/* The partial file's name says which host wrote it: name.part-HOST-PID-RANDOM. */
static bool is_of_this_host(const struct pp_output *output, const char *partial)
{
    const size_t prefix = strlen(output->path) + strlen(".part-");
    const char *ours = output->partial + prefix;
    const char *end = strrchr(ours, '-');
    while (end != NULL && end > ours && *--end != '-') {
    }
    return end != NULL && strncmp(partial + prefix, ours, (size_t)(end - ours) + 1) == 0;
}

/* ---- Reading what was left ---- */

/* Something beside the output that may be continued. */
struct left_over {
    char *partial;
    int fd; /* of the partial file */
    struct pp_point point;
};

static int read_text(const char *path, struct pp_text *text)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        return -errno;
    }
    ssize_t got = 1;
    while (got > 0) {
        char *room = pp_text_reserve(text, 8192);
        got = room == NULL ? -ENOMEM : pp_input_read_some(fd, room, 8192);
        text->size += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return (int)got;
}

static bool parse_point(const char *line, size_t size, struct pp_point *point)
{
    char copy[256];
    uint64_t sum;
    int at = 0;
    if (size >= sizeof copy) {
        return false;
    }
    memcpy(copy, line, size);
    copy[size] = '\0';
    int fields = sscanf(copy,
                        "done %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                        " %" SCNu64 "%n %" SCNx64,
                        &point->input, &point->at, &point->output_size, &point->numbers, &point->primes,
                        &point->bad, &point->failed, &at, &sum);
    return fields == 8 && sum == hash(HASH_START, copy, (size_t)at);
}

/* The last sound line whose output is there. Without one the run had got nowhere: the point is the beginning.
 */
static void find_point(const char *lines, size_t size, uint64_t output_size, struct pp_point *point)
{
    *point = (struct pp_point){0};
    while (size > 0) {
        const char *newline = memchr(lines, '\n', size);
        struct pp_point next;
        if (newline == NULL || !parse_point(lines, (size_t)(newline - lines), &next)) {
            return;
        }
        if (next.output_size <= output_size) {
            *point = next;
        }
        size -= (size_t)(newline - lines) + 1;
        lines = newline + 1;
    }
}

/* The first line in which the identities differ. */
static void explain(const char *partial, const char *was, const char *is, struct pp_text *complaint)
{
    while (strcspn(was, "\n") == strcspn(is, "\n") && strncmp(was, is, strcspn(is, "\n")) == 0 &&
           *is != '\0') {
        was += strcspn(was, "\n") + 1;
        is += strcspn(is, "\n") + 1;
    }
    pp_text_printf(
        complaint,
        "--resume: %s is of another run: it had \"%.*s\", this one has \"%.*s\"; give the same command "
        "and input, or remove it and its journal to start afresh",
        partial, (int)strcspn(was, "\n"), was, (int)strcspn(is, "\n"), is);
}

/* Looks at one journal. 0: it is of this command, and *left is filled in; -EINVAL: of another; -ENODATA: it was
 * only begun; -ENOENT: it is none. */
static int examine(const char *partial, const struct pp_text *identity, struct left_over *left,
                   struct pp_text *complaint)
{
    struct pp_text text = {0};
    struct stat status;
    char *path = append_suffix(partial);
    const size_t head = sizeof MAGIC - 1 + identity->size;
    int error = path == NULL ? -ENOMEM : read_text(path, &text);
    pp_text_append(&text, "", 1);
    left->fd = open(partial, O_RDWR | O_CLOEXEC);
    if (left->fd == -1 && errno == ENOENT && error == 0) {
        /* The file comes before its journal and goes after the run is done: that was killed just then. */
        (void)unlink(path);
        error = -ENOENT;
    }
    free(path);
    if (error != 0 || text.failed) {
        error = -ENOENT;
    } else if (strstr(text.bytes, "\n---\n") == NULL) {
        error = -ENODATA;
    } else if (strncmp(text.bytes, MAGIC, sizeof MAGIC - 1) != 0) {
        error = -ENOENT;
    } else if (text.size <= head ||
               memcmp(text.bytes + sizeof MAGIC - 1, identity->bytes, identity->size) != 0) {
        explain(partial, text.bytes + sizeof MAGIC - 1, identity->bytes, complaint);
        error = -EINVAL;
    } else if (left->fd == -1 || fstat(left->fd, &status) != 0) {
        error = -ENOENT;
    } else {
        find_point(text.bytes + head, text.size - 1 - head, (uint64_t)status.st_size, &left->point);
    }
    pp_text_free(&text);
    return error;
}

static void drop(struct left_over *left)
{
    if (left->fd != -1) {
        close(left->fd);
    }
    free(left->partial);
    *left = (struct left_over){.fd = -1};
}

/* A run that was killed between making its file and its journal left nothing of use. */
static void remove_if_stale(const char *partial)
{
    struct stat status;
    char *path = append_suffix(partial);
    if (path != NULL && access(path, F_OK) != 0 && stat(partial, &status) == 0 &&
        status.st_mtime + STALE_SECONDS < time(NULL)) {
        remove_left_over(partial);
    }
    free(path);
}

static bool ends_with(const char *name, const char *suffix)
{
    const size_t size = strlen(name);
    return size >= strlen(suffix) && strcmp(name + size - strlen(suffix), suffix) == 0;
}

/* Keeps the better of the best so far and the one that `name` may be. */
static void consider(const struct pp_output *output, const char *folder, const char *name,
                     const struct pp_text *identity, struct left_over *best, struct pp_text *complaint)
{
    struct left_over left = {.fd = -1};
    struct pp_text path = {0};
    pp_text_printf(&path, "%s%s", folder, name);
    pp_text_append(&path, "", 1);
    left.partial = path.bytes;
    if (path.failed) {
        return;
    }
    if (!ends_with(name, SUFFIX)) {
        if (is_of_this_host(output, left.partial)) {
            remove_if_stale(left.partial);
        }
        drop(&left);
        return;
    }
    left.partial[strlen(left.partial) - strlen(SUFFIX)] = '\0';
    const int error = examine(left.partial, identity, &left, complaint);
    if (error == -ENODATA && is_of_this_host(output, left.partial)) {
        remove_left_over(left.partial); /* of a run that was killed just then; one at work has the lock */
    }
    if (error == 0 && (best->partial == NULL || left.point.output_size > best->point.output_size ||
                       left.point.input > best->point.input || left.point.at > best->point.at)) {
        drop(best);
        *best = left;
    } else {
        drop(&left);
    }
}

/* All files beside `path` whose name is its own and ".part-…". */
static int search(const struct pp_output *output, const struct pp_text *identity, struct left_over *best,
                  struct pp_text *complaint)
{
    const char *slash = strrchr(output->path, '/');
    const char *name = slash == NULL ? output->path : slash + 1;
    const char *own = strrchr(output->partial, '/');
    own = own == NULL ? output->partial : own + 1;
    char *folder = strdup(output->path);
    if (folder == NULL) {
        return -ENOMEM;
    }
    folder[name - output->path] = '\0';
    DIR *entries = opendir(slash == NULL ? "." : folder);
    const struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        const char *found = entry->d_name;
        if (strncmp(found, name, strlen(name)) == 0 && strncmp(found + strlen(name), ".part-", 6) == 0 &&
            strcmp(found, own) != 0) {
            consider(output, folder, found, identity, best, complaint);
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    free(folder);
    return best->partial != NULL ? 0 : complaint->size > 0 ? -EINVAL : -ENOENT;
}

/* ---- Taking over ---- */

/* The run that wrote them is gone: its files become ours. */
static int take_over(struct pp_journal *journal, struct pp_output *output, struct left_over *left)
{
    journal->path = append_suffix(left->partial);
    journal->fd = journal->path == NULL ? -1 : open(journal->path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (journal->fd == -1 || ftruncate(left->fd, (off_t)left->point.output_size) != 0 ||
        lseek(left->fd, 0, SEEK_END) == -1) {
        return -errno;
    }
    pp_output_adopt(output, left->fd, left->partial, left->point.output_size);
    *left = (struct left_over){.fd = -1};
    journal->next_ns = pp_monotonic_ns() + (uint64_t)FIRST_MS * 1000000;
    return 0;
}

/* It may still be at work: what it has done is copied. */
static int copy_over(struct pp_journal *journal, struct pp_output *output, const struct pp_text *identity,
                     struct left_over *left)
{
    static char bytes[SAMPLE];
    uint64_t at = 0;
    int error = pp_journal_open(journal, output, identity);
    while (at < left->point.output_size && error == 0) {
        const uint64_t rest = left->point.output_size - at;
        const size_t size = rest < sizeof bytes ? (size_t)rest : sizeof bytes;
        error = pp_input_read_at(left->fd, bytes, size, at);
        if (error == 0) {
            error = pp_output_all(output->fd, bytes, size);
        }
        at += size;
    }
    output->written = left->point.output_size;
    if (error == 0) {
        error = pp_journal_note(journal, output, &left->point);
        journal->left_over = strdup(left->partial);
    }
    return error;
}

int pp_journal_resume(struct pp_journal *journal, struct pp_output *output, const struct pp_text *identity,
                      struct pp_point *point, struct pp_text *complaint)
{
    struct left_over left = {.fd = -1};
    *journal = (struct pp_journal){.fd = -1};
    int error = search(output, identity, &left, complaint);
    if (error == 0) {
        *point = left.point;
        error = is_of_this_host(output, left.partial) && lock(left.fd)
                    ? take_over(journal, output, &left)
                    : copy_over(journal, output, identity, &left);
    }
    drop(&left);
    return error;
}
