/* Maps of conjugacy classes of U(1), SU(2) and SU(3): a flow that carries Haar's measure to the density
 * exp((kappa/N) Re tr P), by eigenangles alone.
 *
 * Its field at kappa is the gradient of phi = sum_f c_f(kappa) sum_w cos(k_w . theta), w the permutations
 * of a vector of integers: these are all class functions that do not change with charge conjugation.
 * c minimises the mean square of d ln p/d kappa + div v + v . d ln p, where means are sums over a grid of
 * classes: least squares as of M. Luescher, Commun. Math. Phys. 293 (2010) 899, section 3, without
 * chains. A map is a few steps of the midpoint rule, with the exact determinant of each.
 *
 * Private to this folder. */
#ifndef CW_MODEL_CLASSES_H
#define CW_MODEL_CLASSES_H

#include "causeway/core.h"

enum {
  CW_CLASS_COLOURS = 3,
  CW_CLASS_FEATURES = 32, /* at most */
  CW_CLASS_WAVES = 128,
  CW_CLASS_NODES = 40 /* of the table of c(kappa) */
};

typedef struct {
  int n_colours, n_features, n_waves;
  int steps;                               /* of a map */
  int degree;                              /* no integer is larger */
  int feature[CW_CLASS_WAVES];             /* of each wave */
  int k[CW_CLASS_WAVES][CW_CLASS_COLOURS]; /* >= 0 */
  double most;                             /* kappa of the last node; the first is 0 */
  double c[CW_CLASS_NODES][CW_CLASS_FEATURES];
} cw_classes;

/* For 0 <= kappa <= most. CW_ENOMEM. */
cw_status cw_classes_fit(int n_colours, double most, cw_classes *out);
/* theta (N) <- their image under the map of that kappa or, inverse, what it is the image of. Returns ln
 * of the change of Haar's measure, NAN if an iteration of the inverse does not converge. */
double cw_classes_map(const cw_classes *f, double kappa, bool inverse, double *theta);
/* Mean of Re tr P/N at kappa. */
double cw_classes_mean(int n_colours, double kappa);

#endif
