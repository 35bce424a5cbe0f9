/* peak FILE COMMAND [ARGUMENT...]: runs the command and writes the most memory it had resident, in bytes, to FILE. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int status;
    struct rusage used;
    if (argc < 3) return fprintf(stderr, "usage: peak FILE COMMAND [ARGUMENT...]\n"), 99;
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(99);
    }
    if (child < 0 || wait4(child, &status, 0, &used) != child) return perror("peak"), 99;
    FILE *f = fopen(argv[1], "w");
    if (!f) return perror(argv[1]), 99;
    fprintf(f, "%lld\n", used.ru_maxrss * 1024LL);
    if (fclose(f) != 0) return perror(argv[1]), 99;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
