#include "proc_pool/executor.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* What enum pp_error means; NULL for a code that is none of it. */
static const char *own_message(enum pp_error error)
{
    switch (error) {
    case PP_E_CANCELLED:
        return "task cancelled";
    case PP_E_TIMEOUT:
        return "timed out waiting";
    case PP_E_TASK:
        return "task returned an error";
    case PP_E_TASK_TIMEOUT:
        return "task exceeded its time limit and was killed";
    case PP_E_CRASH:
        return "worker died while it ran the task";
    case PP_E_NO_WORKERS:
        return "no worker process could be had";
    case PP_E_STATE:
        return "not possible in the future's state";
    case PP_E_CLOSED:
        return "executor is closed or being closed";
    case PP_E_AGAIN:
        return "nothing now, perhaps later";
    case PP_E_END:
        return "no further item";
    }
    return NULL;
}

/* strerror itself may share its storage among threads. */
static const char *system_message(int number)
{
    static _Thread_local char message[128];
    int saved_errno = errno;
    message[0] = '\0';
    (void)strerror_r(number, message, sizeof message); /* says "Unknown error" by itself */
    errno = saved_errno;
    return message[0] != '\0' ? message : "unknown error";
}

const char *pp_strerror(int error)
{
    if (error == 0) {
        return "success";
    }
    const char *message = own_message((enum pp_error)error);
    if (message != NULL) {
        return message;
    }
    return error < 0 && error != INT_MIN ? system_message(-error) : "unknown error";
}
