/* proc_pool.c: the program. What it does and how is in --help and proc_pool.1; here is only the story. */

#include "input.h"
#include "messages.h"
#include "options.h"
#include "output.h"
#include "run.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef PP_VERSION
#define PP_VERSION "unknown"
#endif

/* A program may be started without its standard descriptors; then files that it opens must not become them. A
 * closed standard input must stay one that cannot be read, and a closed output one that cannot be written. */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1) {
            (void)open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_WRONLY);
        }
    }
}

/* Each worker needs a few descriptors, each file one. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int fail(int status, const struct pp_text *complaint)
{
    pp_messages_add("%.*s", (int)complaint->size, complaint->size > 0 ? complaint->bytes : "");
    if (status == PP_EXIT_USAGE) {
        pp_messages_add("try \"proc_pool --help\"");
    }
    return status;
}

static int print(struct pp_text *text)
{
    const int error = text->failed ? -ENOMEM : pp_output_all(STDOUT_FILENO, text->bytes, text->size);
    if (error != 0) {
        pp_messages_add("standard output: cannot be written: %s", strerror(-error));
    }
    pp_text_free(text);
    return error == 0 ? PP_EXIT_OK : PP_EXIT_SYSTEM;
}

static int print_help(void)
{
    struct pp_text text = {0};
    pp_options_help(&text);
    return print(&text);
}

static int print_version(void)
{
    struct pp_text text = {0};
    pp_text_printf(&text, "proc_pool %s\n", PP_VERSION);
    return print(&text);
}

/* What was not said follows from the inputs. */
static void decide(struct pp_command *command, const struct pp_inputs *inputs)
{
    if (command->method == PP_METHOD_UNSAID) {
        command->method = inputs->is_sample ? PP_METHOD_TRIAL : PP_METHOD_FAST;
    }
    if (command->format == PP_FORMAT_UNSAID) {
        const bool is_few = pp_inputs_are_all(inputs, 1u << PP_INPUT_NUMBER);
        command->format = is_few && !command->sharded ? PP_FORMAT_TABLE : PP_FORMAT_TSV;
    }
}

/* Options that do not go together, or not with these inputs. */
static int check_together(const struct pp_command *command, const struct pp_inputs *inputs,
                          struct pp_text *complaint)
{
    if (command->output != NULL && strcmp(command->output, "-") == 0) {
        pp_text_printf(complaint,
                       "--output=- would be a file named \"-\": leave it out for standard output, or "
                       "write ./-");
        return PP_EXIT_USAGE;
    }
    if (command->sharded && command->format == PP_FORMAT_TABLE) {
        pp_text_printf(complaint,
                       "--shard cannot make a part of a table, which has a header and a total; choose "
                       "another --format");
        return PP_EXIT_USAGE;
    }
    if (!command->resume) {
        return 0;
    }
    if (command->output == NULL) {
        pp_text_printf(complaint, "--resume needs the file to go on with: add --output=FILE");
    } else if (!pp_inputs_are_all(inputs, ~(1u << PP_INPUT_STREAM))) {
        pp_text_printf(
            complaint,
            "--resume needs inputs that can be read again; put what comes from a pipe into a file");
    } else if (inputs->is_sample) {
        pp_text_printf(complaint, "--resume is for files and ranges; name one");
    } else if (command->as_completed) {
        pp_text_printf(complaint, "--resume needs results in input order; leave out --as-completed");
    } else if (command->format == PP_FORMAT_TABLE) {
        pp_text_printf(complaint,
                       "--resume cannot go on with a table, which has times in it; choose another --format");
    }
    return complaint->size > 0 ? PP_EXIT_USAGE : 0;
}

static int run(struct pp_command *command, int *signal)
{
    struct pp_inputs inputs;
    struct pp_text complaint = {0};
    raise_descriptor_limit();
    int status = pp_inputs_open(&inputs, command->inputs, command->input_count, &complaint);
    if (status == 0 && command->sharded) {
        status = pp_inputs_shard(&inputs, command->shard, command->shards, &complaint);
    }
    if (status == 0) {
        decide(command, &inputs);
        status = check_together(command, &inputs, &complaint);
    }
    if (status == 0) {
        status = pp_inputs_open_pipes(&inputs, &complaint);
    }
    if (status == 0) {
        status = pp_run(command, &inputs, signal);
    } else {
        *signal = pp_signals_caught();
        status = *signal != 0 ? PP_EXIT_SYSTEM : fail(status, &complaint);
    }
    pp_inputs_close(&inputs);
    pp_text_free(&complaint);
    return status;
}

int main(int argc, char *argv[])
{
    struct pp_command command;
    struct pp_text complaint = {0};
    int signal = 0;
    fill_standard_descriptors();
    pp_signals_catch();
    int status = pp_options_parse(&command, argc, argv, &complaint);
    if (status != 0) {
        status = fail(status == -EINVAL ? PP_EXIT_USAGE : PP_EXIT_SYSTEM, &complaint);
    } else if (command.help) {
        status = print_help();
    } else if (command.version) {
        status = print_version();
    } else {
        status = run(&command, &signal);
    }
    pp_options_free(&command);
    pp_text_free(&complaint);
    pp_messages_flush();
    if (signal != 0) {
        pp_signals_die(signal);
    }
    return status;
}
