/* The part of Go's text/template that collector files use; what is right was seen in Go 1.26. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/template.h"

static const struct template_dot dot = {
    .at_us = 1709251200000000, /* 2024-03-01T00:00:00Z */
    .partition = STR("year=2024/month=3"),
    .uri = STR("https://example.test/a"),
    .start = STR("2024-03-01T00:00:00Z"),
    .end = STR("2024-03-02T00:00:00Z"),
};

static int begin(void **state)
{
    static struct arena a;
    arena_init(&a, 64 * 1024 * 1024);
    *state = &a;
    assert_int_equal(setenv("WEIR_T", "there", 1), 0);
    assert_int_equal(setenv("WEIR_BRACES", "{{.Year}}", 1), 0);
    assert_int_equal(setenv("WEIR_QUOTE", "a\"b\\c", 1), 0);
    assert_int_equal(setenv("WEIR_EMPTY", "", 1), 0);
    assert_int_equal(unsetenv("WEIR_NONE"), 0);
    return 0;
}

static int end(void **state)
{
    arena_close(*state);
    return 0;
}

static void assert_text(struct str is, const char *wanted, const char *of)
{
    if (!str_eq(is, str_of(wanted))) {
        fail_msg("%s gives %.*s, not %s", of, STR_ARG(is), wanted);
    }
}

static void the_environment_is_put_in_when_the_file_is_read(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"no template", "no template"},
        {"{{ getEnv \"WEIR_T\" }}", "there"},
        {"a{{getEnv `WEIR_T`}}b", "athereb"},
        {"[{{ getEnv \"WEIR_NONE\" }}]", "[]"},
        {"{{ getEnvOrDefault \"WEIR_NONE\" \"d\" }}", "d"},
        {"{{ getEnvOrDefault \"WEIR_EMPTY\" \"d\" }}", "d"},
        {"{{ getEnvOrDefault \"WEIR_T\" \"d\" }}", "there"},
        {"{{ \"WEIR_T\" | getEnv | printf \"%s!\" }}", "there!"},
        {"{{ getEnv (printf \"WEIR_%s\" \"T\") }}", "there"},
        {"{{ if getEnv \"WEIR_T\" }}yes{{ else }}no{{ end }}", "yes"},
        {"{{ if eq (getEnv \"WEIR_T\") \"a\" \"there\" }}yes{{ end }}", "yes"},
        {"{{ if not (getEnv \"WEIR_NONE\") }}none{{ end }}", "none"},
        {"{{ if eq 1 2 }}a{{ else if eq 2 2 }}b{{ else }}c{{ end }}", "b"},
        {"{{ with getEnv \"WEIR_T\" }}<{{ . }}>{{ else }}-{{ end }}", "<there>"},
        {"{{ range 3 }}{{ . }},{{ end }}", "0,1,2,"},
        {"{{ $h := getEnv \"WEIR_T\" }}{{ $h }}:{{ $h }}", "there:there"},
        {"{{ $n := 1 }}{{ if true }}{{ $n = 2 }}{{ end }}{{ $n }}", "2"},
        {"a  {{- \"b\" -}}  c", "abc"},
        {"a{{/* b */}}c", "ac"},
        {"{{ and 1 0 2 }} {{ or 0 \"\" 3 }} {{ or (eq 1 1) (eq 1 \"a\") }}", "0 3 true"},
        {"{{ printf \"%02d|%-4d|%4d|%+d|%x|%X|%o\" 3 4 5 6 255 255 8 }}",
         "03|4   |   5|+6|ff|FF|10"},
        {"{{ printf \"%5s|%-5s|%.2s|%q|%v\" \"ab\" \"ab\" \"abc\" \"a\" \"x\" }}",
         "   ab|ab   |ab|\"a\"|x"},
        {"{{ printf \"%.2f|%v|%t|100%%\" 1.5 0.1 true }}", "1.50|0.1|true|100%"},
        {"{{ print 1 2 \"a\" \"b\" 3 }}", "1 2ab3"},
        {"{{ lt 1 2 }} {{ ge \"a\" \"b\" }} {{ ne 1 1 }} {{ len \"abc\" }}", "true false false 3"},
        {"{{ \"a b&c\" | urlquery }}", "a+b%26c"},
        {"{{ 1.5e3 }} {{ 1e5 }} {{ 1e6 }} {{ 1234567.8 }} {{ 123456.7 }} {{ -1.5e3 }}",
         "1500 100000 1e+06 1.2345678e+06 123456.7 -1500"},
        {"{{ 1.0 }} {{ 0.0001 }} {{ 1e-5 }} {{ 1e100 }} {{ printf \"%v %g\" 1.5e3 2e7 }}",
         "1 0.0001 1e-05 1e+100 1500 2e+07"},
        {"{{ \"\\u00e9\\n\\\"\" }}", "\xc3\xa9\n\""},
        {"{{ getEnv \"WEIR_BRACES\" }}", "{{.Year}}"},
        {"{{.Year}}/{{ getEnv \"WEIR_T\" }}", "{{.Year}}/there"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct failure f;
        struct str out;
        bool has_dot;
        if (template_load(*state, str_of(cases[i].text), TEMPLATE_PLAIN, &out, &has_dot, &f) !=
            OK) {
            fail_msg("%s: %s", cases[i].text, f.text);
        }
        assert_text(out, cases[i].wanted, cases[i].text);
    }
}

