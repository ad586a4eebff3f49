#include "base/str.h"

#include "base/buf.h"
#include "test.h"

static void texts_compare_by_bytes_and_length(void **state)
{
    (void)state;
    assert_true(str_eq(S("a"), S("a")));
    assert_false(str_eq(S("a"), S("ab")));
    assert_true(str_eq((struct str){NULL, 0}, S("")));
    assert_true(str_cmp(S("a"), S("ab")) < 0);
    assert_true(str_cmp(S("b"), S("ab")) > 0);
    assert_true(str_cmp(S("\xff"), S("a")) > 0);
    assert_int_equal(str_cmp((struct str){NULL, 0}, S("")), 0);
    assert_true(str_eq_nocase(S("Content-TYPE"), S("content-type")));
    assert_false(str_eq_nocase(S("content-type"), S("content-typ")));
    assert_false(str_eq_nocase(S("["), S("{"))); /* 0x20 apart, and no letters */
    assert_true(str_starts_nocase(S("Bearer x"), S("bearer ")));
    assert_true(str_ends(S("a.json"), S(".json")));
    assert_false(str_ends(S("json"), S(".json")));
}

static void parts_stay_inside(void **state)
{
    (void)state;
    struct str rest;
    assert_true(str_eq(str_sub(S("abc"), 1, 9), S("bc")));
    assert_int_equal(str_sub(S("abc"), 4, 1).len, 0);
    assert_true(str_eq(str_trim(S(" \t a b \t")), S("a b")));
    assert_int_equal(str_trim(S("  ")).len, 0);
    assert_true(str_eq(str_cut(S("a=b=c"), '=', &rest), S("a")));
    assert_true(str_eq(rest, S("b=c")));
    assert_true(str_eq(str_cut(S("abc"), '=', &rest), S("abc")));
    assert_int_equal(rest.len, 0);
    assert_int_equal(str_find(S("abc"), 'c'), 2);
    assert_int_equal(str_find(S("abc"), 'd'), 3);
}

static void numbers_are_digits_alone_and_fit(void **state)
{
    (void)state;
    uint64_t n = 0;
    assert_true(str_to_u64(S("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    assert_false(str_to_u64(S("18446744073709551616"), &n));
    assert_true(str_to_u64(S("0009223372036854775808"), &n));
    assert_true(n == UINT64_C(9223372036854775808));
    const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1.0", "0x1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(str_to_u64(str_of(bad[i]), &n));
    }
}

/* Every code point, and every pair and triple of bytes, against the definition. */
static void utf8_is_what_rfc_3629_says(void **state)
{
    (void)state;
    size_t good = 0;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            const char two[] = {(char)a, (char)b};
            const bool is_ascii = a < 0x80 && b < 0x80;
            const bool is_pair = a >= 0xC2 && a <= 0xDF && (b & 0xC0) == 0x80;
            assert_int_equal(str_is_utf8((struct str){two, 2}), is_ascii || is_pair);
        }
    }
    for (unsigned code = 0x800; code < 0x110000; code++) {
        const char three[] = {(char)(0xE0 | code >> 12), (char)(0x80 | (code >> 6 & 63)),
                              (char)(0x80 | (code & 63))};
        const char four[] = {(char)(0xF0 | code >> 18), (char)(0x80 | (code >> 12 & 63)), three[1],
                             three[2]};
        const struct str s = code < 0x10000 ? (struct str){three, 3} : (struct str){four, 4};
        good += str_is_utf8(s);
        assert_int_equal(str_is_utf8(s), code < 0xD800 || code > 0xDFFF);
        assert_false(str_is_utf8(str_sub(s, 0, s.len - 1)));
    }
    assert_int_equal(good, 0x110000 - 0x800 - 0x800);
    const char *const bad[] = {"\xC0\x80",         "\xE0\x9F\xBF",     "\xF0\x8F\xBF\xBF",
                               "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\x80",
                               "a\xE2\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(str_is_utf8(str_of(bad[i])));
    }
}

static void a_buf_keeps_its_maximum_and_drops_whole_writes(void **state)
{
    (void)state;
    struct arena a;
    struct buf b;
    arena_init(&a, 1 << 20);
    buf_init(&b, &a, 5);
    buf_add(&b, S("abc"));
    buf_add(&b, S("def"));
    buf_add(&b, S("g"));
    assert_true(buf_is_over(&b));
    assert_true(str_eq(buf_str(&b), S("abc")));
    buf_reset(&b);
    assert_false(buf_is_over(&b));
    buf_printf(&b, "%s", "12345");
    assert_false(buf_is_over(&b));
    assert_true(str_eq(buf_str(&b), S("12345")));
    arena_close(&a);
}

