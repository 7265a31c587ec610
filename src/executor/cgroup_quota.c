/* A process reads in /proc/self/cgroup which cgroup it is in, in /proc/self/mountinfo where the file system of
 * cgroups is mounted, and there, from its own folder up to the mount point, what each cgroup on the way may use:
 * a limit holds for everything below it. (A cpuset needs nothing here: the affinity mask shows it.) */

#include "cgroup_quota.h"

#ifdef __linux__
#include "cgroup_text.h"
#include "pipe_io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* `first` and `second` joined; to be freed. */
static char *join(const char *first, const char *second)
{
    size_t first_length = strlen(first);
    size_t second_length = strlen(second);
    char *joined = malloc(first_length + second_length + 1);
    if (joined != NULL) {
        memcpy(joined, first, first_length);
        memcpy(joined + first_length, second, second_length + 1);
    }
    return joined;
}

/* All that comes from `fd`, ended by a NUL; to be freed. A file in /proc does not know its size beforehand. */
static char *read_all(int fd)
{
    enum { MOST_BYTES = 1 << 26 };
    size_t capacity = 4096;
    size_t size = 0;
    char *text = malloc(capacity);
    while (text != NULL) {
        ssize_t count = pp_fd_read(fd, text + size, capacity - size - 1);
        if (count <= 0) {
            text[size] = '\0';
            return text;
        }
        size += (size_t)count;
        if (size + 1 == capacity) {
            capacity *= 2;
            char *larger = capacity <= MOST_BYTES ? realloc(text, capacity) : NULL;
            if (larger == NULL) {
                free(text);
            }
            text = larger;
        }
    }
    return NULL;
}

/* The text of the file `folder` + `name`, to be freed; NULL if it cannot be had. */
static char *read_file(const char *folder, const char *name)
{
    char *path = join(folder, name);
    if (path == NULL) {
        return NULL;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    if (fd == -1) {
        return NULL;
    }
    char *text = read_all(fd);
    pp_fd_close(&fd);
    return text;
}

/* What the files of one cgroup grant. */
static size_t folder_quota(enum pp_cgroup_version version, const char *folder)
{
    size_t cpus = 0;
    if (version == PP_CGROUP_V2) {
        char *text = read_file(folder, "/cpu.max");
        cpus = text != NULL ? pp_cgroup_cpu_max(text) : 0;
        free(text);
    } else {
        char *quota = read_file(folder, "/cpu.cfs_quota_us");
        char *period = read_file(folder, "/cpu.cfs_period_us");
        cpus = quota != NULL && period != NULL ? pp_cgroup_cpu_cfs(quota, period) : 0;
        free(quota);
        free(period);
    }
    return cpus;
}

/* The lesser of two limits, where 0 is none. */
static size_t lesser(size_t one, size_t other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

/* The least of the folder at the end of `way`, which leads down from the mount point, and all above it. */
static size_t way_quota(const struct pp_cgroup_mount *mount, const char *way)
{
    size_t top = strcmp(mount->point, "/") == 0 ? 0 : strlen(mount->point);
    char *folder = join(mount->point, way);
    if (folder == NULL) {
        return 0;
    }
    size_t cpus = folder_quota(mount->version, folder);
    for (char *end = folder + strlen(folder); end > folder + top;) {
        do {
            end--;
        } while (end > folder + top && *end != '/');
        *end = '\0';
        cpus = lesser(cpus, folder_quota(mount->version, folder));
    }
    free(folder);
    return cpus;
}

/* Cuts the first line off *text; NULL when there is none left. */
static char *take_line(char **text)
{
    char *line = *text;
    if (line == NULL || *line == '\0') {
        return NULL;
    }
    char *end = strchr(line, '\n');
    *text = end != NULL ? end + 1 : NULL;
    if (end != NULL) {
        *end = '\0';
    }
    return line;
}

/* What the mounts that show `member` grant it; `mountinfo` is cut up. */
static size_t member_quota(const struct pp_cgroup_member *member, char *mountinfo)
{
    size_t cpus = 0;
    for (char *line = take_line(&mountinfo); line != NULL; line = take_line(&mountinfo)) {
        struct pp_cgroup_mount mount;
        if (pp_cgroup_mount_parse(line, &mount) && mount.version == member->version) {
            const char *way = pp_cgroup_way_down(mount.root, member->path);
            cpus = lesser(cpus, way != NULL ? way_quota(&mount, way) : 0);
        }
    }
    return cpus;
}

size_t pp_cgroup_quota(const char *process)
{
    size_t cpus = 0;
    char *members = read_file(process, "/cgroup");
    char *rest = members;
    for (char *line = take_line(&rest); line != NULL; line = take_line(&rest)) {
        struct pp_cgroup_member member;
        if (pp_cgroup_member_parse(line, &member)) {
            char *mountinfo = read_file(process, "/mountinfo");
            cpus = lesser(cpus, mountinfo != NULL ? member_quota(&member, mountinfo) : 0);
            free(mountinfo);
        }
    }
    free(members);
    return cpus;
}

#else

size_t pp_cgroup_quota(const char *process)
{
    (void)process;
    return 0;
}

#endif
