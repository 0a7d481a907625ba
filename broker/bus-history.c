/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the history. The recorder's thread answers them; the loop goes on meanwhile. */
#include "broker/bus-history.h"

#include "broker/api.h"
#include "broker/broker.h"
#include "broker/call.h"
#include "broker/caller.h"
#include "broker/history-row.h"
#include "broker/recorder.h"
#include "broker/reply.h"
#include "broker/request.h"

#include <stdlib.h>

struct history_filter bus_history_filter(const struct call *call,
                                         const struct request_filter *filter) {
        return (struct history_filter){ .by_owner = !api_may_manage(call),
                                        .owner = call->caller->uid,
                                        .by_user = filter->by_user,
                                        .user = filter->user,
                                        .since_us = filter->since_us,
                                        .target = filter->target,
                                        .rule = filter->rule,
                                        .state = filter->state,
                                        .name = filter->name };
}

static void on_rows(void *userdata, int result, struct history_row *rows) {
        struct call *call = userdata;
        struct dict **list = result < 0 ? NULL : calloc(HISTORY_LIST_ROWS + 1, sizeof *list);
        size_t n = 0;

        for (struct history_row *row = rows; list && row && n < HISTORY_LIST_ROWS; row = row->next)
                list[n++] = history_row_listing(row);
        history_row_free(rows);
        if (list)
                reply_dicts(call, list, n);
        else
                reply_refusal(call, OUTCOME_HELPER_FAILED,
                              "history: cannot be read; airlock status says why");
}

int manager_list_history(struct call *call) {
        struct request_filter filter;
        struct history_filter wanted;
        int r = request_read_filter(call->message, &filter, &call->error);

        if (r)
                return r;
        wanted = bus_history_filter(call, &filter);
        r = recorder_list(call->broker->recorder, &wanted, on_rows, call);
        request_filter_clear(&filter);
        return r;
}
