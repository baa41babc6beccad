#include "model/autoregressive/masked.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/autoregressive/parts.h"

enum { MAX_THETA = 1 << 27 };

/* One layer. What a site reads are its links, in a fixed order; each has a slot of the weights. */
typedef struct {
  int ci, co, width; /* channels read, written, and computed: 2*co if gated */
  cw_net_activation act;
  bool gated, residual, bias;
  int n_slot, n_bias;
  long n_link;
  long *start;    /* (n+1) first link of each site */
  int *tap, *in;  /* (n_link) slot, and site that is read */
  int *bias_of;   /* (n) */
  long *to_start; /* (n+1) the same by the site that is read: */
  int *to_tap, *to;
  long w_at, b_at; /* into theta */
} masked_layer;

struct cw_masked {
  const cw_net_kernels *kernel;
  const cw_masked_kernels *masked;
  int n, n_layer;
  masked_layer layer[CW_MAX_MASKED];
  long n_theta;
};

/* ---- links ---- */

bool cw_links_add(cw_links *all, long key, int out, int in) {
  if (all->n == CW_MAX_LINKS) return false;
  if (all->n == all->capacity) {
    all->capacity = all->capacity ? 2 * all->capacity : 4096;
    cw_link *more = realloc(all->link, (size_t)all->capacity * sizeof *more);
    if (more == NULL) return false;
    all->link = more;
  }
  all->link[all->n++] = (cw_link){.key = key, .out = out, .in = in};
  return true;
}

static int by_key(const void *a, const void *b) {
  const cw_link *x = a, *y = b;
  return (x->key > y->key) - (x->key < y->key);
}
static int by_out(const void *a, const void *b) {
  const cw_link *x = a, *y = b;
  if (x->out != y->out) return x->out < y->out ? -1 : 1;
  if (x->in != y->in) return x->in < y->in ? -1 : 1;
  return (x->tap > y->tap) - (x->tap < y->tap);
}
static int by_in(const void *a, const void *b) {
  const cw_link *x = a, *y = b;
  if (x->in != y->in) return x->in < y->in ? -1 : 1;
  return by_out(a, b);
}

/* Slots are numbered by ascending key. */
static int number_slots(cw_links *all) {
  int n = 0;
  qsort(all->link, (size_t)all->n, sizeof *all->link, by_key);
  for (long i = 0; i < all->n; i++) {
    if (i > 0 && all->link[i].key != all->link[i - 1].key) n++;
    all->link[i].tap = n;
  }
  return all->n > 0 ? n + 1 : 0;
}

/* Sorted links as (start, tap, other end). */
static bool index_links(const cw_links *all, int n_site, bool by_output, long **start, int **tap,
                        int **other) {
  const size_t n = (size_t)(all->n > 0 ? all->n : 1);
  *start = calloc((size_t)n_site + 1, sizeof **start);
  *tap = malloc(n * sizeof **tap);
  *other = malloc(n * sizeof **other);
  if (!*start || !*tap || !*other) return false;
  for (long i = 0; i < all->n; i++) {
    const cw_link *l = &all->link[i];
    (*start)[(by_output ? l->out : l->in) + 1]++;
    (*tap)[i] = l->tap;
    (*other)[i] = by_output ? l->in : l->out;
  }
  for (int i = 0; i < n_site; i++) (*start)[i + 1] += (*start)[i];
  return true;
}

static bool layer_index(masked_layer *L, cw_links *all, int n_site) {
  L->n_slot = number_slots(all);
  L->n_link = all->n;
  qsort(all->link, (size_t)all->n, sizeof *all->link, by_out);
  if (!index_links(all, n_site, true, &L->start, &L->tap, &L->in)) return false;
  qsort(all->link, (size_t)all->n, sizeof *all->link, by_in);
  return index_links(all, n_site, false, &L->to_start, &L->to_tap, &L->to);
}

/* ---- building ---- */

static cw_status layer_links(cw_context *ctx, const cw_links_plan *p,
                             const cw_autoregressive_parts *parts, masked_layer *L, bool first) {
  cw_links all = {0};
  bool ok = true;
  for (int i = 0; ok && i < p->order->n; i++) ok = parts->add_links(p, i, first, &all);
  const bool too_many = all.n == CW_MAX_LINKS;
  ok = ok && layer_index(L, &all, p->order->n);
  free(all.link);
  if (too_many)
    return cw_fail(ctx, CW_EINVAL,
                   "model: more than %d pairs of sites reach each other; fewer sites, or another "
                   "kind of model",
                   CW_MAX_LINKS);
  return ok ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for a masked network");
}

