/* SPDX-License-Identifier: Apache-2.0 */
/* A launch that is only a question: its deadline is zero, and the helper finds it late after all that it would have checked. */
#include "broker/foresee.h"

#include "broker/launch.h"

#include <errno.h>
#include <stdlib.h>

struct foresee {
        struct launch *launch;
        foresee_done_t done;
        void *userdata;
};

struct foresee *foresee_free(struct foresee *foresee) {
        if (!foresee)
                return NULL;
        launch_free(foresee->launch);
        free(foresee);
        return NULL;
}

static void on_refused(void *userdata, int result, struct error *error) {
        struct foresee foresee = *(struct foresee *)userdata;
        struct error text = *error;

        foresee_free(userdata);
        foresee.done(foresee.userdata, result, &text);
}

int foresee_start(struct links *links, const struct launch_request *request, foresee_done_t done,
                  void *userdata, struct foresee **ret, struct error *error) {
        struct launch_request question = *request;
        struct foresee *foresee = calloc(1, sizeof *foresee);
        struct launch_handler handler = { .refused = on_refused, .userdata = foresee };
        int r;

        if (!foresee)
                return -ENOMEM;
        foresee->done = done;
        foresee->userdata = userdata;
        question.only_checked = true;
        r = launch_new(links, &handler, &foresee->launch, error);
        if (r == 0)
                r = launch_exec(foresee->launch, &question, error);
        if (r) {
                foresee_free(foresee);
                return r;
        }
        *ret = foresee;
        return 0;
}
