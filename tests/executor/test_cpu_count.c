/* The machine this runs on has one set of limits; all others are folders that the tests write, in the form of
 * the kernel's files. Tests of affinity and of cgroups hold on Linux only, and elsewhere are not there. */
#ifdef __linux__
#define _GNU_SOURCE /* sched_setaffinity */
#endif

#include "executor/cgroup_quota.h"
#include "executor/cgroup_text.h"
#include "executor/cpu_affinity.h"
#include "proc_pool/executor.h"
#include "support/harness.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <ftw.h>
#include <sched.h>
#endif

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

START_TEST(there_is_at_least_one_cpu_and_no_more_than_are_online)
{
    ck_assert_uint_ge(pp_cpu_count(), 1);
    ck_assert_uint_le(pp_cpu_count(), (size_t)sysconf(_SC_NPROCESSORS_ONLN));
}
END_TEST

static const struct {
    const char *text;
    size_t cpus;
} cpu_max[] = {
    {"max 100000\n", 0},
    {"max\n", 0},
    {"150000 100000\n", 2},
    {"150000 100000", 2},
    {"100000 100000\n", 1},
    {"100001 100000\n", 2},
    {"1000 100000\n", 1},
    {"0 100000\n", 1},
    {"2000000 100000\n", 20},
    {"50000 25000\n", 2},
    {"18446744073709551615 1\n", SIZE_MAX},
    {"18446744073709551616 1\n", 0},
    {"99999999999999999999999 1\n", 0},
    {"150000 0\n", 0},
    {"150000\n", 0},
    {"150000 \n", 0},
    {" 150000 100000\n", 0},
    {"150000  100000\n", 0},
    {"150000 100000 \n", 0},
    {"150000 100000x\n", 0},
    {"150000 100000\n\n", 0},
    {"150000,100000\n", 0},
    {"-150000 100000\n", 0},
    {"+150000 100000\n", 0},
    {"0x10000 100000\n", 0},
    {"1.5 1\n", 0},
    {"max max\n", 0},
    {"garbage\n", 0},
    {"\n", 0},
    {"", 0},
};

START_TEST(cpu_max_grants_quota_over_period_rounded_up)
{
    ck_assert_uint_eq(pp_cgroup_cpu_max(cpu_max[_i].text), cpu_max[_i].cpus);
}
END_TEST

static const struct {
    const char *quota, *period;
    size_t cpus;
} cpu_cfs[] = {
    {"-1\n", "100000\n", 0},
    {"150000\n", "100000\n", 2},
    {"200000\n", "100000\n", 2},
    {"1000\n", "100000\n", 1},
    {"300000\n", "50000\n", 6},
    {"300000", "100000", 3},
    {"0\n", "100000\n", 1},
    {"150000\n", "0\n", 0},
    {"150000\n", "", 0},
    {"", "100000\n", 0},
    {"150000 \n", "100000\n", 0},
    {"150000\n", "-100000\n", 0},
    {"max 100000\n", "100000\n", 0},
};

START_TEST(cfs_quota_grants_quota_over_period_rounded_up)
{
    ck_assert_uint_eq(pp_cgroup_cpu_cfs(cpu_cfs[_i].quota, cpu_cfs[_i].period), cpu_cfs[_i].cpus);
}
END_TEST

static const struct {
    const char *line;
    int version; /* 0: not a mount that limits CPU time */
    const char *root, *point;
} mounts[] = {
    {"30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate", 2, "/",
     "/sys/fs/cgroup"},
    {"30 23 0:26 / /sys/fs/cgroup rw - cgroup2 none rw", 2, "/", "/sys/fs/cgroup"},
    {"35 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct", 1, "/",
     "/sys/fs/cgroup/cpu,cpuacct"},
    {"35 30 0:30 /docker/4f2a /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu", 1, "/docker/4f2a",
     "/sys/fs/cgroup/cpu"},
    {"35 30 0:30 /a\\040b /mnt/c\\134d\\011e rw - cgroup2 cgroup2 rw", 2, "/a b", "/mnt/c\\d\te"},
    {"35 30 0:30 /a\\04 /mnt/\\9 rw - cgroup2 cgroup2 rw", 2, "/a\\04", "/mnt/\\9"},
    {"36 30 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset", 0, NULL, NULL},
    {"36 30 0:31 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct", 0, NULL, NULL},
    {"36 30 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd", 0, NULL, NULL},
    {"22 28 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw", 0, NULL, NULL},
    {"22 28 0:4 net:[4026531992] /run/netns/a rw shared:1 - nsfs nsfs rw", 0, NULL, NULL},
    {"30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2", 0, NULL, NULL},
    {"30 23 0:26 / /sys/fs/cgroup rw shared:4", 0, NULL, NULL},
    {"30 23 0:26 / /sys/fs/cgroup rw -", 0, NULL, NULL},
    {"30 23 0:26", 0, NULL, NULL},
    {"- - - - - - - - -", 0, NULL, NULL},
    {"garbage", 0, NULL, NULL},
    {"", 0, NULL, NULL},
};

