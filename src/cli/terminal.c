/* What the terminal can show. */
#include "cli/terminal.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/base.h"

bool cli_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"}; /* the first that is set decides */
    for (size_t i = 0; i < GR_COUNT(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return strcasestr(value, "UTF-8") || strcasestr(value, "utf8");
    }
    return false;
}

bool cli_colour(int fd)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

int cli_columns(int fd)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    int n = columns ? atoi(columns) : 0;
    return n > 0 ? n : 80;
}

int cli_rows(int fd)
{
    struct winsize size;
    const char *lines = getenv("LINES");
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) return size.ws_row;
    int n = lines ? atoi(lines) : 0;
    return n > 0 ? n : 24;
}

bool cli_screens(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

/* ---- the whole screen ---- */

static volatile sig_atomic_t taken, stale; /* taken: the descriptor and 1 */
static char kept[16384];
static volatile sig_atomic_t n_kept;

/* Only what a signal handler may call. */
static void put(const char *s, size_t n)
{
    while (n > 0) {
        ssize_t k = write(taken - 1, s, n);
        if (k <= 0) return;
        s += k;
        n -= (size_t)k;
    }
}

static void take(void)
{
    static const char enter[] = "\033[?1049h\033[?25l\033[2J";
    put(enter, sizeof enter - 1);
}

static void give_back(void)
{
    static const char leave[] = "\033[?25h\033[?1049l";
    put(leave, sizeof leave - 1);
    put(kept, (size_t)n_kept);
    n_kept = 0;
}

/* What the signal does where nobody handles it, here and now: whoever called the handler may have blocked it. */
static void obey(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

static void end_by(int number)
{
    if (taken) give_back();
    taken = 0;
    obey(number);
}

/* It stops here, and goes on behind it. */
static void suspend(int number)
{
    struct sigaction again = {.sa_handler = suspend, .sa_flags = (int)SA_NODEFER};
    if (taken) give_back();
    obey(number);
    sigaction(number, &again, NULL);
    if (taken) take();
    stale = 1;
}

void cli_screen_enter(int fd)
{
    static const int ends[] = {SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    static const int waits[] = {SIGTSTP, SIGTTOU, SIGTTIN};
    static bool listens;
    struct sigaction end = {.sa_handler = end_by, .sa_flags = (int)SA_NODEFER},
                     wait = {.sa_handler = suspend, .sa_flags = (int)SA_NODEFER};
    for (size_t i = 0; i < GR_COUNT(ends); i++) sigaction(ends[i], &end, NULL);
    for (size_t i = 0; i < GR_COUNT(waits); i++) sigaction(waits[i], &wait, NULL);
    if (!listens) atexit(cli_screen_leave);
    listens = true;
    taken = fd + 1;
    take();
}

void cli_screen_leave(void)
{
    if (taken) give_back();
    taken = 0;
}

bool cli_screen_taken(void)
{
    return taken != 0;
}

bool cli_screen_stale(void)
{
    bool was = stale != 0;
    stale = 0;
    return was;
}

void cli_screen_say(const char *s)
{
    size_t n = strlen(s), at = (size_t)n_kept;
    if (n > sizeof kept - at) return; /* more than a run has to say */
    memcpy(kept + at, s, n);
    n_kept = (sig_atomic_t)(at + n);
}
