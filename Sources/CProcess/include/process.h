// What a process owes to its surroundings before and after the Swift program: standard descriptors,
// signals, and last words after a crash. Everything here is safe in a signal handler where it runs in one.
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>

/// Protects the secrets in memory from core dumps and other processes, and leaves last words in case
/// of a crash: `line` on standard error and `message` in the file at `path`, if that exists. In both,
/// "signal 00" becomes the signal's number.
void process_begin(const char *path, const char *line, const char *message);

/// From now on a signal to stop is only remembered; before, it ends the process with status 143.
void process_stop_gracefully(void);

/// The commit that the program was built from, in hexadecimal digits; empty if the build did not say.
const char *process_commit(void);

/// Whether SIGTERM, SIGINT, SIGHUP or SIGQUIT has come.
bool process_stop_requested(void);

#endif
