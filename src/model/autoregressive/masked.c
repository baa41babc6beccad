#include "model/autoregressive/masked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CACHED = 65536 }; /* weights of which gradients stay in the second-level cache */

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
  int n_run;       /* the same by slots whose weights fit in cache together, then by site: */
  int *run_site;   /* (n_run) */
  long *run_start; /* (n_run+1) */
  int *run_tap, *run_in;
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

/* key: links of equal keys share their weights. */
typedef struct {
  long key;
  int out, in, tap;
} link;

typedef struct {
  long n, capacity;
  link *link;
} links;

static bool append(links *all, long key, int out, int in) {
  if (all->n == all->capacity) {
    all->capacity = all->capacity ? 2 * all->capacity : 4096;
    link *more = realloc(all->link, (size_t)all->capacity * sizeof *more);
    if (more == NULL) return false;
    all->link = more;
  }
  all->link[all->n++] = (link){.key = key, .out = out, .in = in};
  return true;
}

static int by_key(const void *a, const void *b) {
  const link *x = a, *y = b;
  return (x->key > y->key) - (x->key < y->key);
}
static int by_out(const void *a, const void *b) {
  const link *x = a, *y = b;
  if (x->out != y->out) return x->out < y->out ? -1 : 1;
  if (x->in != y->in) return x->in < y->in ? -1 : 1;
  return (x->tap > y->tap) - (x->tap < y->tap);
}
static int by_key_and_out(const void *a, const void *b) {
  const int order = by_key(a, b);
  return order != 0 ? order : by_out(a, b);
}
static int by_in(const void *a, const void *b) {
  const link *x = a, *y = b;
  if (x->in != y->in) return x->in < y->in ? -1 : 1;
  return by_out(a, b);
}

/* Slots are numbered by ascending key. */
static int number_slots(links *all) {
  int n = 0;
  qsort(all->link, (size_t)all->n, sizeof *all->link, by_key);
  for (long i = 0; i < all->n; i++) {
    if (i > 0 && all->link[i].key != all->link[i - 1].key) n++;
    all->link[i].tap = n;
  }
  return all->n > 0 ? n + 1 : 0;
}

/* Sorted links as (start, tap, other end). */
static bool index_links(const links *all, int n_site, bool by_output, long **start, int **tap,
                        int **other) {
  const size_t n = (size_t)(all->n > 0 ? all->n : 1);
  *start = calloc((size_t)n_site + 1, sizeof **start);
  *tap = malloc(n * sizeof **tap);
  *other = malloc(n * sizeof **other);
  if (!*start || !*tap || !*other) return false;
  for (long i = 0; i < all->n; i++) {
    const link *l = &all->link[i];
    (*start)[(by_output ? l->out : l->in) + 1]++;
    (*tap)[i] = l->tap;
    (*other)[i] = by_output ? l->in : l->out;
  }
  for (int i = 0; i < n_site; i++) (*start)[i + 1] += (*start)[i];
  return true;
}

/* Sorted links as runs of equal key and site. */
static bool index_runs(const links *all, masked_layer *L) {
  const size_t n = (size_t)(all->n > 0 ? all->n : 1);
  L->run_site = malloc(n * sizeof(int));
  L->run_start = calloc(n + 1, sizeof(long));
  L->run_tap = malloc(n * sizeof(int));
  L->run_in = malloc(n * sizeof(int));
  if (!L->run_site || !L->run_start || !L->run_tap || !L->run_in) return false;
  for (long i = 0; i < all->n; i++) {
    const link *l = &all->link[i];
    if (i == 0 || l->key != l[-1].key || l->out != l[-1].out) L->run_site[L->n_run++] = l->out;
    L->run_start[L->n_run] = i + 1;
    L->run_tap[i] = l->tap;
    L->run_in[i] = l->in;
  }
  return true;
}

