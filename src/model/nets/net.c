#include "model/nets/net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/nets/winograd.h"

enum { MAX_NET_LAYERS = 9 };

/* One linear map with its activation; the stencil of its transpose serves the input's adjoint. */
typedef struct {
  cw_stencil st, transposed;
  int ci, co;
  cw_net_activation act;
  bool bias;
  bool tiled;      /* runs on the tiles of its net, both ways */
  long w_at, b_at; /* into theta */
  long fan_in;
} net_layer;

/* A head reads the last hidden rows, or their squares, and writes n outputs of each active site
 * from channel `at` on. */
typedef struct {
  net_layer map;
  bool squares;
  int at;
} net_head;

struct cw_net {
  const cw_net_kernels *kernel;
  int n_frozen, n_active, n_out;
  int *frozen; /* outer sites */
  int n_hidden, n_head;
  net_layer hidden[MAX_NET_LAYERS];
  net_head head[2];
  cw_winograd tiles;
  long n_theta;
};

/* ---- stencils ---- */

typedef struct {
  int out, tap, in;
} link;

static int by_output(const void *a, const void *b) {
  const link *x = a, *y = b;
  if (x->out != y->out) return x->out < y->out ? -1 : 1;
  if (x->tap != y->tap) return x->tap < y->tap ? -1 : 1;
  return (x->in > y->in) - (x->in < y->in);
}

static void stencil_free(cw_stencil *st) {
  for (int k = 0; k < st->n_class; k++) {
    free(st->cls[k].tap);
    free(st->cls[k].out);
    free(st->cls[k].in);
  }
  free(st->cls);
  *st = (cw_stencil){0};
}

static bool same_taps(const cw_stencil_class *c, const link *first, int n) {
  if (c->n_tap != n) return false;
  for (int k = 0; k < n; k++)
    if (c->tap[k] != first[k].tap) return false;
  return true;
}

/* The class of a row with these taps, made if new; NULL: no memory. */
static cw_stencil_class *class_for(cw_stencil *st, const link *first, int n, int max_rows) {
  for (int k = 0; k < st->n_class; k++)
    if (same_taps(&st->cls[k], first, n)) return &st->cls[k];
  cw_stencil_class *cls = realloc(st->cls, (size_t)(st->n_class + 1) * sizeof *cls);
  if (cls == NULL) return NULL;
  st->cls = cls;
  cw_stencil_class *c = &cls[st->n_class];
  *c = (cw_stencil_class){.n_tap = n};
  c->tap = calloc((size_t)(n > 0 ? n : 1), sizeof *c->tap);
  c->out = calloc((size_t)max_rows, sizeof *c->out);
  c->in = calloc((size_t)max_rows * (size_t)(n > 0 ? n : 1), sizeof *c->in);
  st->n_class++;
  if (!c->tap || !c->out || !c->in) return NULL;
  for (int k = 0; k < n; k++) c->tap[k] = first[k].tap;
  return c;
}

/* Builds a stencil from its links (sorted here). Rows without links get a class of no taps. */
static bool stencil_build(cw_stencil *st, link *links, int n_links, int n_in, int n_out,
                          int n_tap) {
  *st = (cw_stencil){.n_in = n_in, .n_out = n_out, .n_tap = n_tap};
  qsort(links, (size_t)n_links, sizeof *links, by_output);
  int at = 0;
  for (int row = 0; row < n_out; row++) {
    int n = 0;
    while (at + n < n_links && links[at + n].out == row) n++;
    cw_stencil_class *c = class_for(st, links + at, n, n_out);
    if (c == NULL) return false;
    for (int k = 0; k < n; k++) c->in[c->n_row * n + k] = links[at + k].in;
    c->out[c->n_row++] = row;
    at += n;
  }
  return true;
}

static bool stencil_pair(cw_stencil *st, cw_stencil *transposed, link *links, int n_links, int n_in,
                         int n_out, int n_tap) {
  if (!stencil_build(st, links, n_links, n_in, n_out, n_tap)) return false;
  for (int i = 0; i < n_links; i++) {
    int swap = links[i].out;
    links[i].out = links[i].in;
    links[i].in = swap;
  }
  return stencil_build(transposed, links, n_links, n_out, n_in, n_tap);
}

/* Rows of a layer's array: either all outer sites or a list of them. row_of[outer] is -1 for sites
 * without a row. */
