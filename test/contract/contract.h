/* contract.h - a bus on the transport under test, in a folder of its own, and what goes in. */
#ifndef WEIR_TEST_CONTRACT_CONTRACT_H
#define WEIR_TEST_CONTRACT_CONTRACT_H

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

struct reader *contract_join(struct contract *x, unsigned streams, const char *stage,
                             enum cursor_kind cursor);
struct reader *contract_join_transform(struct contract *x);

#endif
