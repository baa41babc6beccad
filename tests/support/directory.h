/* Directories for the files that tests write. */
#ifndef CW_TEST_DIRECTORY_H
#define CW_TEST_DIRECTORY_H

char *new_directory(void);        /* a fresh one; for remove_directory */
void remove_directory(char *dir); /* with all that is in it */

/* dir/name, in one of a few buffers that take turns. */
const char *path_in(const char *dir, const char *name);

#endif
