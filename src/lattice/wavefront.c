/* Ordered passes that threads share.
 *
 * A site shares plaquettes with its neighbours x + e, x - e and with x + e - e'. Of these the
 * sites that come before it in slabs of the same tile are in the slab before, up to its own
 * position and the sites of one value of coordinate 1 beyond (x - e_0 + e_1). Those in another
 * tile, or around the edge of the sub-lattices, are not past the slab with the next value of
 * coordinate 0 in the tile before, or in the pass before where there is one tile. */
#include <immintrin.h>
#include <limits.h>
#include <linux/futex.h>
#include <omp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "causeway/lattice.h"

/* Sites of a tile per values of coordinates 0 and 1 to aim at: the links of the five such pieces
 * that a piece sees, 2304 bytes of SU(3) each in 4 directions, fit the second-level cache. */
enum { TILE_SITES = 20 };

/* Thickness of tiles: a divisor of the extent in direction 2 of four. */
static int tile(const cw_geometry *g) {
  int n = g->piece[2];
  while (n > 1 && (g->piece[2] % n != 0 || n * g->piece[3] > TILE_SITES)) n--;
  return n;
}

/* Waiting. A thread that does not get on soon sleeps until it does: where cores are shared with other
 * work, spinning and yielding use up the time that the one it waits for needs, or this one later.
 * Who is about to sleep is counted in sleepers and then looks at done once more; who gets on counts
 * in done and then looks at sleepers: one of the two sees the other. */
enum { PATIENCE = 2000 }; /* pauses: some tens of microseconds */

/* Of a counter, the word that a futex compares: its lower half, which changes whenever it does. */
static uint32_t *futex_of(long *counter) { return (uint32_t *)counter; }

static void sleep_until(cw_wavefront *w, int thread, long target) {
  long *done = &w->thread[thread].done, *sleepers = &w->thread[thread].sleepers, now;
  __atomic_add_fetch(sleepers, 1, __ATOMIC_SEQ_CST);
  while ((now = __atomic_load_n(done, __ATOMIC_SEQ_CST)) < target)
    syscall(SYS_futex, futex_of(done), FUTEX_WAIT_PRIVATE, (uint32_t)now, NULL, NULL, 0);
  __atomic_sub_fetch(sleepers, 1, __ATOMIC_SEQ_CST);
}

/* Thread is past so many sites. */
static void get_on(cw_wavefront *w, int thread, long sites) {
  long *done = &w->thread[thread].done;
  __atomic_store_n(done, sites, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&w->thread[thread].sleepers, __ATOMIC_SEQ_CST) > 0)
    syscall(SYS_futex, futex_of(done), FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Until the thread has counted so far. */
static void wait_for(cw_wavefront *w, int thread, long target) {
  for (int tries = 0; tries < PATIENCE; tries++) {
    if (__atomic_load_n(&w->thread[thread].done, __ATOMIC_ACQUIRE) >= target) return;
    _mm_pause();
  }
  sleep_until(w, thread, target);
}

/* Until the thread of a slab is past its first n sites. */
static void wait_for_slab(cw_wavefront *w, long slab, long n, int team) {
  if (slab >= 0) wait_for(w, (int)(slab % team), slab * w->slab + n);
}

void cw_wavefront_begin(cw_wavefront *w, const cw_geometry *g) {
  w->geom = g;
  w->row = g->lat.dim > 2 ? g->piece[g->lat.dim - 1] : 1;
  w->tiles = 1;
  w->reach = 1; /* the sites of a tile per values of coordinates 0 and 1 */
  for (int d = 2; d < g->lat.dim; d++) w->reach *= g->piece[d];
  if (g->lat.dim == 4) {
    w->tiles = g->piece[2] / tile(g);
    w->reach /= w->tiles;
  }
  w->slab = g->lat.dim > 1 ? w->reach * g->piece[1] : 1;
  for (int i = 0; i < CW_WAVE_TEAM; i++) {
    w->thread[i].done = 0;
    w->thread[i].sleepers = 0;
  }
}

/* More threads than this would only wait. */
static int team_of(const cw_geometry *g) {
  int team = omp_get_num_threads(), most = g->piece[0] > 2 ? g->piece[0] - 1 : 1;
  if (team > most) team = most;
  return team > CW_WAVE_TEAM ? CW_WAVE_TEAM : team;
}

/* The inner site at a position of a slab: coordinates 1, 2 within the tile, 3. */
static long inner_site(const cw_wavefront *w, long slab, long at) {
  const cw_geometry *g = w->geom;
  long x0 = slab % g->piece[0], number = slab / g->piece[0] % w->tiles;
  long x1 = at / w->reach, rest = at % w->reach, line = w->reach * w->tiles;
  return x0 * w->slab * w->tiles + x1 * line + number * w->reach + rest;
}

bool cw_wavefront_next(cw_wavefront *w, long n_passes, cw_stretch *t) {
  const long slabs = (long)w->tiles * w->geom->piece[0]; /* of a pass */
  const int me = omp_get_thread_num(), team = team_of(w->geom);
  if (me >= team) return false;
  if (t->n == 0) {
    t->slab = me;
  } else {
    t->at += t->n;
    get_on(w, me, t->slab * w->slab + t->at);
    if (t->at == w->slab) {
      t->slab += team;
      t->at = 0;
    }
  }
  if (t->slab >= n_passes * slabs) return false;
  t->pass = t->slab / slabs;
  t->begin = inner_site(w, t->slab, t->at);
  t->n = w->row;
  if (team > 1) {
    long needed = t->at + t->n + w->reach;
    wait_for_slab(w, t->slab - 1, needed < w->slab ? needed : w->slab, team);
    wait_for_slab(w, t->slab - w->geom->piece[0] + 1, w->slab, team);
  }
  return true;
}