static void the_rest_is_rendered_at_a_run(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"year={{.Year}}/month={{.Month}}/day={{.Day}}/hour={{.Hour}}/minute={{.Minute}}/test",
         "year=2024/month=3/day=1/hour=0/minute=0/test"},
        {"{{ printf \"%02d\" .Month }}", "03"},
        {"{{ .Month | printf \"%02d-%s\" | printf \"%s\" }}", NULL},
        {"{{ printf \"%s-%02d\" (getEnv \"WEIR_T\") .Day }}", "there-01"},
        {"{{ getEnv \"WEIR_T\" }}{{.Day}}", "there1"},
        {"{{ getEnv \"WEIR_QUOTE\" }}{{.Day}}", "a\"b\\c1"},
        {"{{ getEnv \"WEIR_BRACES\" }}{{.Day}}", "{{.Year}}1"},
        {"{{ getEnv \"WEIR_BRACES\" }}", "{{.Year}}"},
        {"{{ if eq .Month 3 }}{{ getEnvOrDefault \"WEIR_NONE\" \"m\" }}{{ end }}", "m"},
        {"{{ with getEnv \"WEIR_T\" }}{{ . }}{{ $.Year }}{{ end }}", "there2024"},
        {"{{ $p := getEnv \"WEIR_T\" }}{{ $p }}{{.Year}}", "there2024"},
        {"read('s3://b/{{.Partition}}')", "read('s3://b/year=2024/month=3')"},
        {"INSERT INTO t SELECT * FROM s3('{{ .URI }}')",
         "INSERT INTO t SELECT * FROM s3('https://example.test/a')"},
        {"{{.Start}} {{.End}}", "2024-03-01T00:00:00Z 2024-03-02T00:00:00Z"},
        {"{{.Bookmark}}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct failure f;
        struct str kept, out;
        bool has_dot;
        assert_int_equal(
            template_load(*state, str_of(cases[i].text), TEMPLATE_KEPT, &kept, &has_dot, &f), OK);
        const enum outcome o = template_render(*state, kept, &dot, &out, &f);
        assert_int_equal(o, cases[i].wanted ? OK : REJECT);
        if (cases[i].wanted) {
            assert_text(out, cases[i].wanted, cases[i].text);
        }
    }
}

static void a_bookmark_is_encoded_in_an_address_but_for_functions(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"?at={{.Bookmark}}", "?at=2024-01-01%2012%3A00%3A00%2B00%3A00"},
        {"{{ with .Bookmark }}?at={{ . }}{{ end }}", "?at=2024-01-01%2012%3A00%3A00%2B00%3A00"},
        {"?at={{ urlquery .Bookmark }}", "?at=2024-01-01+12%3A00%3A00%2B00%3A00"},
        {"/{{ print .Bookmark }}", "/2024-01-01 12:00:00+00:00"},
        {"/{{.Start}}", "/2024-03-01T00:00:00Z"},
    };
    const struct template_dot address = {.start = S("2024-03-01T00:00:00Z"),
                                         .bookmark = S("2024-01-01 12:00:00+00:00"),
                                         .place = PLACE_ADDRESS};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct failure f;
        struct str out;
        assert_int_equal(template_render(*state, str_of(cases[i].text), &address, &out, &f), OK);
        assert_text(out, cases[i].wanted, cases[i].text);
    }
}

