/* What the parts of the page share, and those of methods that draw in it. */
#ifndef CW_APP_PAGE_H
#define CW_APP_PAGE_H

#include "app/analysis/analysis.h"
#include "causeway/report.h"

enum { CW_MOST_METHODS = CW_MAX_SECTIONS }; /* a section has two measured parts at most */

/* A page about one case; heading levels depend on whether there are several. */
struct cw_case_page {
  cw_context *ctx;
  cw_page *page;
  const cw_analysis_case *c;
  int level;
};

/* Stages that measure observables, in the order of running; returns how many. */
int cw_list_methods(const cw_analysis_case *c, const cw_analysis_stage *methods[CW_MOST_METHODS]);

/* The figures of methods that draw in a chapter: those that stages share, and each stage's own.
 * heading: written before the first of them; NULL: the chapter has begun. */
cw_status cw_page_chapter(const cw_case_page *to, cw_chapter chapter, const char *heading);
/* The quality of the model. */
cw_status cw_page_model(const cw_case_page *to);
/* The figures of vector quantities, and of Markov chains. */
cw_status cw_page_vectors(const cw_case_page *to);
cw_status cw_page_chains(const cw_case_page *to);
/* Tables of free energies. */
cw_status cw_page_free_energy(const cw_case_page *to);
/* Works of s, one way and, where there are some, back with the sign turned: its curves "work" and
 * "work.reverse". */
cw_status cw_page_works(const cw_case_page *to, const cw_analysis_stage *s, const char *there,
                        const char *back, const char *caption);
/* What walks cost in cases that differ in the length of their ladders, if there are such. */
cw_status cw_page_ladder_lengths(cw_page *page, const cw_analysis *a);

/* What an independent value of the quantity that freezes costs, if two parts of the job or more tell. */
cw_status cw_page_costs(cw_context *ctx, cw_page *page, const cw_analysis *a);

/* Of cases that scan a parameter of the theory: what they expect, and what came out. */
cw_status cw_page_scan(cw_page *page, const cw_analysis *a);
/* The figures that the job asks for. */
cw_status cw_page_through(cw_context *ctx, cw_page *page, const cw_analysis *a);
/* Of cases that differ in their lattice alone: K, acceptance and ESS by the number of sites. */
cw_status cw_page_volumes(cw_page *page, const cw_analysis *a);

/* The first n points of a curve as a line at (x dx, y + shift), above others, in a strip of its own. */
typedef struct {
  const char *label;
  const cw_curve *curve;
  long n;
  double dx, shift;
  int colour;
} cw_stacked;
cw_status cw_page_stacked(const cw_case_page *to, const cw_stacked *line);
/* Widens [*low, *high] to its y. */
void cw_spread(const cw_stacked *line, double *low, double *high);

/* Text put together piece by piece; what does not fit is cut. */
typedef struct {
  char text[4096];
  size_t used;
} cw_prose;

void cw_say(cw_prose *p, const char *format, ...) CW_PRINTF(2, 3);
/* Into the cells of tables: a dash for what is not there. r: NULL is allowed. */
void cw_cell_number(char text[CW_VALUE_TEXT], double x, const char *format);
void cw_cell_result(char text[CW_VALUE_TEXT], const cw_result *r);

/* How many of what (singular) a histogram has no room for; curve: NULL is allowed. */
void cw_say_outside(cw_prose *p, const cw_curve *curve, const char *what, const char *of);

/* The definition of a quantity in print: "⟨φ_x²⟩". */
const char *cw_definition(const cw_quantity *q);
/* "8 × 8" */
void cw_say_lattice(cw_prose *p, const cw_lattice *lat);
/* What was done and what came out, in one paragraph. */
void cw_say_summary(cw_prose *p, const cw_analysis_case *c);
/* What w_hat means in general, and what it says about the flow of one case. */
void cw_say_mode_dropping(cw_prose *p);
void cw_say_coverage(cw_prose *p, const cw_analysis_case *c);

/* Difference of two results in standard deviations of their independent errors; NAN if there is
 * none. */
double cw_pull(const cw_result *a, const cw_result *b);
/* The Markov chain of the theory's own samplers that the flow is compared with: the first there is;
 * NULL: none. */
const cw_analysis_stage *cw_reference_stage(const cw_analysis_case *c);

#endif