typedef struct {
  int n;
  const int *site; /* NULL: all, row = outer */
} site_rows;

static int kernel_taps(const cw_geometry *g, int kernel) {
  int n = 1;
  for (int d = 0; d < g->lat.dim; d++) n *= kernel;
  return n;
}

/* Outer site at the offset of tap k (lexicographic in offsets -h..h) from an outer site. */
static int tap_site(const cw_geometry *g, int outer, int tap, int kernel) {
  int coord[CW_MAX_DIM];
  cw_lattice_coord(&g->lat, g->site[outer], coord);
  for (int d = g->lat.dim - 1; d >= 0; d--) {
    coord[d] += tap % kernel - kernel / 2;
    tap /= kernel;
  }
  return g->outer[cw_lattice_site(&g->lat, coord)];
}

static int row_site(const site_rows *r, int row) { return r->site ? r->site[row] : row; }

static bool conv_stencil(const cw_geometry *g, int kernel, site_rows in, site_rows out,
                         net_layer *L) {
  int n_tap = kernel_taps(g, kernel), n = 0;
  link *links = malloc((size_t)out.n * (size_t)n_tap * sizeof *links);
  int *row_of = malloc((size_t)g->n_outer * sizeof *row_of);
  bool ok = links && row_of;
  if (ok) {
    for (long o = 0; o < g->n_outer; o++) row_of[o] = in.site ? -1 : (int)o;
    for (int r = 0; in.site && r < in.n; r++) row_of[in.site[r]] = r;
    for (int r = 0; r < out.n; r++)
      for (int k = 0; k < n_tap; k++) {
        int from = row_of[tap_site(g, row_site(&out, r), k, kernel)];
        if (from >= 0) links[n++] = (link){.out = r, .tap = k, .in = from};
      }
    ok = stencil_pair(&L->st, &L->transposed, links, n, in.n, out.n, n_tap);
    L->fan_in = (long)L->ci * n / out.n;
  }
  free(links);
  free(row_of);
  return ok;
}

/* A dense head that shares its output rows with another head: one tap per active site, all from the
 * one input row. */
static bool dense_rows_stencil(net_layer *L, int n_active) {
  link *links = malloc((size_t)n_active * sizeof *links);
  if (links == NULL) return false;
  for (int r = 0; r < n_active; r++) links[r] = (link){.out = r, .tap = r, .in = 0};
  bool ok = stencil_pair(&L->st, &L->transposed, links, n_active, 1, n_active, n_active);
  L->fan_in = L->ci;
  free(links);
  return ok;
}

/* A dense layer is one row and one tap. */
static bool dense_stencil(net_layer *L) {
  link one = {0, 0, 0};
  L->fan_in = L->ci;
  return stencil_pair(&L->st, &L->transposed, &one, 1, 1, 1, 1);
}

/* ---- building ---- */

static long layer_place(net_layer *L, long at) {
  L->w_at = at;
  at += (long)L->st.n_tap * L->ci * L->co;
  L->b_at = at;
  return L->bias ? at + L->co : at;
}

static bool layer_build(net_layer *L, const cw_net_spec *spec, const cw_geometry *g, site_rows in,
                        site_rows out) {
  return spec->kind == CW_NET_DENSE ? dense_stencil(L) : conv_stencil(g, spec->kernel, in, out, L);
}

static cw_status check_spec(cw_context *ctx, const cw_net_spec *spec, bool z2) {
  if (spec->n_hidden < 0 || spec->n_hidden > 8)
    return cw_fail(ctx, CW_EINVAL, "net: expected 0 to 8 hidden layers");
  for (int i = 0; i < spec->n_hidden; i++)
    if (spec->hidden[i] < 1 || spec->hidden[i] > 65536)
      return cw_fail(ctx, CW_EINVAL, "net: hidden layer %d has width %d, expected 1 to 65536", i,
                     spec->hidden[i]);
  if (spec->kind == CW_NET_CONV && (spec->kernel < 1 || spec->kernel % 2 == 0 || spec->kernel > 99))
    return cw_fail(ctx, CW_EINVAL, "net: kernel %d must be odd and at most 99", spec->kernel);
  if (z2 && spec->activation != CW_ACT_TANH)
    return cw_fail(ctx, CW_EINVAL, "net: z2 needs an odd activation: tanh");
  return CW_OK;
}

