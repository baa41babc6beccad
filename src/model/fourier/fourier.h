/* Convolutions with symmetric kernels on a torus, by fast Fourier transforms of lanes.
 *
 * A transform is done in place, one direction after the other, by mixed radices: decimation in
 * frequency leaves waves in the order of their digits, and the inverse starts from there, so that
 * nothing is ever sorted. A kernel that is as symmetric as the lattice (reflections, exchanges of
 * directions of equal extent) has a real transform with the same symmetry: one number for each orbit of
 * waves out of one for each orbit of displacements. Private to
 * src/model. */
#ifndef CW_MODEL_FOURIER_H
#define CW_MODEL_FOURIER_H

#include "causeway/model.h"
#include "simd/dispatch.h"

enum { CW_FOURIER_STAGES = 32, CW_FOURIER_PRIME = 61, CW_FOURIER_EXTENT = 1024 };

/* Transforms of one extent n. */
typedef struct {
  int n, n_stages;
  int radix[CW_FOURIER_STAGES]; /* 4, 2 and odd primes; their product is n */
  double *twiddle;              /* (n, 2): cos and sin of -2 pi j/n */
} cw_fourier_line;

typedef struct {
  cw_lattice lat;
  int radius;
  long n_sites;
  cw_fourier_line line[CW_MAX_DIM];
  long n_orbits; /* of displacements that the kernel has */
  long n_waves;  /* orbits of waves */
  int *wave;     /* (n_sites): the orbit of the wave that stands at this place after a transform */
  int *orbit;    /* (n_sites): the orbit of a displacement; -1: beyond the radius */
  double *share; /* (n_waves): one over the number of waves of an orbit */
  double *laplacian; /* (n_waves): -Laplacian of a wave, sum over directions of 4 sin^2(p/2) */
} cw_fourier;

/* As cw_layer_kind.refuse, of layers that transform: extents above CW_FOURIER_EXTENT, or with a prime factor above
 * CW_FOURIER_PRIME. */
bool cw_fourier_refuse(const cw_lattice *lat, cw_layer_fault *fault);
/* radius: the kernel is 0 beyond it in any direction; 0: it has no end. Orbits stand in the order of
 * their largest component, so that those of a larger lattice begin with those of a smaller one. CW_ENOMEM.
 * The caller destroys it, on failure too. Cost: a few passes over the sites. */
cw_status cw_fourier_create(cw_context *ctx, const cw_lattice *lat, int radius, cw_fourier *out);
void cw_fourier_destroy(cw_fourier *f);

/* How many orbits of displacements a kernel of that radius has on a lattice. CW_ENOMEM. */
cw_status cw_fourier_count(cw_context *ctx, const cw_lattice *lat, int radius, long *n);
/* Kernels (orbits, width) of another lattice of as many directions on that of f: where displacements of both lie
 * in the same place, once they are unwrapped. What lies at half an extent is shared between both sides, and what is
 * beyond half an extent of f is folded back, so that fields with the period of either see the same kernel; what is
 * beyond the radius of f is lost. CW_ENOMEM. */
cw_status cw_fourier_carry(cw_context *ctx, const cw_fourier *f, const cw_lattice *other,
                           int radius, long width, const double *from, double *to);

/* A block x (n_outer, CW_LANES) as real parts of z (n_sites, 2, CW_LANES), and the real parts of z as a block. */
void cw_fourier_from_block(const cw_fourier *f, const int *outer, const double *x, double *z);
void cw_fourier_to_block(const cw_fourier *f, const int *outer, const double *z, double *x);

/* Kernels, once per instruction set. Arrays are (n_sites, 2, CW_LANES): real and imaginary parts of the lanes
 * of each site, or of the wave at its place. */
typedef struct {
  /* In place. Neither way is normalised. */
  void (*transform)(const cw_fourier *f, double *z);
  void (*transform_back)(const cw_fourier *f, double *z);
  /* sum (+)= (a - i b) z, place by place, a and b the numbers of features `at`, at+1 in row wave[place] of
   * kernel (n_waves, F). first: sum is overwritten. */
  void (*multiply)(const cw_fourier *f, const double *kernel, int F, int at, const double *z,
                   bool first, double *sum);
  /* u = (a + i b) sum. */
  void (*multiply_back)(const cw_fourier *f, const double *kernel, int F, int at, const double *sum,
                        double *u);
  /* kernel's derivative in each lane, (n_waves, F, CW_LANES): += the real and minus the imaginary part of conj(z) sum. */
  void (*kernel_vjp)(const cw_fourier *f, int F, int at, const double *z, const double *sum,
                     double *to);
} cw_fourier_kernels;

CW_ISA_TABLES(cw_fourier_kernels, cw_fourier_kernels);

#endif