START_TEST(a_mount_is_found_in_mountinfo)
{
    char line[256];
    struct pp_cgroup_mount mount;
    snprintf(line, sizeof line, "%s", mounts[_i].line);
    ck_assert_int_eq(pp_cgroup_mount_parse(line, &mount), mounts[_i].version != 0);
    if (mounts[_i].version != 0) {
        ck_assert_int_eq((int)mount.version, mounts[_i].version);
        ck_assert_str_eq(mount.root, mounts[_i].root);
        ck_assert_str_eq(mount.point, mounts[_i].point);
    }
}
END_TEST

static const struct {
    const char *line;
    int version; /* 0: no membership that matters */
    const char *path;
} members[] = {
    {"0::/", 2, "/"},
    {"0::/user.slice/user-0.slice/session-1.scope", 2, "/user.slice/user-0.slice/session-1.scope"},
    {"0::/a:b/c", 2, "/a:b/c"},
    {"0::/../other", 2, "/../other"},
    {"4:cpu,cpuacct:/a/b", 1, "/a/b"},
    {"4:cpuacct,cpu:/", 1, "/"},
    {"1:cpu:/x", 1, "/x"},
    {"3:cpuset:/x", 0, NULL},
    {"2:cpuacct:/x", 0, NULL},
    {"9:name=systemd:/x", 0, NULL},
    {"9:name=cpu:/x", 0, NULL},
    {"4:cpu", 0, NULL},
    {"4:cpu:", 0, NULL},
    {"0::", 0, NULL},
    {"0::x", 0, NULL},
    {"garbage", 0, NULL},
    {"", 0, NULL},
};

START_TEST(a_cgroup_is_found_in_proc_cgroup)
{
    char line[128];
    struct pp_cgroup_member member;
    snprintf(line, sizeof line, "%s", members[_i].line);
    ck_assert_int_eq(pp_cgroup_member_parse(line, &member), members[_i].version != 0);
    if (members[_i].version != 0) {
        ck_assert_int_eq((int)member.version, members[_i].version);
        ck_assert_str_eq(member.path, members[_i].path);
    }
}
END_TEST

static const struct {
    const char *root, *path, *way; /* NULL: none */
} ways[] = {
    {"/", "/", ""},      {"/", "/a/b", "/a/b"},  {"/a", "/a", ""},     {"/a", "/a/b", "/b"},
    {"/a", "/ab", NULL}, {"/a/b", "/a", NULL},   {"/a", "/b", NULL},   {"/a", "/", NULL},
    {"/..", "/", NULL},  {"/..", "/../a", "/a"}, {"/", "/../a", NULL}, {"/", "/..", NULL},
    {"/a", "/a/", ""},   {"/", "/..a", "/..a"},
};

START_TEST(the_way_leads_down_from_root_to_path)
{
    const char *way = pp_cgroup_way_down(ways[_i].root, ways[_i].path);
    if (ways[_i].way == NULL) {
        ck_assert_ptr_eq(way, NULL);
    } else {
        ck_assert_ptr_ne(way, NULL);
        ck_assert_str_eq(way, ways[_i].way);
    }
}
END_TEST

#ifdef __linux__

/* ---- Whole trees, in a temporary folder ---- */

static char top[] = "/tmp/test_cpu_count_XXXXXX";

