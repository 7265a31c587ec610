#ifndef EXECUTOR_CGROUP_TEXT_H
#define EXECUTOR_CGROUP_TEXT_H

/* Understands the files by which Linux shows cgroups; reads none of them. The forms are those of cgroups(7),
 * proc(5) and the kernel's Documentation/admin-guide/cgroup-v2.rst. */

#include <stdbool.h>
#include <stddef.h>

/* The CPUs' worth of time, rounded up, that version 2's cpu.max ("150000 100000", "max 100000") grants; 0: no
 * limit, or not of this form. */
size_t pp_cgroup_cpu_max(const char *text);

/* The same of version 1's cpu.cfs_quota_us ("150000", "-1") and cpu.cfs_period_us ("100000"). */
size_t pp_cgroup_cpu_cfs(const char *quota, const char *period);

enum pp_cgroup_version { PP_CGROUP_V1 = 1, PP_CGROUP_V2 = 2 };

/* A mounted hierarchy that may limit CPU time: a line of /proc/PID/mountinfo. */
struct pp_cgroup_mount {
    enum pp_cgroup_version version;
    const char *root;  /* the cgroup that is seen at the mount point */
    const char *point; /* where it is mounted */
};

/* The cgroup that a process is in, in one such hierarchy: a line of /proc/PID/cgroup. */
struct pp_cgroup_member {
    enum pp_cgroup_version version;
    const char *path; /* begins with '/' */
};

/* Understand one line, without its newline. They cut it up in place: what they fill in points into it. false:
 * the line is about something else. */
bool pp_cgroup_mount_parse(char *line, struct pp_cgroup_mount *mount);
bool pp_cgroup_member_parse(char *line, struct pp_cgroup_member *member);

/* The way from `root` down to `path`: "" where they are the same, else "/…"; NULL if path is not below root.
 * Both may begin with "/..", which is how a cgroup outside the process's namespace is shown. */
const char *pp_cgroup_way_down(const char *root, const char *path);

#endif
