/* Texts into values, by the kind of the setting. */
#ifndef BASE_CONFIG_VALUE_H
#define BASE_CONFIG_VALUE_H

#include "base/config_table.h"

/* Parses the text into its field. False if it is malformed; err says how the
 * sentence goes on that begins with the text. Strings of the field live in
 * the arena or are the text itself, which must live as long. NULL is "unset"
 * and always right. */
MUST_CHECK bool config_value_set(struct config *config,
    const struct setting *setting, const char *text, struct arena *arena,
    struct error *err);

#endif
