/* shown.h - what became of a signal as want.json has it: ranks as times and ordinals, without what
 * follows arrival. */
#ifndef WEIR_TEST_GOLDEN_SHOWN_H
#define WEIR_TEST_GOLDEN_SHOWN_H

#include "transform/transform.h"

/* `is_of_models`: facts of model event are left out. */
struct str shown(struct arena *a, const struct transform_out *out, bool is_of_models);

/* Compare with FOLDER/NAME/want.json, or write it when WEIR_GOLDEN=write. false: they differ, and
 * it was said how. */
bool is_wanted(struct arena *a, const char *folder, const char *name, struct str is);

#endif
