// Runs one program and reports its process id, then how it ended and what it used; started by program.py.
//
//     measure LOG OUTPUT REPORT PROGRAM [ARGUMENT...]
//
// A process of its own, because the kernel counts the starter's memory towards the peak of what it starts: this one is
// small enough not to matter.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
    perror(what);
    exit(127);
}

static void append_to(const char *path, int descriptor)
{
    int opened = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (opened < 0 || dup2(opened, descriptor) < 0)
        fail(path);
    close(opened);
}

static double seconds(struct timespec time) { return (double)time.tv_sec + (double)time.tv_nsec / 1e9; }

static double seconds_of(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

int main(int count, char **arguments)
{
    if (count < 5)
        return 64;
    const char *report = arguments[3];
    char draft[4096];
    if (snprintf(draft, sizeof draft, "%s.new", report) >= (int)sizeof draft)
        return 64;

    struct timespec started, ended;
    clock_gettime(CLOCK_MONOTONIC, &started);
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        append_to(arguments[2], STDOUT_FILENO);
        append_to(arguments[1], STDERR_FILENO);
        char *prefix[] = {"setpriv", "--pdeathsig", "KILL", "--"};
        // The program and its arguments follow where the first four were.
        for (int index = 0; index < 4; index++)
            arguments[index] = prefix[index];
        execv("/usr/bin/setpriv", arguments);
        fail("setpriv");
    }
    printf("%d\n", (int)pid);
    fflush(stdout);

    int status;
    struct rusage usage;
    if (wait4(pid, &status, 0, &usage) < 0)
        fail("wait4");
    clock_gettime(CLOCK_MONOTONIC, &ended);

    FILE *file = fopen(draft, "w");
    if (file == NULL)
        fail(draft);
    fprintf(file,
        "{\"status\": %d, \"seconds\": %f, \"cpu_seconds\": %f, \"peak_bytes\": %lld, \"written_bytes\": %lld}\n",
        WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), seconds(ended) - seconds(started),
        seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), (long long)usage.ru_maxrss * 1024,
        (long long)usage.ru_oublock * 512);
    if (fclose(file) != 0 || rename(draft, report) != 0)
        fail(report);
    return 0;
}
