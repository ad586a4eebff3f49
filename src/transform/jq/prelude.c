#include "transform/jq/prelude.h"

const char jq_prelude[] =
    /* To jq 1.6 error(null) is the end of the outputs, and nobody would be told. */
    "def error($message): if $message == null then \"error(null)\" else $message end | error; "
    "def error: error(.); "
    /* Dead at a place of the body; passed over on purpose. */
    "def dead($pointer; $message): error({pointer: $pointer, message: $message}); "
    "def ignored($reason): {ignored: $reason}; "
    /* A member that must be there: need(\"/object/id\"). */
    "def need($pointer): getpath($pointer | ltrimstr(\"/\") | split(\"/\") | map(if "
    "test(\"^[0-9]+$\")"
    " then tonumber else . end)) | if . == null then dead($pointer; \"is missing\") else . end; "
    /* Any common form of a time as RFC 3339 in UTC or with its offset; null stays null. */
    "def when: if . == null or . == \"\" then null "
    "elif type == \"number\" then (if . > 100000000000 then . / 1000 else . end) as $s "
    "| ($s | floor) as $whole | ((($s - $whole) * 1000 + 0.5) | floor) as $ms "
    "| ($whole | todate | .[0:19]) + (if $ms > 0 then \".\" + ((\"00\" + ($ms | tostring))[-3:]) "
    "else \"\" end) + \"Z\" "
    "else .[0:10] as $date | .[11:19] as $time | (.[19:] | split(\" \") | join(\"\")) as $rest "
    "| $date + \"T\" + $time + (if $rest == \"\" then \"Z\" "
    "elif ($rest | endswith(\"UTC\")) then $rest[:-3] + \"Z\" "
    "elif ($rest | length) >= 5 and ($rest[-5:-4] | . == \"+\" or . == \"-\") "
    "then $rest[:-2] + \":\" + $rest[-2:] else $rest end) end; "
    /* HOST/OWNER/NAME of a web address. */
    "def repository: if . == null then null else ltrimstr(\"https://\") | ltrimstr(\"http://\") "
    "| rtrimstr(\"/\") | rtrimstr(\".git\") end; "
    /* Names that mean production where nobody says so. */
    "def is_production: if . == null then null else (ascii_downcase | . == \"production\" or "
    ". == \"prod\" or . == \"live\") end; "
    /* An event of CDEvents; weir fills in its release, version, id and source. */
    "def cdevent($type; $at; $source; $subject; $content): {context: {type: $type, timestamp: $at, "
    "source: $source}, subject: {id: $subject, content: ($content | with_entries(select(.value != "
    "null)))}}; "
    /* One signal gives the same, whenever and wherever it is mapped again. */
    "def now: error(\"a mapping has no clock: use $received\"); "
    "def input: error(\"a mapping has one input: the body\"); def inputs: input; "
    "def debug: .; def debug($message): .; def stderr: .; def env: {}; "
    "def input_filename: null; def input_line_number: 0; "
    ".headers as $headers | .agent as $agent | .id as $id | .received as $received | .body | ";
