#include "transform/transform.h"

#include "signal/metric.h"
#include "wire/json.h"

#define SCRATCH_BYTES_LEAST ((size_t)64 << 20)
/* For each byte of the signal: read as it came and once more as its event's content, looked at for
 * keys that stand twice, written in the form of 0.5.1, and copies of the text. */
enum { SCRATCH_FACTOR = 2 * JSON_FACTOR + JSON_UNIQUE_FACTOR + JSON_WRITE_FACTOR + 10 };

static const struct named *agent_of(const struct config *config, struct str name)
{
    for (size_t i = 0; i < config->agents.n; i++) {
        if (str_eq(config->agents.at[i].name, name)) {
            return &config->agents.at[i];
        }
    }
    return NULL;
}

/* The one that knows the signal, and what it is told of the agent; NULL: the agent is not in the
 * configuration. */
static const struct transformer *transformer_of(const struct transform_in *in,
                                                struct transform_in *known)
{
    const struct named *const agent = agent_of(in->config, in->raw->agent);
    if (!agent || !agent->type) {
        return NULL;
    }
    *known = *in;
    known->options = agent->options;
    return agent->type->transformer;
}

static bool is_metric(const struct transform_in *in)
{
    return str_eq(in->raw->type, str_of(metric_signal_type)); /* weir read it itself: no agent */
}

enum outcome transform_prepare(const struct transform_in *in, struct failure *f)
{
    struct transform_in known;
    const struct transformer *const one = is_metric(in) ? NULL : transformer_of(in, &known);
    return one && one->prepare ? one->prepare(&known, f) : OK;
}

void transform_signal(const struct transform_in *in, struct transform_out *out)
{
    struct transform_in known;
    if (is_metric(in)) {
        transform_metric(in, out);
        return;
    }
    const struct transformer *const one = transformer_of(in, &known);
    if (one) {
        one->run(&known, out);
        return;
    }
    (void)transform_dead(out, "",
                         "agent \"%.*s\" is not in the configuration: add it again, then retry",
                         STR_ARG(in->raw->agent));
}

size_t transform_scratch_bytes(const struct signal *raw)
{
    return SCRATCH_BYTES_LEAST + SCRATCH_FACTOR * raw->data.len;
}