static bool layer_biases(const cw_links_plan *p, cw_bias_sharing sharing, masked_layer *L) {
  const int n = p->order->n;
  L->n_bias = sharing == CW_BIAS_ONE ? 1 : sharing == CW_BIAS_SITES ? n : p->order->n_group;
  L->bias_of = calloc((size_t)n, sizeof *L->bias_of);
  for (int i = 0; L->bias_of && i < n && sharing != CW_BIAS_ONE; i++)
    L->bias_of[i] = sharing == CW_BIAS_SITES ? i : p->order->group[i];
  return L->bias_of != NULL;
}

static cw_status check_kernel(cw_context *ctx, const cw_autoregressive_spec *s,
                              const cw_lattice *lat) {
  if (s->kernel < 1 || s->kernel % 2 == 0 || s->kernel > 99)
    return cw_fail(ctx, CW_EINVAL, "model: kernel %d must be odd and at most 99", s->kernel);
  for (int d = 0; d < lat->dim; d++)
    if (s->kernel / 2 >= lat->extent[d])
      return cw_fail(ctx, CW_EINVAL, "model: a kernel of %d reaches around the extent %d",
                     s->kernel, lat->extent[d]);
  return CW_OK;
}

static cw_status check_spec(cw_context *ctx, const cw_autoregressive_spec *s) {
  if (s->n_hidden < 0 || s->n_hidden >= CW_MAX_MASKED)
    return cw_fail(ctx, CW_EINVAL, "model: expected 0 to %d hidden layers", CW_MAX_MASKED - 1);
  for (int i = 0; i < s->n_hidden; i++)
    if (s->hidden[i] < 1 || s->hidden[i] > CW_MAX_CHANNELS)
      return cw_fail(ctx, CW_EINVAL, "model: hidden layer %d has %d channels, expected 1 to %d", i,
                     s->hidden[i], CW_MAX_CHANNELS);
  if (s->z2 && (s->gated || s->activation != CW_ACT_TANH))
    return cw_fail(ctx, CW_EINVAL, "model: z2 needs an odd activation: tanh, not gated");
  return CW_OK;
}

/* Gives a layer its parameters from `at` on; returns where they end. */
static long layer_place(masked_layer *L, long at) {
  L->w_at = at;
  at += (long)L->n_slot * L->ci * L->width;
  L->b_at = at;
  return L->bias ? at + (long)L->n_bias * L->width : at;
}

static cw_status build(cw_context *ctx, cw_masked *net, const cw_links_plan *p,
                       const cw_autoregressive_parts *parts) {
  const cw_autoregressive_spec *s = p->spec;
  int channels = 1;
  for (int i = 0; i <= s->n_hidden; i++) {
    masked_layer *L = &net->layer[i];
    const bool last = i == s->n_hidden;
    *L = (masked_layer){.ci = channels,
                        .co = last ? 1 : s->hidden[i],
                        .act = last ? CW_NET_LINEAR : (cw_net_activation)s->activation,
                        .gated = s->gated && !last,
                        .bias = !s->z2};
    L->residual = s->residual && !last && i > 0 && L->co == L->ci;
    L->width = L->gated ? 2 * L->co : L->co;
    net->n_layer = i + 1;
    CW_TRY(layer_links(ctx, p, parts, L, i == 0));
    if (!layer_biases(p, parts->biases, L))
      return cw_fail(ctx, CW_ENOMEM, "no memory for a masked network");
    net->n_theta = layer_place(L, net->n_theta);
    if (net->n_theta > MAX_THETA || (long)net->n * L->width > INT_MAX / CW_LANES)
      return cw_fail(ctx, CW_EINVAL, "model: more than %d parameters, or too many channels",
                     MAX_THETA);
    channels = L->co;
  }
  return CW_OK;
}

cw_status cw_masked_create(cw_context *ctx, const cw_autoregressive_spec *spec,
                           const cw_geometry *geom, const cw_order *order, cw_masked **out) {
  *out = NULL;
  const cw_autoregressive_kind *kind = cw_autoregressive_find(spec->kind);
  CW_REQUIRE(kind != NULL);
  CW_TRY(check_spec(ctx, spec));
  if (kind->kernel) CW_TRY(check_kernel(ctx, spec, &geom->lat));
  cw_masked *net = calloc(1, sizeof *net);
  cw_links_plan p = {.spec = spec, .lat = &geom->lat, .order = order};
  p.work = calloc(2 * (size_t)order->n, sizeof *p.work);
  p.near = calloc((size_t)order->n, sizeof *p.near);
  cw_status st =
      net && p.work && p.near ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for a masked network");
  if (st == CW_OK) {
    net->kernel = CW_DISPATCH(cw_context_isa(ctx), cw_net_kernels);
    net->masked = CW_DISPATCH(cw_context_isa(ctx), cw_masked_kernels);
    net->n = order->n;
    st = build(ctx, net, &p, kind->parts);
  }
  free(p.work);
  free(p.near);
  if (st == CW_OK)
    *out = net;
  else
    cw_masked_destroy(net);
  return st;
}