static bool layer_index(masked_layer *L, links *all, int n_site) {
  const long together = CACHED / (L->ci * L->width);
  L->n_slot = number_slots(all);
  L->n_link = all->n;
  qsort(all->link, (size_t)all->n, sizeof *all->link, by_out);
  if (!index_links(all, n_site, true, &L->start, &L->tap, &L->in)) return false;
  qsort(all->link, (size_t)all->n, sizeof *all->link, by_in);
  if (!index_links(all, n_site, false, &L->to_start, &L->to_tap, &L->to)) return false;
  for (long i = 0; i < all->n; i++)
    all->link[i].key = all->link[i].tap / (together > 0 ? together : 1);
  qsort(all->link, (size_t)all->n, sizeof *all->link, by_key_and_out);
  return index_runs(all, L);
}

/* ---- which sites are read ---- */

typedef struct {
  const cw_autoregressive_spec *spec;
  const cw_lattice *lat;
  const cw_order *order;
  int *work, *near; /* (2n), (n) */
} plan;

/* A layer above the first also sees its own site, where what was computed knows earlier spins. */
static bool readable(int from, int site, bool first) {
  return from < site || (!first && from == site);
}

static bool conv_links(const plan *p, int i, bool first, links *all) {
  const int kernel = p->spec->kernel, dim = p->lat->dim;
  int here[CW_MAX_DIM], coord[CW_MAX_DIM], n_tap = 1;
  cw_lattice_coord(p->lat, p->order->site[i], here);
  for (int d = 0; d < dim; d++) n_tap *= kernel;
  for (int k = 0; k < n_tap; k++) {
    bool inside = true;
    for (int d = dim - 1, left = k; d >= 0; d--, left /= kernel) {
      coord[d] = here[d] + left % kernel - kernel / 2;
      inside = inside && coord[d] >= 0 && coord[d] < p->lat->extent[d];
    }
    if (!inside && !p->spec->periodic) continue;
    int from = p->order->position[cw_lattice_site(p->lat, coord)];
    if (readable(from, i, first) && !append(all, k, i, from)) return false;
  }
  return true;
}

static bool dense_links(const plan *p, int i, bool first, links *all) {
  for (int from = 0; readable(from, i, first); from++)
    if (!append(all, (long)i * p->order->n + from, i, from)) return false;
  return true;
}

/* A key of the displacement between two sites, the same wherever they are. */
static long displacement(const cw_lattice *lat, int from, int to) {
  int a[CW_MAX_DIM], b[CW_MAX_DIM];
  cw_lattice_coord(lat, from, a);
  cw_lattice_coord(lat, to, b);
  for (int d = 0; d < lat->dim; d++) a[d] -= b[d];
  return cw_lattice_site(lat, a);
}

static bool frontier_links(const plan *p, int i, bool first, links *all) {
  const long group = (long)p->order->group[i] * p->order->n;
  if (!first) return append(all, group, i, i);
  int n = cw_order_frontier(p->order, p->lat, i, p->work, p->near);
  for (int k = 0; k < n; k++) {
    long d = displacement(p->lat, p->order->site[p->near[k]], p->order->site[i]);
    if (!append(all, group + d, i, p->near[k])) return false;
  }
  return true;
}

static bool layer_links(const plan *p, masked_layer *L, bool first) {
  links all = {0};
  bool ok = true;
  for (int i = 0; ok && i < p->order->n; i++)
    ok = p->spec->kind == CW_AUTOREGRESSIVE_PIXELCNN ? conv_links(p, i, first, &all)
         : p->spec->kind == CW_AUTOREGRESSIVE_MADE   ? dense_links(p, i, first, &all)
                                                     : frontier_links(p, i, first, &all);
  ok = ok && layer_index(L, &all, p->order->n);
  free(all.link);
  return ok;
}

/* Biases: one for all sites of a convolution, else one per site, or per group of equal boxes. */
static bool layer_biases(const plan *p, masked_layer *L) {
  const int n = p->order->n;
  L->bias_of = calloc((size_t)n, sizeof *L->bias_of);
  if (L->bias_of == NULL) return false;
  const bool boxes = p->spec->kind == CW_AUTOREGRESSIVE_HIERARCHICAL;
  for (int i = 0; i < n && p->spec->kind != CW_AUTOREGRESSIVE_PIXELCNN; i++)
    L->bias_of[i] = boxes ? p->order->group[i] : i;
  L->n_bias = p->spec->kind == CW_AUTOREGRESSIVE_PIXELCNN ? 1 : boxes ? p->order->n_group : n;
  return true;
}

