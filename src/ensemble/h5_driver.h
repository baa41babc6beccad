/* HDF5 files on a medium of ours: a virtual file driver. Inside of h5.c. */
#ifndef CW_ENSEMBLE_H5_DRIVER_H
#define CW_ENSEMBLE_H5_DRIVER_H

#include "ensemble/h5.h"
#include "ensemble/medium.h"

/* A list of properties of access (H5P_FILE_ACCESS) to a file whose bytes are those of m, which must outlive it. The
 * caller opens one file with it, and closes it. Negative: failed. */
cw_h5_id cw_h5_access(cw_medium *m);
/* Where a file could not be closed HDF5 keeps it until the process ends: it then no longer reaches m. */
void cw_h5_cut(cw_medium *m);

#endif
