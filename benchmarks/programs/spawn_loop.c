/* spawn_loop COUNT WIDTH PROGRAM [ARG...]: runs a program COUNT times, WIDTH at a time, and does
 * nothing else: the most that any queue can reach. Fails if any of them fails. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

static int start(char **argv, const posix_spawn_file_actions_t *actions)
{
    pid_t pid;
    int error = posix_spawn(&pid, argv[0], actions, NULL, argv, environ);

    if (error != 0)
        fprintf(stderr, "spawn_loop: cannot start %s: error %d\n", argv[0], error);
    return error;
}

int main(int argc, char **argv)
{
    posix_spawn_file_actions_t actions;
    long count, width, started = 0, ended = 0;
    int status;

    if (argc < 4)
        return 2;
    count = atol(argv[1]);
    width = atol(argv[2]);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    while (ended < count) {
        while (started < count && started - ended < width) {
            if (start(argv + 3, &actions) != 0)
                return 1;
            started++;
        }
        if (wait(&status) < 0 || status != 0)
            return 1;
        ended++;
    }
    return 0;
}
