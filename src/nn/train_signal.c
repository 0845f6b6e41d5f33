/* train_signal.c: Ctrl-C as a wish to stop. */
#define _XOPEN_SOURCE 700
#include <signal.h>
#include <string.h>

#include "wengert/train.h"

/* A handler can reach nothing but a global of this type, which is an int wherever sigaction is: the
 * public header does without signal.h, whose names (raise, read) are users' own. */
static volatile sig_atomic_t asked;

static void ask(int signal)
{
    (void)signal;
    asked = 1;
}

const volatile int *wg_train_on_sigint(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = ask;
    /* Once: the second signal ends the program. Calls of the system go on after the first. */
    action.sa_flags = SA_RESETHAND | SA_RESTART;
    sigemptyset(&action.sa_mask);
    asked = 0;
    return sigaction(SIGINT, &action, NULL) == 0 ? &asked : NULL;
}
