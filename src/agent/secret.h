/* secret.h - what may not be kept of a request: whatever could let another one in.
 *
 * A name is secret when it contains one of the words authorization, cookie, token, secret,
 * password, passwd, passphrase, credential, signature, api-key, apikey, auth-key, access-key,
 * private-key, jwt, session, in any case, `_` and `.` being as `-`. A header of such a name is left
 * out. Of every other value, `***` takes the place of
 *   - what follows a secret name, or one of key, sig, code, auth, pwd, and `=`, to the end of that
 *     parameter: in a query, a fragment, a URL inside a URL (percent-encoded), a cookie, a list
 *   - each secret of the configuration: where it is all of the value, or has 8 bytes or more
 * and user and password of a URL (`//user:password@`) go. */
#ifndef WEIR_AGENT_SECRET_H
#define WEIR_AGENT_SECRET_H

#include "base/arena.h"
#include "config/option.h"

bool secret_is_name(struct str name);

/* The value without its secrets: itself when it holds none, else a copy in the arena. */
struct str secret_cut(struct arena *a, struct str value, const struct str_list *secrets);

#endif