/* Fewer channels do not pay for the transforms; more would not leave the weights in cache. */
static bool tiles_pay(const net_layer *L) {
  return L->ci >= 4 && L->co >= 4 && L->ci <= 64 && L->co <= 64;
}

static bool build_hidden(cw_net *net, const cw_net_spec *spec, const cw_geometry *g, bool z2,
                         site_rows frozen, site_rows all) {
  bool dense = spec->kind == CW_NET_DENSE;
  int channels = dense ? net->n_frozen : 1;
  for (int i = 0; i < spec->n_hidden; i++) {
    net_layer *L = &net->hidden[i];
    *L = (net_layer){.ci = channels,
                     .co = spec->hidden[i],
                     .act = (cw_net_activation)spec->activation,
                     .bias = !z2};
    if (!layer_build(L, spec, g, i == 0 ? frozen : all, all)) return false;
    L->tiled = i > 0 && net->tiles.n_tile > 0 && tiles_pay(L);
    net->n_theta = layer_place(L, net->n_theta);
    net->n_hidden = i + 1;
    channels = L->co;
  }
  return true;
}

static bool build_head(cw_net *net, const cw_net_spec *spec, const cw_geometry *g, bool squares,
                       int at, int n, bool bias, site_rows in, site_rows active) {
  if (n == 0) return true;
  bool dense = spec->kind == CW_NET_DENSE, shared = dense && n < net->n_out;
  int channels = net->n_hidden ? net->hidden[net->n_hidden - 1].co : dense ? net->n_frozen : 1;
  net_head *h = &net->head[net->n_head++];
  *h = (net_head){.squares = squares, .at = at};
  h->map = (net_layer){.ci = channels,
                       .co = dense && !shared ? n * net->n_active : n,
                       .act = CW_NET_LINEAR,
                       .bias = bias};
  if (shared ? !dense_rows_stencil(&h->map, net->n_active)
             : !layer_build(&h->map, spec, g, in, active))
    return false;
  net->n_theta = layer_place(&h->map, net->n_theta);
  return true;
}

static bool build(cw_net *net, const cw_net_spec *spec, const cw_geometry *g, const int *active,
                  int n_odd, bool z2) {
  site_rows all = {(int)g->n_outer, NULL}, frozen = {net->n_frozen, net->frozen},
            act = {net->n_active, active};
  if (spec->kind == CW_NET_CONV && spec->kernel == 3 && spec->n_hidden > 1 &&
      !cw_winograd_build(g, &net->tiles))
    return false;
  if (!build_hidden(net, spec, g, z2, frozen, all)) return false;
  site_rows last = net->n_hidden ? all : frozen;
  if (!z2) return build_head(net, spec, g, false, 0, net->n_out, true, last, act);
  return build_head(net, spec, g, false, 0, n_odd, false, last, act) &&
         build_head(net, spec, g, true, n_odd, net->n_out - n_odd, true, last, act);
}

