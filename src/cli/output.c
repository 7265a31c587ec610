/* For realpath, which POSIX.1-2008 has in its XSI part. */
#define _XOPEN_SOURCE 700 /* NOLINT(bugprone-reserved-identifier) */

#include "output.h"

#include "clock.h"
#include "wide_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long an interrupted run waits for a reader that does not read. */
enum { LAST_WAIT_MS = 200 };

/* So many bytes are written from where they lie instead of being gathered. */
enum { WORTH_A_WRITE = 32 * 1024 };

/* ---- Writing ---- */

/* A descriptor that somebody has made non-blocking (it is shared) is waited for. */
static int wait_writable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    const int ready = poll(&poll_fd, 1, timeout_ms);
    return ready < 0 && errno != EINTR ? -errno : ready;
}

/* Writes what it can, in one call that may be cut short. The number of bytes, 0 to ask again, or -errno. */
static ssize_t write_some(int fd, const char *bytes, size_t size)
{
    const ssize_t put = write(fd, bytes, size);
    if (put >= 0) {
        return put;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        const int error = wait_writable(fd, -1);
        return error < 0 ? error : 0;
    }
    return errno == EINTR ? 0 : -errno;
}

/* As pp_output_all, but gives up with -EINTR when *interrupted is set. *done is how much was written. */
static int write_until(int fd, const char *bytes, size_t size, const volatile sig_atomic_t *interrupted,
                       size_t *done)
{
    for (*done = 0; *done < size;) {
        const ssize_t put = write_some(fd, bytes + *done, size - *done);
        if (put < 0) {
            return (int)put;
        }
        *done += (size_t)put;
        if (*done < size && interrupted != NULL && *interrupted != 0) {
            return -EINTR;
        }
    }
    return 0;
}

int pp_output_all(int fd, const void *bytes, size_t size)
{
    size_t done;
    return write_until(fd, bytes, size, NULL, &done);
}

/* Writes size bytes, and after a signal keeps what could not be written at the front of the buffer. */
static int put_out(struct pp_output *output, const char *bytes, size_t size)
{
    size_t done;
    if (output->before_write != NULL) {
        output->before_write();
    }
    const int error = write_until(output->fd, bytes, size, output->interrupted, &done);
    if (error == -EINTR && size - done <= PP_OUTPUT_BUFFER) {
        memmove(output->buffer, bytes + done, size - done);
        output->used = size - done;
    }
    output->error = error;
    return error;
}

int pp_output_flush(struct pp_output *output)
{
    if (output->error != 0 || output->used == 0) {
        return output->error;
    }
    const size_t size = output->used;
    output->used = 0;
    return put_out(output, output->buffer, size);
}

/* How much of a large write goes out at once: whole lines, so that a signal can find an end between two. */
static size_t size_of_part(const char *bytes, size_t all)
{
    const size_t most = all < PP_OUTPUT_BUFFER ? all : PP_OUTPUT_BUFFER;
    size_t size = most;
    while (size > 0 && bytes[size - 1] != '\n') {
        size--;
    }
    return size > 0 ? size : most;
}

int pp_output_write(struct pp_output *output, const void *bytes, size_t size)
{
    const char *from = bytes;
    if (size >= WORTH_A_WRITE || output->used + size > PP_OUTPUT_BUFFER) {
        (void)pp_output_flush(output);
    }
    while (output->error == 0 && size >= WORTH_A_WRITE) {
        const size_t part = size_of_part(from, size);
        (void)put_out(output, from, part);
        output->written += part;
        from += part;
        size -= part;
    }
    if (output->error == 0 && size > 0) {
        memcpy(output->buffer + output->used, from, size);
        output->used += size;
        output->written += size;
    }
    return output->error;
}

/* ---- Where to ---- */

/* Letters and digits of a host's name only: it becomes part of a file's name. */
static void get_host(char *host, size_t size)
{
    if (gethostname(host, size) != 0) {
        host[0] = '\0';
    }
    host[size - 1] = '\0';
    host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] = '\0';
}

/* Differs from run to run also where host name and process number do not, as in containers. */
static uint32_t draw_random(void)
{
    uint32_t random = 0;
    const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd != -1) {
        if (read(fd, &random, sizeof random) < 0) {
            random = 0;
        }
        close(fd);
    }
    return random ^ (uint32_t)(pp_monotonic_ns() * 0x9E3779B97F4A7C15u >> 32);
}

/* A name beside `path` that no other run has: path.part-HOST-PID-RANDOM. To be freed; NULL without memory. */
static char *name_partial(const char *path)
{
    char host[33];
    struct pp_text name = {0};
    get_host(host, sizeof host);
    pp_text_printf(&name, "%s.part-%s-%ld-%08" PRIx32, path, host, (long)getpid(), draw_random());
    pp_text_append(&name, "", 1);
    if (name.failed) {
        pp_text_free(&name);
    }
    return name.bytes;
}

/* The file that the path leads to, through symbolic links, so that a link stays one. */
static char *resolve(const char *path)
{
    char *target = realpath(path, NULL);
    return target != NULL ? target : strdup(path);
}

