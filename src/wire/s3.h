/* s3.h - whole objects into a bucket, signed (AWS Signature Version 4).
 *
 * An object that is there is replaced. Large ones go in parts, and appear when the last has come.
 *   source  docs.aws.amazon.com/AmazonS3/latest/API: PutObject, CreateMultipartUpload, UploadPart,
 *           CompleteMultipartUpload, AbortMultipartUpload */
#ifndef WEIR_WIRE_S3_H
#define WEIR_WIRE_S3_H

#include "wire/upload.h"

struct s3_bucket {
    struct str endpoint; /* URL; empty: AWS's own of the region   */
    struct str region;   /* empty: as the AWS chain says, else us-east-1 */
    struct str name;
    bool is_path_style; /* the bucket in the path, not in the host name */
};

struct s3_object {
    struct str key, body, type;
};

/* The credentials are looked up for each object, since they may be renewed.
 *   returns OK it is there | RETRY | STOP no such bucket, no right, wrong credentials */
enum outcome s3_put(struct uploader *u, struct arena *a, const struct s3_bucket *bucket,
                    const struct s3_object *object, struct failure *f);

#endif
