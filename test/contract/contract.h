/* contract.h - a bus on the transport under test, in a folder of its own, and what goes in. */
#ifndef WEIR_TEST_CONTRACT_CONTRACT_H
#define WEIR_TEST_CONTRACT_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "contract/transport.h"

struct contract {
    const struct transport *transport;
    struct config_bus config;
    struct memory_plan plan;
    struct arena arena, batch;
    struct bus *bus;
    struct failure f;
};

/* Open it, again too. */
void contract_open(struct contract *x);
enum outcome contract_recover(struct contract *x, struct finding_to report);
/* cmocka's set-up and tear-down; *state is the struct transport before, the struct contract after.
 */
int contract_set_up(void **state);
int contract_tear_down(void **state);

struct lane contract_raw(const char *name);
struct lane contract_standard(const char *name);

/* The record with this number, which is its receipt time, too. */
struct record contract_record(struct contract *x, int number);
/* Append records first..first+n-1 to a raw lane as one group. */
void contract_append(struct contract *x, const char *lane, int first, int n);

/* The next read, in the batch arena, which it empties. */
struct batch contract_read(struct contract *x, struct reader *r, size_t bytes_max);
/* A step with one standard record for each record of the batch, to its slice's lane. */
enum outcome contract_step(struct contract *x, struct reader *r, const struct batch *b,
                           const struct tally *tally);
/* Every record of a lane, by look, in pieces; their numbers in order. */
size_t contract_look_all(struct contract *x, struct lane lane, int *numbers, size_t room);
/* They are first..first+n-1, and no others. */
void contract_counts_up(struct contract *x, struct lane lane, int first, size_t n);

struct reader *contract_join(struct contract *x, unsigned streams, const char *stage,
                             enum cursor_kind cursor);
struct reader *contract_join_transform(struct contract *x);

/* The tests on every transport; how many failed. */
#define CONTRACT(test) {#test, test, contract_set_up, contract_tear_down, NULL}
int contract_run(const struct CMUnitTest *tests, size_t n);

#endif
