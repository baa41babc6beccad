/* Directories that a command makes and removes. */
#ifndef CW_APP_TEMPORARY_H
#define CW_APP_TEMPORARY_H

#include "causeway/core.h"

enum { CW_TEMPORARY = 256 };

/* Makes $TMPDIR/causeway-NAME-XXXXXX, or in /tmp, and its path. CW_EIO. Local. */
cw_status cw_temporary_make(cw_context *ctx, const char *name, char dir[CW_TEMPORARY]);
/* Removes it and all below it; dir "": nothing. */
void cw_temporary_remove(const char *dir);

#endif
