/* Row operations of rows.isa.c for one group, CW_GROUP; included once for each. */

#define CW_EACH_VECTOR for (int v = 0; v < CW_LANES; v += CW_VD)

static void G(load_w)(cw_vd *w, const double *p) {
  for (int a = 0; a < G(N_ALGEBRA); a++) w[a] = cw_vd_load(p + a * CW_LANES);
}
static void G(store_w)(double *p, const cw_vd *w, int n) {
  for (int a = 0; a < n; a++) cw_vd_store(p + a * CW_LANES, w[a]);
}

#define CW_ROW_MULTIPLY(name)                                                                      \
  static void G(row_##name)(double *c, const double *a, const double *b) {                         \
    CW_EACH_VECTOR {                                                                               \
      G(m) x, y, z;                                                                                \
      G(load)(&x, a + v);                                                                          \
      G(load)(&y, b + v);                                                                          \
      G(name)(&z, &x, &y);                                                                         \
      G(store)(c + v, &z);                                                                         \
    }                                                                                              \
  }
CW_ROW_MULTIPLY(mul)
CW_ROW_MULTIPLY(mul_nd)
CW_ROW_MULTIPLY(mul_dn)
CW_ROW_MULTIPLY(mul_dd)
#undef CW_ROW_MULTIPLY

static void G(row_adjoint)(double *c, const double *a) {
  CW_EACH_VECTOR {
    G(m) x, y;
    G(load)(&x, a + v);
    G(adjoint)(&y, &x);
    G(store)(c + v, &y);
  }
}
static void G(row_add)(double *c, const double *a) {
  CW_EACH_VECTOR {
    G(m) x, y;
    G(load)(&x, a + v);
    G(load)(&y, c + v);
    G(add)(&y, &x);
    G(store)(c + v, &y);
  }
}
static void G(row_add_scaled)(double *c, const double *s, const double *a) {
  CW_EACH_VECTOR {
    G(m) x, y;
    G(load)(&x, a + v);
    G(load)(&y, c + v);
    G(add_scaled)(&y, cw_vd_load(s + v), &x);
    G(store)(c + v, &y);
  }
}
static void G(row_permute)(double *c, const double *a, const int64_t *from) {
  CW_EACH_VECTOR {
    G(m) x;
    G(load_from)(&x, a, from + v);
    G(store)(c + v, &x);
  }
}
static void G(row_trace)(const double *a, double *re, double *im) {
  CW_EACH_VECTOR {
    G(m) x;
    G(load)(&x, a + v);
    cw_vd_store(re + v, G(re_trace)(&x));
    cw_vd_store(im + v, G(im_trace)(&x));
  }
}
static void G(row_re_trace_nd)(const double *a, const double *b, double *re) {
  CW_EACH_VECTOR {
    G(m) x, y;
    G(load)(&x, a + v);
    G(load)(&y, b + v);
    cw_vd_store(re + v, G(re_trace_nd)(&x, &y));
  }
}

static void G(row_to_algebra)(const double *a, double *w) {
  CW_EACH_VECTOR {
    G(m) x;
    cw_vd coordinates[G(N_ALGEBRA)];
    G(load)(&x, a + v);
    G(to_algebra)(&x, coordinates);
    G(store_w)(w + v, coordinates, G(N_ALGEBRA));
  }
}
static void G(row_from_algebra)(double *x, const double *w) {
  CW_EACH_VECTOR {
    G(m) m;
    cw_vd coordinates[G(N_ALGEBRA)];
    G(load_w)(coordinates, w + v);
    G(from_algebra)(&m, coordinates);
    G(store)(x + v, &m);
  }
}
static void G(row_exp)(double *u, const double *w) {
  CW_EACH_VECTOR {
    G(m) m;
    cw_vd coordinates[G(N_ALGEBRA)];
    G(load_w)(coordinates, w + v);
    G(exp)(&m, coordinates);
    G(store)(u + v, &m);
  }
}
static void G(row_log)(const double *u, double *w) {
  CW_EACH_VECTOR {
    G(m) m;
    cw_vd coordinates[G(N_ALGEBRA)];
    G(load)(&m, u + v);
    G(log)(&m, coordinates);
    G(store_w)(w + v, coordinates, G(N_ALGEBRA));
  }
}
static void G(row_dexp)(double *d, const double *w) {
  CW_EACH_VECTOR {
    cw_vd coordinates[G(N_ALGEBRA)], matrix[G(N_ALGEBRA) * G(N_ALGEBRA)];
    G(load_w)(coordinates, w + v);
    G(dexp)(matrix, coordinates);
    G(store_w)(d + v, matrix, G(N_ALGEBRA) * G(N_ALGEBRA));
  }
}
static void G(row_project)(double *u) {
  CW_EACH_VECTOR {
    G(m) m;
    G(load)(&m, u + v);
    G(project)(&m);
    G(store)(u + v, &m);
  }
}

#undef CW_EACH_VECTOR
