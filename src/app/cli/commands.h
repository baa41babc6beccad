/* The subcommands of the program. argv holds what follows the subcommand's name. They print to
 * stdout; a failure leaves its message in ctx and returns its status, which main turns into a line
 * on stderr and an exit code. Collective. */
#ifndef CW_APP_COMMANDS_H
#define CW_APP_COMMANDS_H

#include "app/analysis/analysis.h"
#include "causeway/configuration.h"

cw_status cw_command_run(cw_context *ctx, int argc, char **argv);     /* run JOB.yaml [options] */
cw_status cw_command_resume(cw_context *ctx, int argc, char **argv);  /* resume DIR [options] */
cw_status cw_command_tune(cw_context *ctx, int argc, char **argv);    /* tune JOB.yaml [options] */
cw_status cw_command_show(cw_context *ctx, int argc, char **argv);    /* show DIR [PATTERN]... */
cw_status cw_command_compare(cw_context *ctx, int argc, char **argv); /* compare DIR... */
cw_status cw_command_report(cw_context *ctx, int argc, char **argv);  /* report DIR */
cw_status cw_command_list(cw_context *ctx, int argc, char **argv);    /* list [what] */
cw_status cw_command_info(cw_context *ctx, int argc, char **argv);    /* info FILE [options] */
cw_status cw_command_convert(cw_context *ctx, int argc, char **argv); /* convert IN OUT [options] */
cw_status cw_command_export(cw_context *ctx, int argc, char **argv);  /* export RUN OUT [options] */
cw_status cw_command_measure(cw_context *ctx, int argc, char **argv); /* measure FILES --job JOB */
cw_status cw_command_check(cw_context *ctx, int argc, char **argv);   /* check */

/* The tables of `causeway show` into out. */
cw_status cw_analysis_print(cw_context *ctx, const cw_analysis *a, FILE *out);
/* DIR/report.html and the JSON of show, from one analysis: what `run` does at its end. json NULL: no
 * JSON. */
cw_status cw_write_results(cw_context *ctx, const char *dir, const char *json);
/* What a run leaves beside its store at its end: these. dir: less than CW_PATH bytes. */
cw_status cw_finish_run(cw_context *ctx, const char *dir);
/* Runs plans in dir, and writes and names its results. resume: from where the run there is. */
cw_status cw_run_into(cw_context *ctx, const char *dir, const cw_plans *plans, bool resume);

/* The checksum of a configuration file in words. */
const char *cw_checksum_text(const cw_configuration_info *info);
/* What `causeway info` says of a model file. */
cw_status cw_info_model(cw_context *ctx, const char *path, bool json);

#endif
