/* SPDX-License-Identifier: Apache-2.0 */
/* Facts for the policy. What is not known is said to be unknown: the library then does not let it satisfy an allowing rule. */
#include "broker/policy-request.h"

#include "broker/caller.h"
#include "broker/passwd.h"
#include "broker/plan.h"
#include "broker/quota.h"
#include "broker/request.h"
#include "broker/target.h"
#include "common/fdtype.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct policy_time local_time(void) {
        time_t now = time(NULL);
        struct tm tm;

        if (!localtime_r(&now, &tm))
                return (struct policy_time){ .known = false };
        return (struct policy_time){ .known = true,
                                     .year = tm.tm_year + 1900,
                                     .month = tm.tm_mon + 1,
                                     .day = tm.tm_mday,
                                     .weekday = (tm.tm_wday + 6) % 7,
                                     .minute = tm.tm_hour * 60 + tm.tm_min };
}

/* What is root's is nobody's own: root's containers are for those who have a rule for them. */
static enum policy_tri is_own(const struct target *target, const struct caller *caller) {
        return target->facts->flags & WIRE_FACT_OWN_USERNS && caller->uid != 0 &&
                               target->facts->owner_uid == caller->uid
                     ? POLICY_YES
                     : POLICY_NO;
}

static struct policy_target target_of(const struct target *target, const struct caller *caller) {
        return (struct policy_target){
                .engine = target->engine,
                .name = target->name,
                .id = target->id,
                .image = target->metadata.image,
                .image_known = target->metadata.image_known,
                .labels = target->metadata.labels,
                .n_labels = target->metadata.n_labels,
                .labels_known = target->metadata.labels_known,
                /* Without a user namespace of its own a container takes root on the host to make. */
                .owner_known = true,
                .owner_uid = target->facts->owner_uid,
                .owner_name = target->owner_name,
                .owner_name_failed = target->owner_name_failed,
                .own = is_own(target, caller),
        };
}

/* Entries that set something; what is taken away needs no permission. */
static int fill_env(struct policy_input *input, const struct request *request) {
        struct policy_request *p = &input->request;

        if (request->env.n == 0)
                return 0;
        input->env = calloc(request->env.n, sizeof *input->env);
        if (!input->env)
                return -ENOMEM;
        for (size_t i = 0; i < request->env.n; i++)
                if (strchr(request->env.list[i], '='))
                        input->env[p->n_env++] = request->env.list[i];
        p->env = input->env;
        return 0;
}

static void copy(char *buffer, size_t size, const char *text, size_t n) {
        n = n < size ? n : size - 1;
        memcpy(buffer, text, n);
        buffer[n] = 0;
}

static void fill_user(struct policy_input *input, const struct request *request) {
        struct policy_as_user *user = &input->request.user;
        struct policy_user_spec spec;

        if (request->user && policy_user_spec_parse(request->user, &spec) == 0) {
                copy(input->user, sizeof input->user, spec.user, spec.user_len);
                user->asked = input->user;
                if (spec.group) {
                        copy(input->spec_group, sizeof input->spec_group, spec.group,
                             spec.group_len);
                        input->groups[user->n_asked_groups++].asked = input->spec_group;
                }
        }
        if (request->group)
                input->groups[user->n_asked_groups++].asked = request->group;
        for (size_t i = 0; i < request->groups.n; i++)
                input->groups[user->n_asked_groups++].asked = request->groups.list[i];
        user->asked_groups = input->groups;
}

_Static_assert(POLICY_FD_PIPE == (int)FD_KIND_PIPE && POLICY_FD_INET == (int)FD_KIND_INET &&
                       POLICY_FD_INET_LISTEN == (int)FD_KIND_INET_LISTEN &&
                       POLICY_FD_UNIX == (int)FD_KIND_UNIX && POLICY_FD_FILE == (int)FD_KIND_FILE,
               "the rules' kinds of fds are the ceiling's");

int policy_input_fill(struct policy_input *input, const struct request *request,
                      const struct caller *caller, const struct target *target) {
        unsigned kinds = 0;

        for (unsigned i = 0; i < 3; i++)
                kinds |= request->stream_kinds[i];
        for (unsigned i = 0; i < request->n_extra; i++)
                kinds |= request->extra_kinds[i];
        input->request = (struct policy_request){ .caller = caller->policy,
                                                  .target = target_of(target, caller),
                                                  .argv = (const char *const *)request->argv.list,
                                                  .n_argv = request->argv.n,
                                                  .command_unknown = request->shell,
                                                  .caps = plan_caps_beyond(request, target),
                                                  .privileged = request->privileged,
                                                  .tty = request->tty,
                                                  .seccomp = request->seccomp,
                                                  .no_new_privs = request->no_new_privs,
                                                  .label = request->label,
                                                  .n_extra_fds = request->n_extra,
                                                  .fd_kinds = kinds,
                                                  .client_gone = request->client_gone,
                                                  .keep_for_s = request->keep_for_s,
                                                  .limits = request->limits,
                                                  .reason = request->reason,
                                                  .time = local_time() };
        fill_user(input, request);
        return fill_env(input, request);
}

void policy_input_count(struct policy_input *input, struct quota *quota, uint64_t now) {
        input->request.quota = (struct policy_quota){ .sessions = quota->sessions,
                                                      .starts_last_min = quota_starts(quota, now) };
}

void policy_input_resolve(struct policy_input *input, const struct request *request,
                          const struct target *target, const struct identity *identity) {
        struct policy_as_user *user = &input->request.user;

        input->request.argv = (const char *const *)request->argv.list;
        input->request.n_argv = request->argv.n;
        input->request.command_unknown = false;
        user->resolved = true;
        user->uid = identity->uid;
        user->gid = identity->gid;
        user->groups = identity->groups;
        user->n_groups = identity->n_groups;
        user->is_default = identity->uid == target->process.uid ? POLICY_YES : POLICY_NO;
        for (size_t i = 0; i < user->n_asked_groups && i < identity->n_asked_groups; i++) {
                input->groups[i].resolved = true;
                input->groups[i].gid = identity->asked_groups[i];
        }
}

void policy_input_clear(struct policy_input *input) {
        free(input->env);
        input->env = NULL;
}
