#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static volatile sig_atomic_t stops_gracefully, stop_requested;

static void on_stop(int number) {
  (void)number;
  stop_requested = 1;
  if (!stops_gracefully) _exit(143);
}

// A closed descriptor would be given to the next file or connection, and the log would go into that.
// Writing to this one fails, as it does to a closed one.
static void hold_standard_descriptors(void) {
  for (int number = 0; number <= 2; number++) {
    if (fcntl(number, F_GETFD) == -1) open("/dev/null", number == 0 ? O_WRONLY : O_RDONLY);
  }
}

// Before main, and so before anything else of this program: as process 1 of a container it would be
// deaf to a signal until then.
__attribute__((constructor(101))) static void first(void) {
  hold_standard_descriptors();
  static const int stops[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
  for (size_t index = 0; index < sizeof stops / sizeof *stops; index++) {
    struct sigaction now;
    // Who starts it with nohup wants it to survive that.
    if (sigaction(stops[index], NULL, &now) == 0 && now.sa_handler == SIG_IGN) continue;
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    sigaction(stops[index], &action, NULL);
  }
  // A server or a reader that closes its connection must not end the program.
  signal(SIGPIPE, SIG_IGN);
}

void process_stop_gracefully(void) { stops_gracefully = 1; }

bool process_stop_requested(void) { return stop_requested != 0; }

// Last words

struct words {
  char text[1024];
  size_t size;
  size_t number;  // where the signal's two digits stand; 0 if nowhere
};

static struct words line, message;
static char message_path[4096];
static char crash_stack[64 * 1024];

static void keep(struct words *words, const char *text) {
  words->size = strnlen(text, sizeof words->text - 1);
  memcpy(words->text, text, words->size);
  const char *place = strstr(words->text, "signal 00");
  words->number = place ? (size_t)(place - words->text) + 7 : 0;
}

static void tell(int file, struct words *words, int number) {
  if (words->number) {
    words->text[words->number] = (char)('0' + number / 10 % 10);
    words->text[words->number + 1] = (char)('0' + number % 10);
  }
  if (write(file, words->text, words->size) < 0) return;  // no reader is left
}

static void on_crash(int number) {
  // A file in which to write need not be waited for; a reader that stalls is not.
  int file = open(message_path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK);
  if (file >= 0) tell(file, &message, number);
  struct pollfd output = {.fd = STDERR_FILENO, .events = POLLOUT};
  if (poll(&output, 1, 250) > 0) tell(STDERR_FILENO, &line, number);
  _exit(1);
}

void process_begin(const char *path, const char *crash_line, const char *crash_message) {
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});

  strncpy(message_path, path, sizeof message_path - 1);
  keep(&line, crash_line);
  keep(&message, crash_message);
  // A stack that has overflowed cannot hold the handler.
  sigaltstack(&(stack_t){.ss_sp = crash_stack, .ss_size = sizeof crash_stack}, NULL);
  static const int crashes[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGSYS};
  for (size_t index = 0; index < sizeof crashes / sizeof *crashes; index++) {
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_RESETHAND};
    sigaction(crashes[index], &action, NULL);
  }
}

const char *process_commit(void) { return ETCD_BACKUP_COMMIT; }