int pp_output_lock(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_SETLK, &whole) == 0 ? 0 : -errno;
}

static int open_partial(struct pp_output *output, const struct stat *existing)
{
    output->partial = name_partial(output->path);
    if (output->partial == NULL) {
        return -ENOMEM;
    }
    output->fd = open(output->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (output->fd == -1) {
        return -errno;
    }
    (void)pp_output_lock(output->fd);
    output->is_temporary = true;
    if (existing != NULL) { /* a file that is replaced keeps its permissions, as far as we may give them */
        (void)fchmod(output->fd, existing->st_mode & 07777);
    }
    return 0;
}

static int open_path(struct pp_output *output, const char *path)
{
    struct stat status;
    output->path = resolve(path);
    if (output->path == NULL) {
        return -ENOMEM;
    }
    const bool exists = stat(output->path, &status) == 0;
    if (exists && S_ISDIR(status.st_mode)) {
        return -EISDIR;
    }
    if (exists && !S_ISREG(status.st_mode)) {
        output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
        return output->fd == -1 ? -errno : 0;
    }
    return open_partial(output, exists ? &status : NULL);
}

int pp_output_open(struct pp_output *output, const char *path, const volatile sig_atomic_t *interrupted)
{
    *output = (struct pp_output){.fd = -1, .interrupted = interrupted};
    output->buffer = malloc(PP_OUTPUT_BUFFER);
    if (output->buffer == NULL) {
        return -ENOMEM;
    }
    if (path == NULL) {
        output->fd = STDOUT_FILENO;
        pp_wide_pipe(output->fd);
        return 0;
    }
    return open_path(output, path);
}

void pp_output_adopt(struct pp_output *output, int fd, char *partial, uint64_t size)
{
    close(output->fd);
    (void)unlink(output->partial);
    free(output->partial);
    output->fd = fd;
    output->partial = partial;
    output->written = size;
}

const char *pp_output_name(const struct pp_output *output)
{
    return output->path == NULL ? "standard output" : output->path;
}

/* ---- The end ---- */

void pp_output_close(struct pp_output *output)
{
    if (output->fd > STDERR_FILENO) {
        close(output->fd);
    }
    free(output->buffer);
    free(output->path);
    free(output->partial);
    *output = (struct pp_output){.fd = -1};
}

/* A rename is on disk when the folder is. Some systems cannot sync a folder; that is no failure. */
static void sync_folder(const char *path)
{
    char *folder = strdup(path);
    if (folder == NULL) {
        return;
    }
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        slash[slash == folder] = '\0';
    }
    const int fd = open(slash == NULL ? "." : folder, O_RDONLY | O_CLOEXEC);
    if (fd != -1) {
        (void)fsync(fd);
        close(fd);
    }
    free(folder);
}

/* Synced before it is renamed, or a crash could leave the name on an empty file; closed before it too,
 * because network file systems report some write errors only then. */
static int publish(struct pp_output *output)
{
    int error = fsync(output->fd) == 0 ? 0 : -errno;
    if (close(output->fd) != 0 && error == 0) {
        error = -errno;
    }
    output->fd = -1;
    if (error == 0 && rename(output->partial, output->path) != 0) {
        error = -errno;
    }
    if (error == 0) {
        sync_folder(output->path);
    }
    return error;
}

int pp_output_finish(struct pp_output *output)
{
    int error = pp_output_flush(output);
    if (error == 0 && output->is_temporary) {
        error = publish(output);
    }
    if (error != 0 && output->is_temporary) {
        (void)unlink(output->partial);
    }
    return error;
}

/* After a signal: the rest of the buffer, which ends with a whole line, as long as the reader takes it. */
static void put_last(struct pp_output *output)
{
    size_t done = 0;
    while (done < output->used && wait_writable(output->fd, LAST_WAIT_MS) > 0) {
        /* A pipe that is writable takes a page at least without blocking; larger writes might block. */
        const size_t left = output->used - done;
        const ssize_t put = write_some(output->fd, output->buffer + done, left < PIPE_BUF ? left : PIPE_BUF);
        if (put < 0) {
            break;
        }
        done += (size_t)put;
    }
}

void pp_output_abandon(struct pp_output *output, bool keep)
{
    if (output->fd != -1 && (output->error == 0 || output->error == -EINTR)) {
        put_last(output);
    }
    if (output->is_temporary && !keep) {
        (void)unlink(output->partial);
    }
}

int pp_output_check(const char *path)
{
    struct pp_output output;
    const int error = pp_output_open(&output, path, NULL);
    if (error == 0) {
        pp_output_abandon(&output, false);
    }
    pp_output_close(&output);
    return error;
}

int pp_output_whole(const char *path, const struct pp_text *text)
{
    struct pp_output output;
    int error = text->failed ? -ENOMEM : pp_output_open(&output, path, NULL);
    if (text->failed) {
        return error;
    }
    if (error == 0) {
        error = pp_output_write(&output, text->bytes, text->size);
    }
    if (error == 0) {
        error = pp_output_finish(&output);
    } else {
        pp_output_abandon(&output, false);
    }
    pp_output_close(&output);
    return error;
}
