/* pty COLUMNS[,COLUMNS...] COMMAND ARGUMENTS...: runs a command on a pseudo-terminal of so many columns and copies what
 * it writes; the terminal gets its next width each time another hundred bytes were written. Exits as the command does.
 * The command is the job of a session's leader, as of a shell: what has nobody to wake it cannot be suspended.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES_A_WIDTH = 100 };

static void widen(int fd, const char *list)
{
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)strtol(list, NULL, 10)};
    if (ioctl(fd, TIOCSWINSZ, &size) != 0) perror("pty: TIOCSWINSZ");
}

static int exit_of(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child) return 95;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The job, in the foreground. */
static void become(char **command)
{
    signal(SIGTTOU, SIG_IGN);
    if (setpgid(0, 0) != 0 || tcsetpgrp(0, getpid()) != 0) _exit(99);
    signal(SIGTTOU, SIG_DFL);
    execvp(command[0], command);
    _exit(98);
}

static void lead(const char *name, char **command)
{
    int fd = -1;
    if (setsid() >= 0) fd = open(name, O_RDWR); /* the first terminal that a session opens is its own */
    if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) _exit(99);
    if (fd > 2) close(fd);
    pid_t job = fork();
    if (job == 0) become(command);
    _exit(job < 0 ? 96 : exit_of(job));
}

static void copy(int fd, const char *list)
{
    char buffer[4096];
    size_t seen = 0;
    for (;;) {
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return; /* EIO: everybody has closed it */
        fwrite(buffer, 1, (size_t)n, stdout);
        seen += (size_t)n;
        const char *comma = strchr(list, ',');
        if (seen < BYTES_A_WIDTH || !comma) continue;
        seen = 0;
        list = comma + 1;
        widen(fd, list);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) return 97;
    int fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0) return perror("pty"), 77;
    char *name = ptsname(fd);
    widen(fd, argv[1]);
    pid_t child = fork();
    if (child < 0 || !name) return 96;
    if (child == 0) lead(name, argv + 2);
    copy(fd, argv[1]);
    return exit_of(child);
}
