/* aws.h - who asks AWS, or a server that speaks like it: the part of its credential chain that
 * needs no network.
 *
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; else the profile AWS_PROFILE (or
 * default) of ~/.aws/credentials (AWS_SHARED_CREDENTIALS_FILE). The region: AWS_REGION,
 * AWS_DEFAULT_REGION, else of the profile in ~/.aws/config (AWS_CONFIG_FILE).
 *   source  docs.aws.amazon.com/sdkref/latest/guide/file-format.html */
#ifndef WEIR_WIRE_AWS_H
#define WEIR_WIRE_AWS_H

#include "base/arena.h"
#include "base/failure.h"

struct aws_identity {
    struct str key, secret, token; /* key empty: there is none, ask without a signature */
    struct str region;             /* empty: none is said                               */
};

/* returns OK | STOP a profile is named that is not there, or a file cannot be read */
enum outcome aws_identity(struct arena *a, struct aws_identity *out, struct failure *f);

#endif
