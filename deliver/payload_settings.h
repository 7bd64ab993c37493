/* What the settings say of payloads: for delivery, and for operators who want
 * to see one. Never changes once made; any thread. */
#ifndef DELIVER_PAYLOAD_SETTINGS_H
#define DELIVER_PAYLOAD_SETTINGS_H

#include "base/config.h"
#include "deliver/payload.h"

struct payload_settings;

struct payload_settings *payload_settings_new(const struct config *config);
/* NULL is fine. */
void payload_settings_free(struct payload_settings **settings);

/* What the payload of this message should hold. */
struct payload_options payload_settings_for(
    const struct payload_settings *settings, const struct envelope *envelope);

#endif
