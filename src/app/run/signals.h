/* A wish to stop, from SIGINT, SIGTERM or SIGHUP: running stages write a checkpoint and end. */
#ifndef CW_APP_SIGNALS_H
#define CW_APP_SIGNALS_H

#include <stdbool.h>

void cw_catch_signals(
    void); /* a second signal kills; a file-size limit becomes an error of write() */
bool cw_stop_wanted(void);

#endif
