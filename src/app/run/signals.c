#define _POSIX_C_SOURCE 200809L
#include "app/run/signals.h"

#include <signal.h>
#include <string.h>

/* The program's one mutable global: a signal handler is handed nothing but the signal's number. */
static volatile sig_atomic_t stop_wanted;

static void note_signal(int number) {
  stop_wanted = 1;
  signal(number, SIG_DFL);
}

void cw_catch_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = note_signal;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  struct sigaction before;
  const bool stays = sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler == SIG_IGN;
  if (!stays) sigaction(SIGHUP, &action, NULL); /* nohup */
  signal(SIGXFSZ, SIG_IGN);
}

bool cw_stop_wanted(void) { return stop_wanted != 0; }