cw_status cw_net_create(cw_context *ctx, const cw_net_spec *spec, const cw_geometry *geom,
                        const int *frozen, int n_frozen, const int *active, int n_active, int n_out,
                        int n_odd, bool z2, cw_net **out) {
  *out = NULL;
  CW_REQUIRE(geom->V == 1 && n_frozen > 0 && n_active > 0 && n_out > 0 && n_odd >= 0 &&
             n_odd <= n_out);
  CW_TRY(check_spec(ctx, spec, z2));
  cw_net *net = calloc(1, sizeof *net);
  if (net == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a network");
  net->kernel = CW_DISPATCH(cw_context_isa(ctx), cw_net_kernels);
  net->n_frozen = n_frozen;
  net->n_active = n_active;
  net->n_out = n_out;
  net->frozen = malloc((size_t)n_frozen * sizeof *frozen);
  if (net->frozen) memcpy(net->frozen, frozen, (size_t)n_frozen * sizeof *frozen);
  if (net->frozen == NULL || !build(net, spec, geom, active, n_odd, z2)) {
    cw_net_destroy(net);
    return cw_fail(ctx, CW_ENOMEM, "no memory for a network");
  }
  *out = net;
  return CW_OK;
}

void cw_net_destroy(cw_net *net) {
  if (net == NULL) return;
  for (int i = 0; i < MAX_NET_LAYERS; i++) {
    stencil_free(&net->hidden[i].st);
    stencil_free(&net->hidden[i].transposed);
  }
  for (int i = 0; i < 2; i++) {
    stencil_free(&net->head[i].map.st);
    stencil_free(&net->head[i].map.transposed);
  }
  cw_winograd_free(&net->tiles);
  free(net->frozen);
  free(net);
}

long cw_net_n_theta(const cw_net *net) { return net->n_theta; }

static void layer_init(const net_layer *L, double *theta, cw_rng rng, uint32_t index,
                       uint32_t which, double gain) {
  long n = (long)L->st.n_tap * L->ci * L->co;
  double width = gain / sqrt((double)(L->fan_in > 0 ? L->fan_in : 1));
  for (long i = 0; i < n; i++) {
    double z[2];
    cw_normal2(CW_ISA_BASE, rng, (uint32_t)(i / 2), which, index, 0, z);
    theta[L->w_at + i] = width * z[i % 2];
  }
  for (int j = 0; L->bias && j < L->co; j++) theta[L->b_at + j] = 0;
}

void cw_net_init(const cw_net *net, double *theta, cw_rng rng, uint32_t index, double last) {
  for (int i = 0; i < net->n_hidden; i++)
    layer_init(&net->hidden[i], theta, rng, index, (uint32_t)i, 1.0);
  for (int i = 0; i < net->n_head; i++)
    layer_init(&net->head[i].map, theta, rng, index, 100 + (uint32_t)i, last);
}

/* ---- passes ---- */

/* Dense layers see their rows as channels of one row. */
static cw_rows rows_of(const net_layer *L, bool input, float *data, int stride) {
  bool dense = L->st.n_in == 1 && L->st.n_out == 1 && L->st.n_tap == 1;
  return (cw_rows){data, dense ? (input ? L->ci : L->co) : stride};
}

static cw_status tiled_conv(const cw_net *net, int ci, int co, const float *w, const float *bias,
                            cw_net_activation act, cw_rows in, cw_rows out, cw_arena *arena) {
  cw_arena_mark mark = cw_arena_save(arena);
  float *work = cw_arena_alloc(arena, cw_winograd_work(ci, co) * sizeof *work);
  if (work == NULL) return CW_ENOMEM;
  net->kernel->winograd(&net->tiles, ci, co, w, bias, act, in, out, work);
  cw_arena_rewind(arena, mark);
  return CW_OK;
}

static cw_status layer_forward(const cw_net *net, const net_layer *L, const float *theta, float *in,
                               float *out, int stride, cw_arena *arena) {
  const float *w = theta + L->w_at, *bias = L->bias ? theta + L->b_at : NULL;
  cw_rows from = rows_of(L, true, in, L->ci), to = rows_of(L, false, out, stride);
  if (L->tiled) return tiled_conv(net, L->ci, L->co, w, bias, L->act, from, to, arena);
  net->kernel->conv(&L->st, L->ci, L->co, w, bias, L->act, from, to);
  return CW_OK;
}

static size_t rows_bytes(const net_layer *L) {
  return (size_t)L->st.n_out * (size_t)L->co * CW_LANES * sizeof(float);
}

cw_status cw_net_forward(const cw_net *net, const float *theta, const double *x, cw_net_pass *pass,
                         cw_arena *tape) {
  float *in = cw_arena_alloc(tape, (size_t)net->n_frozen * CW_LANES * sizeof *in);
  if (in == NULL) return CW_ENOMEM;
  net->kernel->gather(net->n_frozen, net->frozen, x, in);
  pass->rows[0] = in;
  for (int i = 0; i < net->n_hidden; i++) {
    const net_layer *L = &net->hidden[i];
    float *out = cw_arena_alloc(tape, rows_bytes(L));
    if (out == NULL) return CW_ENOMEM;
    CW_TRY(layer_forward(net, L, theta, in, out, L->co, tape));
    pass->rows[i + 1] = in = out;
  }
  pass->squares = NULL;
  pass->out =
      cw_arena_alloc(tape, (size_t)net->n_active * (size_t)net->n_out * CW_LANES * sizeof(float));
  if (pass->out == NULL) return CW_ENOMEM;
  for (int i = 0; i < net->n_head; i++) {
    const net_head *h = &net->head[i];
    float *from = in;
    if (h->squares) {
      int n = h->map.st.n_in * h->map.ci;
      from = pass->squares = cw_arena_alloc(tape, (size_t)n * CW_LANES * sizeof(float));
      if (from == NULL) return CW_ENOMEM;
      net->kernel->square(n, in, from);
    }
    CW_TRY(
        layer_forward(net, &h->map, theta, from, pass->out + h->at * CW_LANES, net->n_out, tape));
  }
  return CW_OK;
}

/* w (tap, ci, co) -> (tap, co, ci). The transposed stencil names its links by their tap; on tiles
 * it is a stencil of the mirrored taps. */
static float *transpose_weights(const net_layer *L, const float *theta, cw_arena *work) {
  const float *w = theta + L->w_at;
  float *t = cw_arena_alloc(work, (size_t)L->st.n_tap * (size_t)(L->ci * L->co) * sizeof *t);
  if (t == NULL) return NULL;
  for (int k = 0; k < L->st.n_tap; k++, w += L->ci * L->co) {
    int to = L->tiled ? L->st.n_tap - 1 - k : k;
    for (int i = 0; i < L->ci; i++)
      for (int j = 0; j < L->co; j++) t[(to * L->co + j) * L->ci + i] = w[i * L->co + j];
  }
  return t;
}

/* gin overwritten: the adjoint of the layer's input rows; gout is the adjoint of its
 * pre-activation. */
static cw_status layer_vjp(const cw_net *net, const net_layer *L, const float *theta, float *in,
                           float *gout, int stride, float *gin, float *gtheta, cw_arena *work) {
  cw_rows go = rows_of(L, false, gout, stride);
  if (gtheta)
    net->kernel->conv_weights(&L->st, L->ci, L->co, rows_of(L, true, in, L->ci), go,
                              gtheta + L->w_at, L->bias ? gtheta + L->b_at : NULL);
  float *wt = transpose_weights(L, theta, work);
  if (wt == NULL) return CW_ENOMEM;
  cw_rows gi = rows_of(L, true, gin, L->ci);
  if (L->tiled) return tiled_conv(net, L->co, L->ci, wt, NULL, CW_NET_LINEAR, go, gi, work);
  net->kernel->conv(&L->transposed, L->co, L->ci, wt, NULL, CW_NET_LINEAR, go, gi);
  return CW_OK;
}

static cw_status heads_vjp(const cw_net *net, const float *theta, const cw_net_pass *pass,
                           float *gout, float *g, float *gtheta, cw_arena *work) {
  float *last = pass->rows[net->n_hidden];
  const net_layer *first = &net->head[0].map;
  int n = first->st.n_in * first->ci;
  for (int i = 0; i < net->n_head; i++) {
    const net_head *h = &net->head[i];
    float *to = g;
    if (h->squares) {
      to = cw_arena_alloc(work, (size_t)n * CW_LANES * sizeof *to);
      if (to == NULL) return CW_ENOMEM;
      if (i == 0) memset(g, 0, (size_t)n * CW_LANES * sizeof *g);
    }
    CW_TRY(layer_vjp(net, &h->map, theta, h->squares ? pass->squares : last,
                     gout + h->at * CW_LANES, net->n_out, to, gtheta, work));
    if (h->squares) net->kernel->square_vjp(n, last, to, g);
  }
  return CW_OK;
}

cw_status cw_net_vjp(const cw_net *net, const float *theta, const cw_net_pass *pass, float *gout,
                     double *gx, float *gtheta, cw_arena *work) {
  const net_layer *top = &net->head[0].map;
  float *g = cw_arena_alloc(work, (size_t)(top->st.n_in * top->ci) * CW_LANES * sizeof *g);
  if (g == NULL) return CW_ENOMEM;
  CW_TRY(heads_vjp(net, theta, pass, gout, g, gtheta, work));
  for (int i = net->n_hidden - 1; i >= 0; i--) {
    const net_layer *L = &net->hidden[i];
    net->kernel->activation_vjp(L->act, L->st.n_out * L->co, pass->rows[i + 1], g);
    float *below = cw_arena_alloc(work, (size_t)(L->st.n_in * L->ci) * CW_LANES * sizeof *below);
    if (below == NULL) return CW_ENOMEM;
    CW_TRY(layer_vjp(net, L, theta, pass->rows[i], g, L->co, below, gtheta, work));
    g = below;
  }
  net->kernel->scatter_add(net->n_frozen, net->frozen, g, gx);
  return CW_OK;
}