static void a_bookmark_stays_inside_of_the_json_text_that_it_stands_in(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"{\"$gt\":\"{{.Bookmark}}\"}", "{\"$gt\":\"O\\\"Brien\\\\\"}"},
        {"{{ with .Bookmark }}\"{{ . }}\"{{ end }}", "\"O\\\"Brien\\\\\""},
        {"{{ print .Bookmark }}", "O\"Brien\\"},
        {"{\"at\":\"{{.Start}}\"}", "{\"at\":\"2024-03-01T00:00:00Z\"}"},
    };
    const struct template_dot json = {
        .start = S("2024-03-01T00:00:00Z"), .bookmark = S("O\"Brien\\"), .place = PLACE_JSON};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct failure f;
        struct str out;
        assert_int_equal(template_render(*state, str_of(cases[i].text), &json, &out, &f), OK);
        assert_text(out, cases[i].wanted, cases[i].text);
    }
}

static void what_is_not_supported_is_refused_by_name_and_place(void **state)
{
    static const struct {
        const char *text;
        size_t at;
        const char *why;
    } cases[] = {
        {"a{{ getEnvv \"A\" }}", 4, "there is no function getEnvv; did you mean getEnv?"},
        {"{{ html \"A\" }}", 3, "html of Go's templates is not supported here"},
        {"{{ define \"A\" }}{{ end }}", 3, "define of Go's templates is not supported here"},
        {"{{ .Yaer }}", 3, NULL},
        {"{{ . }}", 3, NULL},
        {"{{ .Year.Month }}", 3, NULL},
        {"a {{ \"b\"", 5, "{{ is not closed"},
        {"{{ \"b }}", 3, "a quote is not closed"},
        {"{{ if true }}a", 0, "its {{ end }} is missing"},
        {"a{{ end }}", 1, "end without its {{ if }}"},
        {"a{{ else }}", 1, "else without its {{ if }}"},
        {"{{ if 1 }}{{ else }}{{ else }}{{ end }}", 20, "a second else"},
        {"{{ getEnv }}", 3, "getEnv wants 1 operand, and has 0"},
        {"{{ getEnvOrDefault \"A\" }}", 3, "getEnvOrDefault wants 2 operands, and has 1"},
        {"{{ getEnv 1 }}", 3, "getEnv wants the name of a variable in quotes, not a whole number"},
        {"{{ $x }}", 3, "this variable was not declared with :="},
        {"{{ range $i, $e := 3 }}{{ end }}", 9, "range with two variables is not supported here"},
        {"{{ range \"abc\" }}{{ end }}", 9,
         "range goes over a whole number here, and nothing else"},
        {"{{ printf \"%d\" \"a\" }}", 3, NULL},
        {"{{ printf \"%s\" }}", 3, "printf: %s lacks its operand"},
        {"{{ eq 1 \"a\" }}", 3, "eq: a whole number and a text cannot be compared"},
        {"{{ }}", 3, "something is missing here"},
        {"{{ 1x }}", 3, "1x is no number"},
        {"{{ \"a\" \"b\" }}", 3, "it is given operands, but is no function"},
        {"{{ range 2000000 }}{{ end }}", 9, "does not come to an end"},
        {"{{ .URI | getEnv }}", 10, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct failure f = {0};
        struct str out;
        bool has_dot;
        if (template_load(*state, str_of(cases[i].text), TEMPLATE_KEPT, &out, &has_dot, &f) !=
            REJECT) {
            fail_msg("%s is taken", cases[i].text);
        }
        if (cases[i].why && strcmp(f.text, cases[i].why) != 0) {
            fail_msg("%s: %s", cases[i].text, f.text);
        }
        if (f.record != cases[i].at) {
            fail_msg("%s: at %zu, not %zu", cases[i].text, f.record, cases[i].at);
        }
    }
}

static void a_template_that_nests_without_end_is_refused(void **state)
{
    char text[1601] = "";
    for (size_t i = 0; i < 200; i++) {
        memcpy(text + 8 * i, "{{if 1}}", 8);
    }
    struct failure f;
    struct str out;
    bool has_dot;
    assert_int_equal(template_load(*state, str_of(text), TEMPLATE_PLAIN, &out, &has_dot, &f),
                     REJECT);
    assert_string_equal(f.text, "more than 32 levels deep");
    memset(text + 2, '(', sizeof text - 3);
    assert_int_equal(template_load(*state, str_of(text), TEMPLATE_PLAIN, &out, &has_dot, &f),
                     REJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_environment_is_put_in_when_the_file_is_read, begin,
                                        end),
        cmocka_unit_test_setup_teardown(the_rest_is_rendered_at_a_run, begin, end),
        cmocka_unit_test_setup_teardown(a_bookmark_is_encoded_in_an_address_but_for_functions,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_bookmark_stays_inside_of_the_json_text_that_it_stands_in,
                                        begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_supported_is_refused_by_name_and_place, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_template_that_nests_without_end_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