static void make_top(void)
{
    ck_assert_ptr_ne(mkdtemp(top), NULL);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_top(void)
{
    nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes the file `name` below the folder, making the folders on its way. `text` is a format for `top`. */
__attribute__((format(printf, 2, 3))) static void put(const char *name, const char *format, ...)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", top, name);
    for (char *slash = path + strlen(top) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        ck_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    ck_assert_ptr_ne(file, NULL);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    ck_assert_int_eq(fclose(file), 0);
}

static size_t quota(void)
{
    char process[PATH_MAX];
    snprintf(process, sizeof process, "%s/self", top);
    return pp_cgroup_quota(process);
}

/* One mount of version 2 at top/cg, that shows `root`; the process is in `path`. */
static void put_v2(const char *root, const char *path)
{
    put("self/mountinfo",
        "22 28 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
        "30 23 0:26 %s %s/cg rw,nosuid shared:4 - cgroup2 cgroup2 rw\n",
        root, top);
    put("self/cgroup", "0::%s\n", path);
}

START_TEST(without_any_file_there_is_no_limit)
{
    ck_assert_uint_eq(quota(), 0);
    put("self/cgroup", "0::/\n");
    ck_assert_uint_eq(quota(), 0);
    put("self/mountinfo", "%s", "");
    ck_assert_uint_eq(quota(), 0);
}
END_TEST

START_TEST(the_least_quota_on_the_whole_path_counts)
{
    put_v2("/", "/a/b/c");
    ck_assert_uint_eq(quota(), 0);
    put("cg/a/b/c/cpu.max", "max 100000\n");
    ck_assert_uint_eq(quota(), 0);
    put("cg/a/cpu.max", "250000 100000\n");
    ck_assert_uint_eq(quota(), 3);
    put("cg/a/b/c/cpu.max", "900000 100000\n");
    ck_assert_uint_eq(quota(), 3);
    put("cg/a/b/cpu.max", "120000 100000\n");
    ck_assert_uint_eq(quota(), 2);
    put("cg/cpu.max", "50000 100000\n");
    ck_assert_uint_eq(quota(), 1);
}
END_TEST

START_TEST(quotas_beside_the_path_and_above_the_mount_do_not_count)
{
    put_v2("/", "/a/b");
    put("cpu.max", "100000 100000\n");
    put("cg/z/cpu.max", "100000 100000\n");
    put("cg/a/b/below/cpu.max", "100000 100000\n");
    put("cg/a/bc/cpu.max", "100000 100000\n");
    ck_assert_uint_eq(quota(), 0);
}
END_TEST

START_TEST(a_folder_that_is_missing_or_unreadable_limits_nothing)
{
    put_v2("/", "/a/b");
    put("cg/a/cpu.max", "500000 100000\n");
    ck_assert_uint_eq(quota(), 5);
    put("cg/a/b/cpu.max/is_a_folder", "%s", "");
    ck_assert_uint_eq(quota(), 5);
    put("cg/cpu.max", "%s", "nonsense\n");
    ck_assert_uint_eq(quota(), 5);
}
END_TEST

START_TEST(a_container_sees_its_own_part_of_the_tree)
{
    put_v2("/docker/4f2a", "/docker/4f2a/inner");
    put("cg/cpu.max", "300000 100000\n");
    ck_assert_uint_eq(quota(), 3);
    put("cg/inner/cpu.max", "200000 100000\n");
    ck_assert_uint_eq(quota(), 2);
    put_v2("/docker/other", "/docker/4f2a");
    ck_assert_uint_eq(quota(), 0);
    put_v2("/", "/../outside");
    put("outside/cpu.max", "100000 100000\n");
    ck_assert_uint_eq(quota(), 0);
}
END_TEST

START_TEST(version_1_has_its_own_files_and_controllers)
{
    put("self/mountinfo",
        "31 23 0:28 / %s/v1/cpuset rw - cgroup cgroup rw,cpuset\n"
        "32 31 0:29 / %s/v1/cpu rw - cgroup cgroup rw,cpu,cpuacct\n",
        top, top);
    put("self/cgroup", "3:cpuset:/s\n4:cpu,cpuacct:/a/b\n0::/\n");
    put("v1/cpu/a/b/cpu.cfs_quota_us", "-1\n");
    put("v1/cpu/a/b/cpu.cfs_period_us", "100000\n");
    put("v1/cpuset/s/cpu.cfs_quota_us", "100000\n");
    put("v1/cpuset/s/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(quota(), 0);
    put("v1/cpu/a/cpu.cfs_quota_us", "350000\n");
    ck_assert_uint_eq(quota(), 0);
    put("v1/cpu/a/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(quota(), 4);
}
END_TEST

START_TEST(in_a_hybrid_the_lesser_of_both_versions_counts)
{
    put("self/mountinfo",
        "32 31 0:29 / %s/v1/cpu rw - cgroup cgroup rw,cpu\n"
        "41 31 0:38 / %s/unified rw - cgroup2 cgroup2 rw\n",
        top, top);
    put("self/cgroup", "1:cpu:/a\n0::/b\n");
    put("v1/cpu/a/cpu.cfs_quota_us", "400000\n");
    put("v1/cpu/a/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(quota(), 4);
    put("unified/b/cpu.max", "600000 100000\n");
    ck_assert_uint_eq(quota(), 4);
    put("unified/b/cpu.max", "200000 100000\n");
    ck_assert_uint_eq(quota(), 2);
}
END_TEST

START_TEST(a_mountinfo_of_many_thousand_lines_is_read_to_its_end)
{
    char path[PATH_MAX];
    put("self/cgroup", "0::/a");
    put("cg/a/cpu.max", "700000 100000");
    snprintf(path, sizeof path, "%s/self/mountinfo", top);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_ne(file, NULL);
    for (int i = 0; i < 20000; i++) {
        fprintf(file, "%d 28 0:%d / /mnt/%d rw - overlay overlay rw,lowerdir=%0*d\n", i, i, i, i % 300, i);
    }
    fprintf(file, "30 23 0:26 / %s/cg rw - cgroup2 cgroup2 rw", top);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_uint_eq(quota(), 7);
}
END_TEST

/* The CPUs that the child may use after it was put on the first `count` of those it had; 0: that failed. */
static size_t count_on_fewer_cpus(int count)
{
    pid_t pid = fork();
    ck_assert_int_ne(pid, -1);
    if (pid == 0) {
        cpu_set_t mask;
        if (sched_getaffinity(0, sizeof mask, &mask) != 0) {
            _exit(0);
        }
        int kept = 0;
        for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            if (CPU_ISSET(cpu, &mask) && ++kept > count) {
                CPU_CLR(cpu, &mask);
            }
        }
        bool put_there = sched_setaffinity(0, sizeof mask, &mask) == 0 && pp_cpu_affinity() == pp_cpu_count();
        _exit(put_there ? (int)pp_cpu_count() : 0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return (size_t)WEXITSTATUS(status);
}

START_TEST(the_affinity_mask_limits_the_count)
{
    ck_assert_uint_ge(pp_cpu_affinity(), 1);
    ck_assert_uint_ge(pp_cpu_affinity(), pp_cpu_count());
    ck_assert_uint_eq(count_on_fewer_cpus(1), 1);
}
END_TEST

#endif

int main(void)
{
    Suite *suite = suite_create("executor/cpu_count");
    TCase *tcase = harness_case(suite, "count", 10);
    tcase_add_test(tcase, there_is_at_least_one_cpu_and_no_more_than_are_online);
    tcase = harness_case(suite, "text", 10);
    tcase_add_loop_test(tcase, cpu_max_grants_quota_over_period_rounded_up, 0, COUNT(cpu_max));
    tcase_add_loop_test(tcase, cfs_quota_grants_quota_over_period_rounded_up, 0, COUNT(cpu_cfs));
    tcase_add_loop_test(tcase, a_mount_is_found_in_mountinfo, 0, COUNT(mounts));
    tcase_add_loop_test(tcase, a_cgroup_is_found_in_proc_cgroup, 0, COUNT(members));
    tcase_add_loop_test(tcase, the_way_leads_down_from_root_to_path, 0, COUNT(ways));
#ifdef __linux__
    tcase = harness_case(suite, "trees", 30);
    tcase_add_checked_fixture(tcase, make_top, remove_top);
    tcase_add_test(tcase, without_any_file_there_is_no_limit);
    tcase_add_test(tcase, the_least_quota_on_the_whole_path_counts);
    tcase_add_test(tcase, quotas_beside_the_path_and_above_the_mount_do_not_count);
    tcase_add_test(tcase, a_folder_that_is_missing_or_unreadable_limits_nothing);
    tcase_add_test(tcase, a_container_sees_its_own_part_of_the_tree);
    tcase_add_test(tcase, version_1_has_its_own_files_and_controllers);
    tcase_add_test(tcase, in_a_hybrid_the_lesser_of_both_versions_counts);
    tcase_add_test(tcase, a_mountinfo_of_many_thousand_lines_is_read_to_its_end);
    tcase = harness_case(suite, "affinity", 10);
    tcase_add_test(tcase, the_affinity_mask_limits_the_count);
#endif
    return harness_run(suite);
}
