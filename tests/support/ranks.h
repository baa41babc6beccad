/* Two ranks without MPI: two processes that a test forks, whose collective calls (core.h) meet in shared memory. A call
 * that the other rank does not make is seen at once: a rank that waits for one that has ended, or that calls something
 * else, ends with an exit code of its own. Needs the linker's --wrap for the functions of ranks.c. */
#ifndef CW_TEST_RANKS_H
#define CW_TEST_RANKS_H

/* Exit codes. A rank that ends before it has joined the others (as one that has no memory for a context) leaves them
 * waiting where mpirun ends them. */
enum { RANKS = 2, RANKS_WAIT = 201, RANKS_DIFFER = 202, RANKS_ENDED = 203 };

/* Runs work on every rank, each in a process of its own, and waits: status (RANKS) of waitpid. The exit code of a rank is
 * what work returns. */
void ranks_run(int (*work)(int rank, void *argument), void *argument, int *status);

#endif
