// Starts another program.
#ifndef START_H
#define START_H

#include <sys/types.h>

/// In a process group of its own, with nothing on its standard input, with these descriptors as its standard output
/// and error, and with no other one of this process. `arguments` and `environment` end with `NULL`. Returns 0, or
/// what `errno` would be.
int start_program(pid_t *process, const char *path, char *const arguments[], char *const environment[], int output,
                  int messages);

#endif
