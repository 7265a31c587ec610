#include "cgroup_text.h"

#include <stdint.h>
#include <string.h>

/* The decimal number at *text, which then points behind it. false: there is none, or it exceeds uint64_t. */
static bool take_number(const char **text, uint64_t *number)
{
    const char *digit = *text;
    *number = 0;
    while (*digit >= '0' && *digit <= '9') {
        uint64_t value = (uint64_t)(*digit - '0');
        if (*number > (UINT64_MAX - value) / 10) {
            return false;
        }
        *number = *number * 10 + value;
        digit++;
    }
    bool any = digit != *text;
    *text = digit;
    return any;
}

static bool is_end(const char *text)
{
    return *text == '\0' || (text[0] == '\n' && text[1] == '\0');
}

/* quota ÷ period, rounded up; 0, no limit, for a period of 0. A quota of 0 still grants one CPU: the kernel
 * does not allow it, and nobody could run with none. */
static size_t cpus(uint64_t quota, uint64_t period)
{
    if (period == 0) {
        return 0;
    }
    uint64_t count = quota / period + (quota % period != 0);
    if (count > SIZE_MAX) {
        return 0;
    }
    return count > 0 ? (size_t)count : 1;
}

size_t pp_cgroup_cpu_max(const char *text)
{
    uint64_t quota;
    uint64_t period;
    if (!take_number(&text, &quota) || *text++ != ' ' || !take_number(&text, &period) || !is_end(text)) {
        return 0;
    }
    return cpus(quota, period);
}

size_t pp_cgroup_cpu_cfs(const char *quota_text, const char *period_text)
{
    uint64_t quota;
    uint64_t period;
    if (!take_number(&quota_text, &quota) || !is_end(quota_text) || !take_number(&period_text, &period) ||
        !is_end(period_text)) {
        return 0;
    }
    return cpus(quota, period);
}

/* Cuts the field before the next `separator` off *rest, which then points behind it. At the last field *rest
 * becomes NULL; after it, so does the field. */
static char *take_field(char **rest, char separator)
{
    char *field = *rest;
    if (field != NULL) {
        char *end = strchr(field, separator);
        *rest = end != NULL ? end + 1 : NULL;
        if (end != NULL) {
            *end = '\0';
        }
    }
    return field;
}

/* Is `word` one of the words of `list`, which are separated by commas? */
static bool list_has(char *list, const char *word)
{
    for (char *entry = take_field(&list, ','); entry != NULL; entry = take_field(&list, ',')) {
        if (strcmp(entry, word) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_octal(char digit)
{
    return digit >= '0' && digit <= '7';
}

/* mountinfo writes blanks, newlines and backslashes as \ooo. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; to++) {
        if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
            *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* "36 35 0:30 / /sys/fs/cgroup/cpu rw,nosuid shared:15 master:2 - cgroup cgroup rw,cpu,cpuacct": after the
 * sixth field come optional ones, which a single "-" ends. */
bool pp_cgroup_mount_parse(char *line, struct pp_cgroup_mount *mount)
{
    char *rest = line;
    for (int skipped = 0; skipped < 3; skipped++) {
        take_field(&rest, ' ');
    }
    char *root = take_field(&rest, ' ');
    char *point = take_field(&rest, ' ');
    const char *field = take_field(&rest, ' ');
    while (field != NULL && strcmp(field, "-") != 0) {
        field = take_field(&rest, ' ');
    }
    const char *type = take_field(&rest, ' ');
    take_field(&rest, ' ');
    char *options = take_field(&rest, ' ');
    if (options == NULL || root[0] != '/' || point[0] != '/') {
        return false;
    }
    if (strcmp(type, "cgroup2") == 0) {
        mount->version = PP_CGROUP_V2;
    } else if (strcmp(type, "cgroup") == 0 && list_has(options, "cpu")) {
        mount->version = PP_CGROUP_V1;
    } else {
        return false;
    }
    unescape(root);
    unescape(point);
    mount->root = root;
    mount->point = point;
    return true;
}

/* "4:cpu,cpuacct:/a/b" in version 1, "0::/a/b" in version 2. The path may itself have colons in it. */
bool pp_cgroup_member_parse(char *line, struct pp_cgroup_member *member)
{
    char *rest = line;
    const char *number = take_field(&rest, ':');
    char *controllers = take_field(&rest, ':');
    const char *path = rest;
    if (path == NULL || path[0] != '/') {
        return false;
    }
    member->path = path;
    if (strcmp(number, "0") == 0 && controllers[0] == '\0') {
        member->version = PP_CGROUP_V2;
        return true;
    }
    member->version = PP_CGROUP_V1;
    return list_has(controllers, "cpu");
}

const char *pp_cgroup_way_down(const char *root, const char *path)
{
    size_t length = strlen(root);
    if (length > 0 && root[length - 1] == '/') {
        length--;
    }
    if (strncmp(root, path, length) != 0 || (path[length] != '/' && path[length] != '\0')) {
        return NULL;
    }
    const char *way = path + length;
    if (strncmp(way, "/..", 3) == 0 && (way[3] == '/' || way[3] == '\0')) {
        return NULL;
    }
    return strcmp(way, "/") == 0 ? "" : way;
}
