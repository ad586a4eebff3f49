#include "wire/jq/prelude.h"

const char jq_prelude[] =
    /* To jq 1.6 error(null) is the end of the outputs, and nobody would be told. */
    "def error($message): if $message == null then \"error(null)\" else $message end | error; "
    "def error: error(.); "
    /* Dead at a place of the body; passed over on purpose. */
    "def dead($pointer; $message): error({pointer: $pointer, message: $message}); "
    "def ignored($reason): {ignored: $reason}; "
    /* A member that must be there, by its JSON Pointer: need(\"/object/id\"). */
    "def _at($key): if type == \"array\" then (if $key | test(\"^[0-9]+$\") then .[$key | "
    "tonumber] "
    "else null end) elif type == \"object\" then .[$key | if contains(\"~\") "
    "then gsub(\"~1\"; \"/\") | gsub(\"~0\"; \"~\") else . end] else null end; "
    "def need($pointer): reduce ($pointer | ltrimstr(\"/\") | split(\"/\") | .[]) as $key "
    "(.; _at($key)) | if . == null then dead($pointer; \"is missing\") else . end; "
    /* Any common form of a time as RFC 3339 in UTC or with its offset; null stays null. Numbers are
     * since 1970: by their size seconds, milli-, micro- or nanoseconds. */
    "def when: if . == null or . == \"\" then null "
    "elif type == \"number\" then (if . > 100000000000000000 then . / 1000000000 "
    "elif . > 100000000000000 then . / 1000000 elif . > 100000000000 then . / 1000 else . end) as "
    "$s "
    "| (($s * 1000 + 0.5) | floor) as $all | (($all / 1000) | floor) as $whole "
    "| ($all - $whole * 1000) as $ms "
    "| ($whole | todate | .[0:19]) + (if $ms > 0 then \".\" + ((\"00\" + ($ms | tostring))[-3:]) "
    "else \"\" end) + \"Z\" "
    "elif type != \"string\" then error(\"when: a time is a text or a number, no \" + type) "
    "elif .[4:5] != \"-\" then (tonumber? // null) as $n | if $n == null then . else $n | when end "
    "elif length == 10 then . + \"T00:00:00Z\" "
    "else .[0:10] as $date | (if .[16:17] == \":\" then [.[11:19], .[19:]] "
    "else [.[11:16] + \":00\", .[16:]] end) as [$time, $behind] "
    "| ($behind | split(\" \") | join(\"\")) as $rest "
    "| $date + \"T\" + $time + (if $rest == \"\" then \"Z\" "
    "elif ($rest | endswith(\"UTC\") or endswith(\"GMT\")) then $rest[:-3] + \"Z\" "
    "elif ($rest | length) >= 5 and ($rest[-5:-4] | . == \"+\" or . == \"-\") "
    "then $rest[:-2] + \":\" + $rest[-2:] "
    "elif ($rest | length) >= 3 and ($rest[-3:-2] | . == \"+\" or . == \"-\") then $rest + \":00\" "
    "else $rest end) end; "
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
    /* One of several of the same type, subject and time: their ids differ by a key. */
    "def cdevent($type; $at; $source; $subject; $content; $key): cdevent($type; $at; $source; "
    "$subject; $content) + (if $key == null then {} else {key: ($key | tostring)} end); "
    /* One signal gives the same, whenever and wherever it is mapped again. */
    "def now: error(\"a mapping has no clock: use $received\"); "
    "def input: error(\"a mapping has one input: the body\"); def inputs: input; "
    "def debug: .; def debug($message): .; def stderr: .; def env: {}; "
    "def input_filename: null; def input_line_number: 0; "
    ".headers as $headers | .agent as $agent | .id as $id | .received as $received | .body | ";