static void a_buf_writes_long_formats_and_all_integers(void **state)
{
    (void)state;
    struct arena a;
    struct buf b;
    arena_init(&a, 1 << 20);
    buf_init(&b, &a, 4096);
    buf_printf(&b, "%01000d", 7);
    assert_int_equal(buf_str(&b).len, 1000);
    assert_int_equal(buf_str(&b).at[999], '7');
    buf_reset(&b);
    buf_add_i64(&b, INT64_MIN);
    buf_add_byte(&b, ' ');
    buf_add_i64(&b, INT64_MAX);
    buf_add_byte(&b, ' ');
    buf_add_i64(&b, 0);
    assert_true(str_eq(buf_str(&b), S("-9223372036854775808 9223372036854775807 0")));
    arena_close(&a);
}

static void json_strings_are_escaped_and_always_utf8(void **state)
{
    (void)state;
    struct arena a;
    struct buf b;
    arena_init(&a, 1 << 20);
    buf_init(&b, &a, 4096);
    buf_add_json(&b, (struct str){"a\"\\\n\r\t\x01\0z\x7f", 10});
    assert_string_equal(arena_cstr(&a, buf_str(&b)),
                        "\"a\\\"\\\\\\n\\r\\t\\u0001\\u0000z\\u007f\"");
    buf_reset(&b);
    buf_add_json(&b, S("\xE2\x82\xAC \xC0\x80 \xF0\x9F\x98\x80 \xE2\x82"));
    assert_true(str_is_utf8(buf_str(&b)));
    assert_true(str_eq(buf_str(&b), S("\"\xE2\x82\xAC \xEF\xBF\xBD\xEF\xBF\xBD \xF0\x9F\x98\x80 "
                                      "\xEF\xBF\xBD\xEF\xBF\xBD\"")));
    arena_close(&a);
}

static void a_text_from_outside_stands_whole_in_a_sentence(void **state)
{
    (void)state;
    static const char euro[] = "\xE2\x82\xAC";
    char zeros[2 * STR_SHOWN_BYTES_MAX] = {0};
    assert_string_equal(str_shown(S("a\0b\0"), 80).text, "a\\u0000b\\u0000");
    assert_string_equal(str_shown(S("abc"), 2).text, "ab");
    assert_string_equal(str_shown(S(""), 80).text, "");
    assert_string_equal(str_shown((struct str){NULL, 0}, 80).text, "");
    for (size_t len = 1; len < sizeof euro - 1; len++) {
        assert_string_equal(str_shown(str_of(euro), len).text, "");
    }
    assert_string_equal(str_shown(str_of(euro), 3).text, euro);
    const struct str_shown most = str_shown((struct str){zeros, sizeof zeros}, SIZE_MAX);
    assert_int_equal(strlen(most.text), sizeof most.text - 1);
}

static void what_was_cut_ends_in_no_half_of_a_character(void **state)
{
    (void)state;
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
    for (size_t len = 0; len < sizeof text; len++) {
        assert_int_equal(str_whole((struct str){text, len}).len, whole[len]);
    }
    assert_int_equal(str_whole(S("a\x80\x80\x80\x80")).len, 5); /* no text before: left as it is */
    assert_int_equal(str_whole((struct str){NULL, 0}).len, 0);
}

static void controls_are_what_a_terminal_obeys(void **state)
{
    (void)state;
    static const struct {
        unsigned first, last;
    } range[] = {{0, 0x1F},        {0x7F, 0x9F},     {0x61C, 0x61C},
                 {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}};
    for (unsigned c = 0; c < 0xD800; c++) {
        const char utf8[3] = {
            (char)(c < 0x80    ? c
                   : c < 0x800 ? 0xC0 | c >> 6
                               : 0xE0 | c >> 12),
            (char)(0x80 | (c < 0x800 ? c : c >> 6 & 0x3F) % 0x40),
            (char)(0x80 | c % 0x40),
        };
        const size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
        bool is_one = false;
        for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
            is_one = is_one || (c >= range[i].first && c <= range[i].last);
        }
        unsigned point = 0;
        assert_int_equal(str_control((struct str){utf8, len}, &point), is_one ? len : 0);
        assert_true(!is_one || point == c);
        assert_int_equal(str_control((struct str){utf8, len - 1}, NULL), 0); /* cut: none */
    }
    assert_int_equal(str_control(S("\x9B"), NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_compare_by_bytes_and_length),
        cmocka_unit_test(parts_stay_inside),
        cmocka_unit_test(numbers_are_digits_alone_and_fit),
        cmocka_unit_test(utf8_is_what_rfc_3629_says),
        cmocka_unit_test(a_buf_keeps_its_maximum_and_drops_whole_writes),
        cmocka_unit_test(a_buf_writes_long_formats_and_all_integers),
        cmocka_unit_test(a_text_from_outside_stands_whole_in_a_sentence),
        cmocka_unit_test(what_was_cut_ends_in_no_half_of_a_character),
        cmocka_unit_test(controls_are_what_a_terminal_obeys),
        cmocka_unit_test(json_strings_are_escaped_and_always_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
