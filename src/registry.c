#include "registry.h"

#include "agent/agent.h"
#include "bus/driver.h"
#include "collector/mysql_uri.h"
#include "collector/source.h"
#include "collector/source_http.h"
#include "config/agents.h"
#include "config/sinks.h"
#include "config/sources.h"
#include "persist/sink/sink.h"
#include "persist/store.h"
#include "transform/jq/complete.h"
#include "transform/transform.h"

static void complete_webhook(const struct section_check *c, void *options)
{
    struct webhook_options *const o = options;
    webhook_complete(c, o);
    mapping_complete(c, &o->mapping);
}

static void complete_http(const struct section_check *c, void *options)
{
    http_source_complete(c, options);
    http_rows_complete(c, options);
}

static void complete_mysql(const struct section_check *c, void *options)
{
    mysql_source_complete(c, options);
    mysql_uri_complete(c, options);
}

static const struct section_type agents[] = {
    {.name = "github",
     .options = github_options,
     .bytes = sizeof(struct github_options),
     .driver = &agent_github,
     .transformer = &transformer_github},
    {.name = "cdevents",
     .options = cdevents_options,
     .bytes = sizeof(struct cdevents_options),
     .driver = &agent_cdevents,
     .transformer = &transformer_cdevents},
    {.name = "webhook",
     .options = webhook_options,
     .bytes = sizeof(struct webhook_options),
     .driver = &agent_webhook,
     .transformer = &transformer_webhook,
     .complete = complete_webhook},
    {0},
};

static const struct section_type buses[] = {
    {.name = "embedded", .driver = &bus_embedded},
    {0},
};

static const struct section_type lakes[] = {
    {.name = "delta"}, /* the one there is: no configuration names it */
    {0},
};

static const struct section_type stores[] = {
    {.name = "sqlite", .driver = &store_sqlite},
    {0},
};

static const struct section_type sources[] = {
    {.name = "postgres",
     .options = postgres_options,
     .bytes = sizeof(struct postgres_options),
     .complete = postgres_complete,
     .driver = &source_postgres},
    {.name = "mongodb",
     .options = mongodb_options,
     .bytes = sizeof(struct mongodb_options),
     .driver = &source_mongodb,
     .complete = mongodb_complete},
    {.name = "prometheus",
     .options = prometheus_options,
     .bytes = sizeof(struct prometheus_options),
     .driver = &source_prometheus,
     .complete = prometheus_complete},
    {.name = "s3",
     .options = s3_source_options,
     .bytes = sizeof(struct s3_options),
     .driver = &source_s3},
    {.name = "files",
     .options = files_options,
     .bytes = sizeof(struct files_options),
     .driver = &source_files},
    {.name = "partition.s3",
     .options = partition_s3_options,
     .bytes = sizeof(struct partition_s3_options),
     .driver = &source_partition_s3},
    {.name = "http",
     .options = http_source_options,
     .bytes = sizeof(struct http_source_options),
     .complete = complete_http,
     .driver = &source_http},
    {.name = "sqlite",
     .options = sqlite_options,
     .bytes = sizeof(struct sqlite_options),
     .driver = &source_sqlite},
    {.name = "mysql",
     .options = mysql_source_options,
     .bytes = sizeof(struct mysql_source_options),
     .complete = complete_mysql,
     .driver = &source_mysql},
    {.name = "command",
     .options = command_options,
     .bytes = sizeof(struct command_options),
     .driver = &source_command},
    {0},
};

static const struct section_type sinks[] = {
    {.name = "console",
     .options = console_options,
     .bytes = sizeof(struct console_options),
     .driver = &sink_console},
    {.name = "file",
     .options = file_options,
     .bytes = sizeof(struct file_options),
     .complete = file_complete,
     .driver = &sink_file},
    {.name = "http",
     .options = http_sink_options,
     .bytes = sizeof(struct http_sink_options),
     .complete = http_sink_complete,
     .driver = &sink_http},
    {.name = "kafka",
     .options = kafka_options,
     .bytes = sizeof(struct kafka_options),
     .complete = kafka_complete,
     .driver = &sink_kafka},
    {.name = "s3",
     .options = s3_sink_options,
     .bytes = sizeof(struct s3_sink_options),
     .driver = &sink_s3},
    {.name = "postgresql",
     .options = postgresql_options,
     .bytes = sizeof(struct postgresql_options),
     .driver = &sink_postgresql,
     .complete = postgresql_complete},
    {.name = "prometheus",
     .options = prometheus_sink_options,
     .bytes = sizeof(struct prometheus_sink_options),
     .driver = &sink_prometheus,
     .complete = prometheus_sink_complete},
    {.name = "prometheus_remote_write",
     .options = remote_write_options,
     .bytes = sizeof(struct remote_write_options),
     .driver = &sink_remote_write,
     .complete = remote_write_complete},
    {0},
};

const struct drivers registry_drivers = {{
    [ROLE_AGENT] = agents,
    [ROLE_BUS] = buses,
    [ROLE_LAKE] = lakes,
    [ROLE_STORE] = stores,
    [ROLE_SOURCE] = sources,
    [ROLE_SINK] = sinks,
}};

const char *registry_role(enum role role)
{
    switch (role) {
    case ROLE_AGENT: return "agent";
    case ROLE_BUS: return "bus";
    case ROLE_LAKE: return "lake";
    case ROLE_STORE: return "store";
    case ROLE_SOURCE: return "source";
    case ROLE_SINK: return "sink";
    case ROLE_N: break;
    }
    return "?";
}
