/* Inside of bridge: programs of moves, whoever runs them. */
#ifndef CW_BRIDGE_PROGRAM_H
#define CW_BRIDGE_PROGRAM_H

#include "causeway/bridge.h"

/* Who runs programs: what each kind of move is to them. NULL: they have no such move. */
typedef cw_status cw_move_work(void *self, const cw_move *move, bool back);
typedef struct {
  const char *name; /* for messages: "walk" */
  cw_move_work *work[CW_MOVE_KINDS];
} cw_runner;

/* CW_EINVAL: a move that the runner does not have or that is out of range, retargets that do not end
 * at 1 where there is one, levels from n_levels on. */
cw_status cw_program_check(cw_context *ctx, const cw_program *program, const cw_runner *runner,
                           int n_levels);
/* Moves in their order or, back, in the opposite one, with retargets to where each came from. */
cw_status cw_program_run(const cw_program *program, const cw_runner *runner, void *self, bool back);

#endif