void cw_masked_destroy(cw_masked *net) {
  if (net == NULL) return;
  for (int i = 0; i < net->n_layer; i++) {
    masked_layer *L = &net->layer[i];
    free(L->start);
    free(L->tap);
    free(L->in);
    free(L->bias_of);
    free(L->to_start);
    free(L->to_tap);
    free(L->to);
  }
  free(net);
}

long cw_masked_n_theta(const cw_masked *net) { return net->n_theta; }

static void layer_init(const masked_layer *L, int n_site, double *theta, cw_rng rng, uint32_t which,
                       double gain) {
  const long n = L->b_at - L->w_at;
  const double fan_in = (double)L->n_link / n_site * L->ci;
  const double width = gain / sqrt(fan_in > 1 ? fan_in : 1);
  for (long i = 0; i < n; i++) {
    double z[2];
    cw_normal2(CW_ISA_BASE, rng, (uint32_t)(i / 2), which, 0, 0, z);
    theta[L->w_at + i] = width * z[i % 2];
  }
  for (long i = 0; L->bias && i < (long)L->n_bias * L->width; i++) theta[L->b_at + i] = 0;
}

void cw_masked_init(const cw_masked *net, double *theta, cw_rng rng, double last) {
  for (int i = 0; i < net->n_layer; i++)
    layer_init(&net->layer[i], net->n, theta, rng, (uint32_t)i, i + 1 < net->n_layer ? 1 : last);
}

void cw_masked_transpose(const cw_masked *net, const float *theta, float *transposed) {
  for (int k = 0; k < net->n_layer; k++) {
    const masked_layer *L = &net->layer[k];
    for (int s = 0; s < L->n_slot; s++) {
      const float *w = theta + L->w_at + (long)s * L->ci * L->width;
      float *t = transposed + (w - theta);
      for (int i = 0; i < L->ci; i++)
        for (int j = 0; j < L->width; j++) t[j * L->ci + i] = w[i * L->width + j];
    }
  }
}

/* ---- passes ---- */

static size_t row_bytes(int channels) { return (size_t)channels * CW_LANES * sizeof(float); }

static float *row(float *rows, int channels, int site) {
  return rows + (size_t)site * (size_t)channels * CW_LANES;
}

cw_status cw_masked_open(const cw_masked *net, cw_masked_pass *pass, cw_arena *tape) {
  const size_t n = (size_t)net->n;
  pass->rows[0] = cw_arena_alloc(tape, n * row_bytes(1));
  if (pass->rows[0] == NULL) return CW_ENOMEM;
  for (int k = 0; k < net->n_layer; k++) {
    const masked_layer *L = &net->layer[k];
    float *rows = cw_arena_alloc(tape, n * row_bytes(L->co)), *active = rows;
    if (L->gated || L->residual) active = cw_arena_alloc(tape, n * row_bytes(L->width));
    if (rows == NULL || active == NULL) return CW_ENOMEM;
    pass->rows[k + 1] = rows;
    pass->active[k + 1] = active;
  }
  return CW_OK;
}

/* A sum over links of one row, by the kernel of convolutions. */
static void sum_links(const cw_masked *net, long begin, long end, int *tap, int *in, int site,
                      int ci, int co, const float *w, const float *bias, cw_net_activation act,
                      float *from, float *to) {
  cw_stencil_class one = {
      .n_row = 1, .n_tap = (int)(end - begin), .tap = tap + begin, .out = &site, .in = in + begin};
  cw_stencil st = {.n_class = 1, .cls = &one};
  net->kernel->conv(&st, ci, co, w, bias, act, (cw_rows){from, ci}, (cw_rows){to, co});
}

