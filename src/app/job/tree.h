/* Inside of the job reader: nodes and how they are made. Shared by the job*.c files only. */
#ifndef CW_APP_JOB_TREE_H
#define CW_APP_JOB_TREE_H

#include "app/job/job.h"

enum {
  CW_JOB_MAX_BYTES = 1 << 18, /* of a job file */
  CW_JOB_MAX_NODES = 40000,
  CW_JOB_MAX_DEPTH = 32,
  CW_JOB_MAX_KEY = 128 /* bytes: YAML allows 1024 once escaped */
};

typedef enum { CW_NODE_SCALAR, CW_NODE_MAP, CW_NODE_LIST } cw_node_kind;

/* A key that was asked for in a mapping: what finish compares with. */
typedef struct cw_asked {
  struct cw_asked *next;
  const char *key;
} cw_asked;

/* All memory comes from the arena of the job. Children are a linked list. */
struct cw_node {
  cw_job *job;
  cw_node *parent, *first, *last, *next;
  cw_node_kind kind;
  const char *key;    /* NULL: item of a sequence, or root */
  const char *text;   /* scalar; "" and not quoted: null */
  bool quoted;        /* scalar: given in quotes, so a text whatever it looks like */
  const char *origin; /* file, or "--set path" with line 0 */
  int line;
  bool used;
  cw_asked *asked; /* mapping; newest first */
};

struct cw_job {
  cw_context *ctx; /* borrowed */
  cw_arena *arena;
  cw_node *root;
  int n_nodes;
};

cw_status cw_job_create(cw_context *ctx, cw_job **out); /* without a root */

/* Copies n bytes as a string into the arena. NULL: no memory, recorded as a failure. */
const char *cw_job_keep(cw_job *job, const char *text, size_t n);

/* A node with the place of like (NULL: none yet), not attached. key is kept, not copied. NULL: no
 * memory or too many nodes, recorded. */
cw_node *cw_node_create(cw_job *job, cw_node_kind kind, const char *key, const cw_node *like);
void cw_node_attach(cw_node *parent, cw_node *child); /* as the last child */
void cw_node_detach(cw_node *child);
cw_node *cw_node_find(const cw_node *map, const char *key); /* NULL: not there */
bool cw_node_is_null(const cw_node *node);

/* A deep copy for job under the given key, with nothing used; NULL: recorded failure. */
cw_node *cw_node_copy(cw_job *job, const cw_node *from, const char *key);

/* Puts the content (kind, text, children, place) of from, a detached node of the same job, into
 * node. */
void cw_node_take(cw_node *node, cw_node *from);

/* Parses one YAML value; with line 0 all nodes get origin alone as their place. *out is detached.
 */
cw_status cw_job_parse_value(cw_job *job, const char *text, size_t size, const char *origin,
                             bool with_lines, cw_node **out);

enum { CW_PLACE = 400 };
void cw_node_origin(const cw_node *node, char place[CW_PLACE]); /* "jobs/x.yaml:12: " */
void cw_node_place(const cw_node *node,
                   char place[CW_PLACE]); /* "jobs/x.yaml:12: theory.lambda: " */
void cw_node_path(const cw_node *node, char *path, size_t size); /* "" for the root */

#endif