/* ---- building ---- */

static cw_status check_spec(cw_context *ctx, const cw_autoregressive_spec *s) {
  if (s->n_hidden < 0 || s->n_hidden >= CW_MAX_MASKED)
    return cw_fail(ctx, CW_EINVAL, "model: expected 0 to %d hidden layers", CW_MAX_MASKED - 1);
  for (int i = 0; i < s->n_hidden; i++)
    if (s->hidden[i] < 1 || s->hidden[i] > 65536)
      return cw_fail(ctx, CW_EINVAL, "model: hidden layer %d has %d channels, expected 1 to 65536",
                     i, s->hidden[i]);
  if (s->kind == CW_AUTOREGRESSIVE_PIXELCNN &&
      (s->kernel < 1 || s->kernel % 2 == 0 || s->kernel > 99))
    return cw_fail(ctx, CW_EINVAL, "model: kernel %d must be odd and at most 99", s->kernel);
  if (s->z2 && (s->gated || s->activation != CW_ACT_TANH))
    return cw_fail(ctx, CW_EINVAL, "model: z2 needs an odd activation: tanh, not gated");
  return CW_OK;
}

static long layer_place(masked_layer *L, long at) {
  L->w_at = at;
  at += (long)L->n_slot * L->ci * L->width;
  L->b_at = at;
  return L->bias ? at + (long)L->n_bias * L->width : at;
}

static bool build(cw_masked *net, const plan *p) {
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
    if (!layer_links(p, L, i == 0) || !layer_biases(p, L)) return false;
    net->n_theta = layer_place(L, net->n_theta);
    channels = L->co;
  }
  return true;
}

cw_status cw_masked_create(cw_context *ctx, const cw_autoregressive_spec *spec,
                           const cw_geometry *geom, const cw_order *order, cw_masked **out) {
  *out = NULL;
  CW_TRY(check_spec(ctx, spec));
  cw_masked *net = calloc(1, sizeof *net);
  plan p = {.spec = spec, .lat = &geom->lat, .order = order};
  p.work = malloc(2 * (size_t)order->n * sizeof *p.work);
  p.near = malloc((size_t)order->n * sizeof *p.near);
  bool ok = net && p.work && p.near;
  if (ok) {
    net->kernel = CW_DISPATCH(cw_context_isa(ctx), cw_net_kernels);
    net->masked = CW_DISPATCH(cw_context_isa(ctx), cw_masked_kernels);
    net->n = order->n;
    ok = build(net, &p);
  }
  free(p.work);
  free(p.near);
  *out = net;
  if (ok) return CW_OK;
  cw_masked_destroy(net);
  *out = NULL;
  return cw_fail(ctx, CW_ENOMEM, "no memory for a masked network of %d sites", order->n);
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
    free(L->run_site);
    free(L->run_start);
    free(L->run_tap);
    free(L->run_in);
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

/* Biases first, as of sites without links; then the weights, some slots at a time for all sites:
 * their gradients are read and written for every site that has them. */
static void weight_gradients(const cw_masked *net, int k, const cw_masked_pass *pass,
                             const float *sums, float *gtheta, float *turned) {
  const masked_layer *L = &net->layer[k];
  const size_t site = (size_t)L->width * CW_LANES;
  for (int i = 0; L->bias && i < net->n; i++)
    net->masked->weights(&(cw_masked_taps){0}, L->ci, L->width, pass->rows[k],
                         sums + (size_t)i * site, gtheta + L->w_at,
                         gtheta + L->b_at + (long)L->bias_of[i] * L->width, turned);
  for (int r = 0; r < L->n_run; r++) {
    const long begin = L->run_start[r];
    cw_masked_taps taps = {.n = (int)(L->run_start[r + 1] - begin),
                           .tap = L->run_tap + begin,
                           .in = L->run_in + begin};
    net->masked->weights(&taps, L->ci, L->width, pass->rows[k],
                         sums + (size_t)L->run_site[r] * site, gtheta + L->w_at, NULL, turned);
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