static void layer_at(const cw_masked *net, int k, const float *theta, int site,
                     cw_masked_pass *pass) {
  const masked_layer *L = &net->layer[k];
  const float *bias = L->bias ? theta + L->b_at + (long)L->bias_of[site] * L->width : NULL;
  float *active = pass->active[k + 1], *rows = pass->rows[k + 1];
  sum_links(net, L->start[site], L->start[site + 1], L->tap, L->in, site, L->ci, L->width,
            theta + L->w_at, bias, L->gated ? CW_NET_LINEAR : L->act, pass->rows[k], active);
  float *out = row(rows, L->co, site);
  if (L->gated) net->masked->gate(L->co, row(active, L->width, site), out);
  if (L->residual)
    net->masked->add(L->co, L->gated ? out : row(active, L->width, site),
                     row(pass->rows[k], L->ci, site), out);
}

const float *cw_masked_site(const cw_masked *net, const float *theta, int site,
                            cw_masked_pass *pass) {
  for (int k = 0; k < net->n_layer; k++) layer_at(net, k, theta, site, pass);
  return row(pass->rows[net->n_layer], 1, site);
}

const float *cw_masked_all(const cw_masked *net, const float *theta, cw_masked_pass *pass) {
  for (int k = 0; k < net->n_layer; k++)
    for (int i = 0; i < net->n; i++) layer_at(net, k, theta, i, pass);
  return cw_masked_logits(net, pass);
}

const float *cw_masked_logits(const cw_masked *net, const cw_masked_pass *pass) {
  return pass->rows[net->n_layer];
}

/* ---- adjoints ---- */

/* g: adjoint of a layer's rows; what comes back is that of its sums before the activation. */
static float *before_activation(const cw_masked *net, int k, const cw_masked_pass *pass, float *g,
                                cw_arena *work) {
  const masked_layer *L = &net->layer[k];
  const size_t n = (size_t)net->n;
  if (!L->gated && !L->residual) {
    net->kernel->activation_vjp(L->act, net->n * L->co, pass->rows[k + 1], g);
    return g;
  }
  float *sums = cw_arena_alloc(work, n * row_bytes(L->width));
  if (sums == NULL) return NULL;
  if (L->gated) {
    for (int i = 0; i < net->n; i++)
      net->masked->gate_vjp(L->co, row(pass->active[k + 1], L->width, i), row(g, L->co, i),
                            row(sums, L->width, i));
    return sums;
  }
  memcpy(sums, g, n * row_bytes(L->co));
  net->kernel->activation_vjp(L->act, net->n * L->co, pass->active[k + 1], sums);
  return sums;
}

static void weight_gradients(const cw_masked *net, int k, const cw_masked_pass *pass,
                             const float *sums, float *gtheta, float *turned) {
  const masked_layer *L = &net->layer[k];
  for (int i = 0; i < net->n; i++) {
    cw_masked_taps taps = {.n = (int)(L->start[i + 1] - L->start[i]),
                           .tap = L->tap + L->start[i],
                           .in = L->in + L->start[i]};
    float *gbias = L->bias ? gtheta + L->b_at + (long)L->bias_of[i] * L->width : NULL;
    net->masked->weights(&taps, L->ci, L->width, pass->rows[k],
                         sums + (size_t)i * (size_t)L->width * CW_LANES, gtheta + L->w_at, gbias,
                         turned);
  }
}

/* The adjoint of the rows that layer k reads. */
static float *pull_back(const cw_masked *net, int k, const float *transposed, float *sums, float *g,
                        cw_arena *work) {
  const masked_layer *L = &net->layer[k];
  float *below = cw_arena_alloc(work, (size_t)net->n * row_bytes(L->ci));
  if (below == NULL) return NULL;
  for (int j = 0; j < net->n; j++)
    sum_links(net, L->to_start[j], L->to_start[j + 1], L->to_tap, L->to, j, L->width, L->ci,
              transposed + L->w_at, NULL, CW_NET_LINEAR, sums, below);
  if (L->residual) net->masked->add(net->n * L->ci, below, g, below);
  return below;
}

cw_status cw_masked_vjp(const cw_masked *net, cw_masked_theta theta, const cw_masked_pass *pass,
                        float *glogit, float *gtheta, cw_arena *work) {
  float *g = glogit;
  for (int k = net->n_layer - 1; k >= 0; k--) {
    const int columns = (net->layer[k].width + CW_LANES - 1) / CW_LANES * CW_LANES;
    float *sums = before_activation(net, k, pass, g, work);
    float *turned = cw_arena_alloc(work, (size_t)columns * CW_LANES * sizeof *turned);
    if (sums == NULL || turned == NULL) return CW_ENOMEM;
    weight_gradients(net, k, pass, sums, gtheta, turned);
    if (k > 0 && (g = pull_back(net, k, theta.transposed, sums, g, work)) == NULL) return CW_ENOMEM;
  }
  return CW_OK;
}
