#include "transform/transform.h"

#include "signal/metric.h"

/* Adding a kind of raw signal: its file, and a line here. */
static const struct transformer transformers[] = {
    {"github", transform_github},
    {"cdevents", transform_cdevents},
    {"webhook", transform_webhook},
};

static const struct named *agent_of(const struct config *config, struct str name)
{
    for (size_t i = 0; i < config->agents.n; i++) {
        if (str_eq(config->agents.at[i].name, name)) {
            return &config->agents.at[i];
        }
    }
    return NULL;
}

void transform_signal(const struct transform_in *in, struct transform_out *out)
{
    if (str_eq(in->raw->type, str_of(metric_signal_type))) {
        transform_metric(in, out); /* no agent took it: weir read it itself */
        return;
    }
    const struct named *const agent = agent_of(in->config, in->raw->agent);
    const struct str type = agent && agent->type ? str_of(agent->type->name) : S("");
    for (size_t i = 0; agent && i < sizeof transformers / sizeof *transformers; i++) {
        if (str_eq(str_of(transformers[i].agent_type), type)) {
            struct transform_in known = *in;
            known.options = agent->options;
            transformers[i].run(&known, out);
            return;
        }
    }
    (void)transform_dead(out, "",
                         "agent \"%.*s\" is not in the configuration: add it again, then retry",
                         STR_ARG(in->raw->agent));
}
