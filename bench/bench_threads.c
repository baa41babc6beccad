/* Threads that share their cores with other work: over-relaxed sweeps of SU(3) on 8^4 by one thread
 * and by two, alone and beside a busy loop on every core. Means over some seconds in turns, not the
 * best, as waits are what is measured. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "causeway/sampler.h"

#include "bench.h"

enum { SWEEPS = 4, MOST_LOOPS = 64, TURNS = 4 };

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_field x;
  cw_sampler *sampler;
} subject;

static void open_subject(subject *s, int threads) {
  const cw_lattice lat = {4, {8, 8, 8, 8}};
  const double beta = 6, relax[] = {0, SWEEPS, 1};
  must(NULL, cw_context_create(&(cw_context_options){.threads = threads, .quiet = true}, &s->ctx));
  must(s->ctx, cw_geometry_create(s->ctx, &lat, CW_LANES, &s->geom));
  must(s->ctx, cw_theory_create(s->ctx, cw_theory_find("su3"), s->geom, 0, &beta, &s->th));
  must(s->ctx, cw_field_create(s->ctx, s->geom, s->th.n_comp, 1, &s->x));
  must(s->ctx,
       cw_sampler_create(s->ctx, cw_sampler_find("heatbath"), &s->th, relax, NULL, 1, &s->sampler));
  cw_kind(s->th.ops->kind)->hot(s->th.isa, &s->x, cw_rng_stream(1, "hot"), 0);
}

static void close_subject(subject *s) {
  cw_sampler_destroy(s->sampler);
  cw_field_destroy(&s->x);
  cw_theory_destroy(&s->th);
  cw_geometry_destroy(s->geom);
  cw_context_destroy(s->ctx);
}

/* Steps in so many seconds; *spent: seconds. */
static long work(subject *s, double seconds, double *spent) {
  double begin = cw_wall_seconds();
  long n = 0;
  for (; (*spent = cw_wall_seconds() - begin) < seconds; n++)
    must(s->ctx, s->sampler->ops->step(s->sampler, s->th.c, &s->x, cw_rng_stream(1, "bench"),
                                       (uint32_t)n, NULL));
  return n;
}

static void compare(int n_loops, double seconds) {
  pid_t loop[MOST_LOOPS];
  double time[2] = {0, 0}, ns[2];
  long steps[2] = {0, 0};
  for (int i = 0; i < n_loops; i++)
    if ((loop[i] = fork()) == 0)
      for (volatile long k = 0;; k++) continue;
  for (int turn = 0; turn < 2 * TURNS; turn++) {
    subject s;
    double spent;
    open_subject(&s, 1 + turn % 2);
    work(&s, 0.05, &spent);
    steps[turn % 2] += work(&s, seconds / TURNS, &spent);
    time[turn % 2] += spent;
    close_subject(&s);
  }
  for (int i = 0; i < n_loops; i++) {
    kill(loop[i], SIGKILL);
    waitpid(loop[i], NULL, 0);
  }
  for (int k = 0; k < 2; k++) ns[k] = 1e9 * time[k] / (double)(steps[k] * SWEEPS * 4 * 4096);
  printf("  beside %d busy loops: one thread %6.1f ns/link, two %6.1f, %.2f times as fast\n",
         n_loops, ns[0], ns[1], ns[0] / ns[1]);
}

/* bench_threads [SECONDS [LOOPS]]: of each, 4 by default, and as many loops as cores. */
int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 4;
  int loops = argc > 2 ? atoi(argv[2]) : (int)sysconf(_SC_NPROCESSORS_ONLN);
  printf("SU(3), 8^4, over-relaxation\n");
  compare(0, seconds);
  compare(loops < MOST_LOOPS ? loops : MOST_LOOPS, seconds);
  return 0;
}
