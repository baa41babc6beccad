#define _XOPEN_SOURCE 700
#include "app/cli/temporary.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at) {
  (void)info;
  (void)kind;
  (void)at;
  return remove(path);
}

cw_status cw_temporary_make(cw_context *ctx, const char *name, char dir[CW_TEMPORARY]) {
  const char *base = getenv("TMPDIR");
  if (base == NULL || base[0] == '\0' || strlen(base) > 200) base = "/tmp";
  snprintf(dir, CW_TEMPORARY, "%s/causeway-%.20s-XXXXXX", base, name);
  if (mkdtemp(dir) != NULL) return CW_OK;
  dir[0] = '\0';
  return cw_fail(ctx, CW_EIO, "cannot make a directory in '%s': %s", base, strerror(errno));
}

void cw_temporary_remove(const char *dir) {
  if (dir[0] != '\0') nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
