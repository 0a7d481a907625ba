/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a request, and the only file that knows its order. The caller is known before it begins; each stage takes what the
 * earlier ones found and adds one thing that does not change any more:
 *
 *      request → target → precheck → user → policy → session → filter → plan → (explain) → polkit → launch → (started) → (ended)
 *
 * A stage is done, or waits and is resumed by its answer, or refuses: then nothing runs. */
#include "broker/flow.h"

#include "broker/api.h"
#include "broker/ask.h"
#include "broker/audit.h"
#include "broker/broker.h"
#include "broker/bus-logins.h"
#include "broker/call.h"
#include "broker/caller.h"
#include "broker/explain.h"
#include "broker/filter.h"
#include "broker/foresee.h"
#include "broker/launch.h"
#include "broker/lookup.h"
#include "broker/loop.h"
#include "broker/passwd.h"
#include "broker/plan.h"
#include "broker/policy-request.h"
#include "broker/polkit.h"
#include "broker/profile.h"
#include "broker/profiles.h"
#include "broker/prompt.h"
#include "broker/quota.h"
#include "broker/reply.h"
#include "broker/request.h"
#include "broker/run.h"
#include "broker/session-relay.h"
#include "broker/session.h"
#include "broker/settings.h"
#include "broker/target.h"
#include "broker/trace.h"
#include "common/caps.h"
#include "common/fd.h"
#include "common/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLOW_WAITS (-EINPROGRESS) /* a stage's answer comes later; flow_resume() goes on */
#define SKIPS 256

struct flow {
        struct flow *next;
        struct broker *broker;
        unsigned stage;
        struct call *call; /* NULL once it is answered */
        struct caller *caller;
        struct caller *who; /* whose rights count: the caller, or whom an Explain is about */
        struct request *request;
        struct lookup *lookup; /* while the target is looked up */
        bool by_number; /* of a process, of which he has no rule: only what it turns out to be may be his */
        struct target *target;
        struct ask *ask; /* while passwd or group are opened */
        char *passwd;
        size_t passwd_size;
        char *group;
        size_t group_size;
        bool asked_passwd;
        bool asked_group;
        struct identity identity;
        struct policy_set *rules; /* the verdict points into them */
        struct policy_verdict verdict;
        struct policy_input input;
        struct policy_skip skips[SKIPS];
        struct policy_trace trace;
        struct filter *filter; /* a reference; NULL: unconfined */
        struct polkit *polkit; /* while somebody is asked */
        uint8_t id[32];        /* of no session: Explain's */
        struct wire_plan *plan;
        size_t plan_size;
        /* Explain's: why Exec would be refused although the way goes on here, to tell who may know. */
        int refusal;
        struct error refusal_text;
        bool foreseen;           /* the helper was asked */
        struct foresee *foresee; /* while it is */
        struct session *session; /* from the launch on */
        struct run *run;
        struct trace *marks; /* NULL: nobody measures */
        int ends[3];         /* the caller's ends of pipes that we made */
};

static void flow_free(struct flow *flow) {
        for (struct flow **slot = &flow->broker->flows; *slot; slot = &(*slot)->next)
                if (*slot == flow) {
                        *slot = flow->next;
                        break;
                }
        call_free(flow->call);
        caller_unref(flow->caller);
        caller_unref(flow->who);
        foresee_free(flow->foresee);
        request_free(flow->request);
        lookup_free(flow->lookup);
        ask_free(flow->ask);
        polkit_cancel(flow->polkit);
        target_unref(flow->target);
        policy_set_unref(flow->rules);
        policy_input_clear(&flow->input);
        filter_free(flow->filter);
        free(flow->passwd);
        free(flow->group);
        free(flow->plan);
        if (flow->session)
                session_discard(flow->session); /* it never started: no trace of it */
        run_free(flow->run);
        trace_free(flow->marks);
        close_fds(flow->ends, 3);
        free(flow);
}

static struct error *text(struct flow *flow) {
        return &flow->call->error;
}

static void record_decision(struct flow *flow, const char *answer, const char *refusal) {
        char rule[512];

        explain_rule(&flow->verdict, rule, sizeof rule);
        audit_decision(
                &(struct audit_decision){ .caller = flow->caller,
                                          .request = flow->request,
                                          .target = flow->target ? flow->target->display : NULL,
                                          .answer = answer,
                                          .rule = rule,
                                          .session = flow->session ? flow->session->id : "",
                                          .text = refusal });
}

/* The one end of every request that does not run. */
static void refuse(struct flow *flow, int result) {
        struct call *call = flow->call;

        if (result < 0) {
                error_set(text(flow), OUTCOME_HELPER_FAILED, "broker: %s", strerror(-result));
                result = OUTCOME_HELPER_FAILED;
        }
        if (flow->request && flow->request->kind != REQUEST_EXPLAIN)
                record_decision(flow, outcome_word(result), text(flow)->text);
        flow->call = NULL;
        reply_refusal(call, result, call->error.text);
        flow_free(flow);
}

/* ---- target ---- */

/* What Exec ends with here. Somebody who may ask about others is told why, and goes on. */
static int hide(struct flow *flow, int outcome) {
        if (flow->who == flow->caller)
                return outcome;
        if (!flow->refusal) {
                flow->refusal = outcome;
                flow->refusal_text = *text(flow);
        }
        return 0;
}

static int denied(struct flow *flow) {
        return hide(flow, error_set(text(flow), OUTCOME_DENIED, "target %s: denied",
                                    flow->request->target));
}

static void flow_resume(struct flow *flow, int result);

static int no_such_target(struct flow *flow) {
        return error_set(text(flow), OUTCOME_NO_SUCH_TARGET, "target %s: no such target",
                         flow->request->target);
}

/* Why a process is no target is for those who have a rule for processes; who has none for the name does not learn that it is none. */
static int not_found(struct flow *flow, int result) {
        if (result > 0 && flow->refusal) {
                *text(flow) = flow->refusal_text;
                return flow->refusal;
        }
        return flow->by_number && result > 0 && result != OUTCOME_HELPER_FAILED
                     ? no_such_target(flow)
                     : result;
}

/* Before anything is looked up: who has no rule for the name learns nothing about it, not even by the time it takes. A process may
 * be the init of the container that he has a rule for. */
static bool may_look_up(struct flow *flow, const struct target_spec *spec) {
        const struct policy_caller *caller = &flow->who->policy;

        if (policy_could_match_name(flow->rules, caller, spec->engine, spec->name))
                return true;
        flow->by_number = spec->pid && policy_could_match_any_name(flow->rules, caller);
        return flow->by_number;
}

static void on_target(void *userdata, int result, struct target *target, struct error *error) {
        struct flow *flow = userdata;

        flow->lookup = NULL;
        if (result > 0)
                *text(flow) = *error;
        else if (result == 0)
                flow->target = target_ref(target);
        flow_resume(flow, not_found(flow, result));
}

static int stage_target(struct flow *flow) {
        struct broker *broker = flow->broker;
        struct lookup_start start = { .context = &broker->lookup,
                                      .now = loop_now(broker->loop),
                                      .done = on_target,
                                      .userdata = flow };
        struct target *known = NULL;
        int r;

        r = target_spec_parse(flow->request->target, &start.spec, text(flow));
        if (r)
                return r;
        if (!may_look_up(flow, &start.spec))
                r = denied(flow);
        if (r)
                return r;
        r = lookup_start(&start, &known, &flow->lookup, text(flow));
        if (r)
                return not_found(flow, r);
        if (!known)
                return FLOW_WAITS;
        flow->target = target_ref(known);
        return 0;
}

/* ---- refusals by the rules ---- */

static bool is_denied(const struct flow *flow, uint64_t caps, bool privileged) {
        struct policy_request request = flow->input.request;
        struct policy_verdict verdict;
        int r;

        request.caps = caps;
        request.privileged = privileged;
        r = request.user.resolved ? policy_decide(flow->rules, &request, NULL, &verdict)
                                  : policy_precheck(flow->rules, &request, &verdict);
        return r < 0 || verdict.answer == POLICY_DENY;
}

/* The right for whose sake the rules deny what they would allow without it, or NULL. */
static const char *denied_right(const struct flow *flow) {
        const struct policy_request *request = &flow->input.request;

        if ((!request->caps && !request->privileged) || is_denied(flow, 0, false))
                return NULL;
        for (unsigned cap = 0; cap < CAPS_KNOWN; cap++)
                if (request->caps & CAPS_BIT(cap) && is_denied(flow, CAPS_BIT(cap), false))
                        return caps_name(cap);
        return request->privileged ? "--privileged" : NULL;
}

static int deny(struct flow *flow) {
        const char *right;

        if (flow->verdict.refusal == POLICY_REFUSED_QUOTA)
                return error_set(text(flow), OUTCOME_LIMITS_EXCEEDED,
                                 "target %s: the rule's sessions or starts a minute are used up",
                                 flow->request->target);
        right = denied_right(flow);
        if (right)
                return error_set(text(flow), OUTCOME_DENIED,
                                 "target %s: denied; no rule that allows the command gives %s",
                                 flow->request->target, right);
        return error_set(text(flow), OUTCOME_DENIED, "target %s: denied; airlock explain says why",
                         flow->request->target);
}

/* The counts of whose rights count; the call's own where there is no memory for others. */
static struct quota *quota_of(const struct flow *flow) {
        struct quota *quota = quotas_of(flow->broker->quotas, flow->who->uid);

        return quota ? quota : flow->call->quota;
}

/* Whether the rules may be asked again: for a session that ends with its client. */
static bool try_to_stay(struct flow *flow, const struct policy_verdict *verdict) {
        if (verdict->answer != POLICY_DENY || !flow->request->would_detach)
                return false;
        request_stay(flow->request);
        flow->input.request.client_gone = flow->request->client_gone;
        return true;
}

static int stage_precheck(struct flow *flow) {
        struct policy_verdict verdict;
        int r;

        r = policy_input_fill(&flow->input, flow->request, flow->who, flow->target);
        if (r < 0)
                return r;
        policy_input_count(&flow->input, quota_of(flow), loop_now(flow->broker->loop));
        if (!policy_could_match_target(flow->rules, &flow->input.request))
                r = hide(flow, no_such_target(flow));
        if (r)
                return r;
        r = request_check_fds(flow->request, flow->target->facts->flags / WIRE_FACT_FD_PIPE,
                              text(flow));
        if (r)
                return r;
        r = policy_precheck(flow->rules, &flow->input.request, &verdict);
        if (r == 0 && try_to_stay(flow, &verdict))
                r = policy_precheck(flow->rules, &flow->input.request, &verdict);
        if (r < 0 || verdict.answer != POLICY_DENY || flow->request->kind == REQUEST_EXPLAIN)
                return r;
        flow->verdict = verdict;
        return deny(flow);
}

/* ---- user: nothing of the target is opened before the rules had their say ---- */

static void on_account(void *userdata, struct answer *answer) {
        struct flow *flow = userdata;
        bool passwd = !flow->asked_group;

        flow->ask = NULL;
        /* A file that is absent or odd has no users in it: numbers work, and names say that they are not there. */
        if (answer->result == OUTCOME_HELPER_FAILED && answer->reason == 0) {
                *text(flow) = answer->error;
                flow_resume(flow, answer->result);
                return;
        }
        if (answer->result == 0) {
                *(passwd ? &flow->passwd : &flow->group) = answer->text;
                *(passwd ? &flow->passwd_size : &flow->group_size) = answer->text_size;
                answer->text = NULL;
        }
        flow->stage--; /* the same stage again: it sees what it has now */
        flow_resume(flow, 0);
}

static int open_account(struct flow *flow, unsigned what) {
        struct asker asker = { .links = flow->broker->links,
                               .now = loop_now(flow->broker->loop),
                               .done = on_account,
                               .userdata = flow };
        int r = ask_account(&asker, what, flow->target->pidfd, &flow->ask);

        return r < 0 ? ask_link_error(text(flow), r) : FLOW_WAITS;
}

static bool is_default_user(const struct request *request) {
        return !request->user && !request->group && request->groups.n == 0;
}

static void take_default_user(struct flow *flow) {
        const struct oci_process *process = &flow->target->process;

        flow->identity.uid = process->uid;
        flow->identity.gid = process->gid;
        flow->identity.n_groups = process->n_groups;
        memcpy(flow->identity.groups, process->groups, sizeof process->groups);
}

static int resolve(struct flow *flow) {
        struct passwd_query query = { .user = flow->request->user,
                                      .group = flow->request->group,
                                      .groups = &flow->request->groups,
                                      .passwd = flow->passwd,
                                      .passwd_size = flow->passwd_size,
                                      .group_file = flow->group,
                                      .group_size = flow->group_size };
        int r;

        take_default_user(flow);
        r = passwd_resolve(&query, &flow->identity, text(flow));
        if (r == 0 && is_default_user(flow->request)) {
                /* Who the default user is does not change while the target lives; so the next one needs no file. */
                flow->target->user = malloc(sizeof flow->identity);
                if (flow->target->user)
                        *flow->target->user = flow->identity;
        }
        return r;
}

/* The user inside, of the files that it takes. */
static int find_user(struct flow *flow) {
        if (is_default_user(flow->request) && flow->target->user) {
                flow->identity = *flow->target->user;
                return 0;
        }
        if (!flow->asked_passwd) {
                flow->asked_passwd = true;
                return open_account(flow, WIRE_OPEN_PASSWD);
        }
        if (!is_default_user(flow->request) && !flow->asked_group) {
                flow->asked_group = true;
                return open_account(flow, WIRE_OPEN_GROUP);
        }
        return resolve(flow);
}

static int stage_user(struct flow *flow) {
        int r = find_user(flow);

        if (r || !flow->request->shell)
                return r;
        return request_take_shell(flow->request, flow->identity.shell);
}

/* ---- policy ---- */

static int check_quota(struct flow *flow) {
        const struct settings *settings = flow->broker->settings;
        struct quota *quota = quota_of(flow);

        if (quota->sessions >= settings->sessions_per_user)
                return error_set(text(flow), OUTCOME_LIMITS_EXCEEDED,
                                 "more than %u sessions at once", settings->sessions_per_user);
        if (sessions_running(flow->broker->sessions) >= settings->sessions)
                return error_set(text(flow), OUTCOME_LIMITS_EXCEEDED,
                                 "more than %u sessions of all users at once", settings->sessions);
        if (quota_starts(quota, loop_now(flow->broker->loop)) >= settings->starts_per_minute)
                return error_set(text(flow), OUTCOME_LIMITS_EXCEEDED,
                                 "more than %u starts a minute", settings->starts_per_minute);
        return 0;
}

/* A limit that nobody keeps would be a lie in the rule. */
static int check_limits(struct flow *flow) {
        const struct policy_limits *limits = &flow->verdict.limits;
        const char *which = limits->memory      ? "memory"
                          : limits->pids        ? "pids"
                          : limits->cpu_percent ? "cpu-percent"
                                                : NULL;

        return which ? error_set(text(flow), OUTCOME_LIMITS_UNAVAILABLE,
                                 "limit %s: is not built yet, and its rule demands it", which)
                     : 0;
}

/* The first of them is what Exec would end with. */
static void note_refusal(struct flow *flow, int result, const struct error *error) {
        if (flow->refusal || result == 0)
                return;
        flow->refusal = result > 0 ? result : OUTCOME_HELPER_FAILED;
        flow->refusal_text = *error;
}

static int stage_policy(struct flow *flow) {
        bool explain = flow->request->kind == REQUEST_EXPLAIN;
        int r;

        policy_input_resolve(&flow->input, flow->request, flow->target, &flow->identity);
        /* Anew: others of this user may have been decided while this one's files were read. */
        policy_input_count(&flow->input, flow->call->quota, loop_now(flow->broker->loop));
        flow->trace = (struct policy_trace){ .skips = flow->skips, .max = SKIPS };
        r = policy_decide(flow->rules, &flow->input.request, explain ? &flow->trace : NULL,
                          &flow->verdict);
        if (r == 0 && try_to_stay(flow, &flow->verdict))
                return stage_policy(flow);
        if (r < 0)
                return r;
        r = flow->verdict.answer == POLICY_DENY ? deny(flow) : check_quota(flow);
        if (r == 0)
                r = check_limits(flow);
        if (!explain)
                return r;
        note_refusal(flow, r, text(flow));
        return 0;
}

/* ---- session, filter and plan ---- */

static void on_started(void *userdata, const struct wire_started *started, int master);
static void on_refused(void *userdata, int result, struct error *error);
static void on_exited(void *userdata, const struct wire_exited *exited);
static void on_ends(void *userdata, int fds[LAUNCH_ENDS]);

static int connect_helper(struct flow *flow) {
        struct launch_handler handler = { on_started, on_refused, on_exited, on_ends,
                                          flow->session };

        return launch_new(flow->broker->links, &handler, &flow->session->launch, text(flow));
}

/* Nobody sees it before its command has started. What is allowed without a question is prepared by the helper meanwhile. */
static int stage_session(struct flow *flow) {
        int r;

        if (flow->request->kind == REQUEST_EXPLAIN)
                return 0;
        r = session_new(flow->broker->sessions, flow->call->quota, &flow->session);
        if (r < 0)
                return r;
        flow->session->flow = flow;
        return flow->verdict.answer == POLICY_ALLOW ? connect_helper(flow) : 0;
}

static void fill_plan_input(struct flow *flow, struct plan_input *input) {
        *input = (struct plan_input){ .request = flow->request,
                                      .target = flow->target,
                                      .identity = &flow->identity,
                                      .verdict = &flow->verdict,
                                      .session = flow->id,
                                      .caller_uid = flow->who->uid };
}

static int stage_filter(struct flow *flow) {
        const struct profile *profile = NULL;
        struct profile_error why = { "" };
        struct filter_params params;
        struct plan_input input;
        uint64_t caps[CAPS_SETS];
        int r;

        if (flow->verdict.answer == POLICY_DENY || strcmp(flow->verdict.seccomp, "unconfined") == 0)
                return 0;
        r = profiles_get(flow->broker->profiles, flow->verdict.seccomp, flow->target, &profile,
                         text(flow));
        if (r)
                return r;
        fill_plan_input(flow, &input);
        plan_caps(&input, caps);
        filter_params_init(&params, caps[CAPS_BOUNDING]);
        r = filter_cache_get(flow->broker->filters, profile, &params, &flow->filter, &why);
        return r > 0 ? error_set(text(flow), r, "%s", why.text) : r;
}

static int stage_plan(struct flow *flow) {
        struct plan_input input;

        if (flow->verdict.answer == POLICY_DENY)
                return 0;
        fill_plan_input(flow, &input);
        input.listed32 = flow->filter && flow->filter->allows_32bit;
        if (flow->session)
                input.session = flow->session->id_bytes;
        return plan_make(&input, &flow->plan, &flow->plan_size, text(flow));
}

/* More than the target has, by INTERFACE's words. */
static bool is_privileged(const struct flow *flow) {
        return flow->plan &&
               (flow->plan->caps[CAPS_BOUNDING] & ~flow->target->facts->caps[CAPS_BOUNDING] ||
                !flow->filter || flow->verdict.label);
}

/* Which polkit action a request is, whether or not its rule asks (INTERFACE: privileged, else as-other, else exec). */
static const char *action_of(const struct flow *flow) {
        bool self = flow->verdict.answer == POLICY_ASK_SELF;

        if (flow->verdict.answer != POLICY_ASK_SELF && flow->verdict.answer != POLICY_ASK_ADMIN)
                return "";
        if (is_privileged(flow))
                return self ? "org.airlock1.exec-privileged-self" : "org.airlock1.exec-privileged";
        if (flow->identity.uid != flow->target->process.uid)
                return self ? "org.airlock1.exec-as-other-self" : "org.airlock1.exec-as-other";
        return self ? "org.airlock1.exec-self" : "org.airlock1.exec";
}

/* The command's side of stream i: what was passed, or one end of a new pipe, or nothing where the target's null device is meant. */
static int make_stream(struct flow *flow, unsigned i, int *ret) {
        struct request *request = flow->request;
        bool wanted = request->kind == REQUEST_RUN ? i > 0 : request->output == REQUEST_FDS;
        int pipe_fds[2];

        if (request->tty)
                wanted = i == 2 && request->stderr_own && request->output != REQUEST_RING;

        *ret = take_fd(&request->streams[i]);
        if (*ret >= 0 || !wanted)
                return 0;
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        *ret = pipe_fds[i == 0 ? 0 : 1];
        flow->ends[i] = pipe_fds[i == 0 ? 1 : 0];
        return 0;
}

/* All but the streams and the filter, which are made for it. */
static struct launch_request plan_request(struct flow *flow) {
        struct launch_request request = { .plan = flow->plan,
                                          .plan_size = flow->plan_size,
                                          .target_fd = flow->target->pidfd,
                                          .filter_fd = -1,
                                          .streams = { -1, -1, -1 },
                                          .outer = { -1, -1, -1 },
                                          .ring_fd = -1,
                                          .n_extra = flow->request->n_extra,
                                          .counter = ++flow->broker->counter,
                                          .now = loop_now(flow->broker->loop) };

        memcpy(request.extra, flow->request->extra, sizeof request.extra);
        return request;
}

static void on_foreseen(void *userdata, int outcome, struct error *error) {
        struct flow *flow = userdata;

        flow->foresee = NULL;
        note_refusal(flow, outcome, error);
        flow->stage--; /* the same stage again, to answer */
        flow_resume(flow, 0);
}

/* The helper says what it would do with the very plan. */
static int foresee(struct flow *flow) {
        struct launch_request request = plan_request(flow);
        int streams[3] = { -1, -1, -1 };
        int r = 0;

        flow->foreseen = true;
        for (unsigned i = 0; i < 3 && r == 0; i++)
                r = make_stream(flow, i, &streams[i]);
        memcpy(request.streams, streams, sizeof request.streams);
        if (flow->filter && r == 0)
                r = filter_memfd(flow->filter, &request.filter_fd);
        if (r == 0)
                r = foresee_start(flow->broker->links, &request, on_foreseen, flow, &flow->foresee,
                                  text(flow));
        close_fds(streams, 3);
        return r ? r : FLOW_WAITS;
}

static int stage_explain(struct flow *flow) {
        struct call *call = flow->call;
        struct dict *dict;

        if (flow->request->kind != REQUEST_EXPLAIN)
                return 0;
        if (flow->plan && !flow->refusal && !flow->foreseen)
                return foresee(flow);
        dict = explain(&(struct explain_input){ .verdict = &flow->verdict,
                                                .trace = &flow->trace,
                                                .request = &flow->input.request,
                                                .action = action_of(flow),
                                                .plan = flow->plan,
                                                .filter = flow->filter,
                                                .target = flow->target,
                                                .privileged = is_privileged(flow),
                                                .refusal = flow->refusal,
                                                .refusal_text = flow->refusal_text.text });
        flow->call = NULL;
        reply_dict(call, dict);
        flow_free(flow);
        return FLOW_WAITS;
}

/* ---- polkit ---- */

/* A yes is for this plan and this target, and for nothing that took their place meanwhile. The caller is still there, or the request
 * would not be. */
static void on_polkit(void *userdata, int outcome) {
        struct flow *flow = userdata;

        flow->polkit = NULL;
        if (outcome == 0 && !flow->target->alive)
                outcome = error_set(text(flow), OUTCOME_TARGET_NOT_RUNNING,
                                    "target %s: ended while the authorisation was asked for",
                                    flow->request->target);
        else if (outcome > 0)
                error_set(text(flow), outcome, "target %s: not authorised (%s)",
                          flow->request->target, outcome_word(outcome));
        if (outcome == 0)
                outcome = connect_helper(flow);
        flow_resume(flow, outcome);
}

static int stage_polkit(struct flow *flow) {
        struct prompt prompt;
        int r;

        if (flow->verdict.answer == POLICY_ALLOW)
                return 0;
        prompt_fill(&prompt, &(struct prompt_input){
                                     .subject = flow->caller->name,
                                     .action = action_of(flow),
                                     .interactive = flow->call->interactive,
                                     .timeout_ms = flow->broker->settings->prompt_timeout_s * 1000,
                                     .request = flow->request,
                                     .target = flow->target,
                                     .plan = flow->plan });
        r = polkit_ask(flow->broker->bus, loop_event(flow->broker->loop), &prompt.question,
                       on_polkit, flow, &flow->polkit);
        return r < 0 ? error_set(text(flow), OUTCOME_POLKIT_UNAVAILABLE, "polkit: cannot be asked")
                     : FLOW_WAITS;
}

/* ---- launch ---- */

static int send_plan(struct flow *flow, const int streams[3]) {
        struct launch_request request = plan_request(flow);
        int r = 0;

        memcpy(request.streams, streams, sizeof request.streams);
        memcpy(request.outer, flow->session->outer, sizeof request.outer);
        request.ring_fd = flow->session->ring_fd;
        if (flow->filter)
                r = filter_memfd(flow->filter, &request.filter_fd);
        if (r < 0)
                return r;
        return launch_exec(flow->session->launch, &request, text(flow));
}

/* Which of its timeouts are shorter than what was asked, or were not asked at all. */
static unsigned rule_timeouts(const struct flow *flow) {
        const struct policy_limits *asked = &flow->request->limits, *got = &flow->verdict.limits;

        return (got->wall_ms && got->wall_ms != asked->wall_ms ? 1u << WIRE_TIMEOUT_WALL : 0) |
               (got->cpu_ms && got->cpu_ms != asked->cpu_ms ? 1u << WIRE_TIMEOUT_CPU : 0) |
               (got->idle_ms && got->idle_ms != asked->idle_ms ? 1u << WIRE_TIMEOUT_IDLE : 0);
}

/* What a session is known by from now on. */
static int describe_session(struct flow *flow) {
        struct session *session = flow->session;
        char rule[512];

        explain_rule(&flow->verdict, rule, sizeof rule);
        session->owner = flow->caller->uid;
        session->owner_name = strdup(flow->caller->name);
        session->target = strdup(flow->target->display);
        session->rule = strdup(rule);
        session->client_gone = flow->verdict.client_gone;
        session->keep_for_s = flow->verdict.keep_for_s;
        session->rule_timeouts = rule_timeouts(flow);
        session->target_pid = flow->target->pid;
        session->target_ticks = flow->target->facts->identity.start_ticks;
        session->seccomp = flow->verdict.seccomp ? strdup(flow->verdict.seccomp) : NULL;
        session->tty = flow->request->tty;
        session->privileged = flow->plan->caps[CAPS_BOUNDING] &
                                      ~flow->target->facts->caps[CAPS_BOUNDING] ||
                              !flow->filter;
        snprintf(session->user, sizeof session->user, "%u:%u", flow->identity.uid,
                 flow->identity.gid);
        return session->owner_name && session->target && session->rule ? 0 : -ENOMEM;
}

/* Its output goes to a relay, which is there before the command is. */
static int prepare_relay(struct flow *flow, int streams[3]) {
        struct session *session = flow->session;
        int r;

        if (flow->request->output != REQUEST_RING)
                return 0;
        r = session_relay_prepare(session, flow->request);
        if (r == 0)
                r = session_relay_streams(session, flow->request, streams);
        session->idle_ms = flow->verdict.limits.idle_ms;
        /* Kept from the moment on that somebody detaches, or from the start. */
        if (session->may_detach && !flow->request->detach && !flow->request->gone_given)
                session->client_gone = POLICY_GONE_KILL;
        return r;
}

static int stage_launch(struct flow *flow) {
        int streams[3] = { -1, -1, -1 };
        int r = describe_session(flow);

        for (unsigned i = 0; i < 3 && r == 0; i++)
                r = make_stream(flow, i, &streams[i]);
        if (r == 0)
                r = prepare_relay(flow, streams);
        if (r == 0 && flow->request->kind == REQUEST_RUN) {
                r = run_new(loop_event(flow->broker->loop), flow->call->quota, &flow->ends[1],
                            &flow->run);
                flow->ends[1] = flow->ends[2] = -1;
        }
        if (r == 0)
                r = send_plan(flow, streams);
        close_fds(streams, 3);
        request_close_fds(flow->request);
        loop_need_tick(flow->broker->loop);
        if (r)
                return r;
        trace_mark(flow->marks, "sent");
        /* The decision is made, whatever becomes of it: written while the helper works. */
        record_decision(flow, policy_answer_name(flow->verdict.answer), "");
        return FLOW_WAITS;
}

/* ---- the helper's answer ---- */

/* Nobody else can have come before: what is asked of the relay is not waited for. */
static void attach_starter(struct flow *flow, struct session *session) {
        const struct request *request = session->request;
        struct request_attach attach = { .follow = true };
        struct error error;

        if (session->ring_fd < 0 || request->detach)
                return;
        if (session_relay_attach(session, &attach, flow->ends, NULL, &error) == 0)
                session_relay_attached(session, flow->caller->name);
        else
                session_detached(session, 0);
}

static void answer_started(struct flow *flow, struct session *session) {
        struct call *call = flow->call;

        flow->call = NULL;
        if (!flow->run) {
                attach_starter(flow, session);
                reply_exec(call, session->path, flow->ends);
                return;
        }
        session->run = flow->run;
        flow->run = NULL;
        run_attach(session->run, call, session, session->request->raw);
}

static void on_started(void *userdata, const struct wire_started *started, int master) {
        struct session *session = userdata;
        struct flow *flow = session->flow;
        struct broker *broker = flow->broker;
        bool gone = flow->caller->gone;

        if (session->ring_fd >= 0) {
                session_relay_started(session, master);
                close_fd(master);
        } else if (master >= 0) {
                close_fd(flow->ends[0]);
                flow->ends[0] = master;
        }
        quota_start(session->quota, loop_now(broker->loop));
        trace_mark(flow->marks, "started");
        session->trace = flow->marks;
        flow->marks = NULL;
        session->plan = flow->plan;
        session->plan_size = flow->plan_size;
        flow->plan = NULL;
        session->request = flow->request;
        session->visible = true;
        session->flow = NULL;
        session->attached = session->ring_fd >= 0 && !session->request->detach;
        session_started(session, started);
        answer_started(flow, session);
        flow->session = NULL;
        flow->request = NULL;
        flow_free(flow);
        if (gone)
                sessions_owner_gone(broker->sessions, session->owner_name);
}

static void on_refused(void *userdata, int result, struct error *error) {
        struct session *session = userdata;
        struct flow *flow = session->flow;

        *text(flow) = *error;
        /* The ceiling may have been read again since the target was described. */
        if (result == OUTCOME_OVER_CEILING)
                target_refresh(flow->target);
        /* The helper knows no names: those of the request stand in what the caller reads. */
        if (result == OUTCOME_TARGET_PAUSED)
                error_set(text(flow), result, "target %s: is frozen (paused); resume it first",
                          flow->request->target);
        else if (result == OUTCOME_BAD_CWD && flow->request->cwd)
                error_set(text(flow), result, "cwd %.256s: %.160s", flow->request->cwd,
                          error->text);
        refuse(flow, result);
}

static void on_exited(void *userdata, const struct wire_exited *exited) {
        session_ended(userdata, exited);
}

static void on_ends(void *userdata, int fds[LAUNCH_ENDS]) {
        session_relay_replace(userdata, fds);
}

/* ---- the order ---- */

static const struct stage {
        const char *name;
        int (*run)(struct flow *flow);
} stages[] = {
        { "target", stage_target }, { "precheck", stage_precheck }, { "user", stage_user },
        { "policy", stage_policy }, { "session", stage_session },   { "filter", stage_filter },
        { "plan", stage_plan },     { "explain", stage_explain },   { "polkit", stage_polkit },
        { "launch", stage_launch },
};
#define N_STAGES (sizeof stages / sizeof stages[0])

static void flow_advance(struct flow *flow) {
        while (flow->stage < N_STAGES) {
                int r = stages[flow->stage].run(flow);

                if (r == FLOW_WAITS)
                        return;
                if (r) {
                        refuse(flow, r);
                        return;
                }
                trace_mark(flow->marks, stages[flow->stage].name);
                flow->stage++;
        }
}

/* The answer that a stage waited for: it is done, or refuses. */
static void flow_resume(struct flow *flow, int result) {
        if (result) {
                refuse(flow, result);
                return;
        }
        flow->stage++;
        flow_advance(flow);
}

/* Whom an Explain is about: somebody else only for who may manage others' sessions. */
static int find_who(struct flow *flow) {
        struct caller *who = NULL;
        struct call *call = flow->call;
        int r;

        if (!flow->request->as)
                return 0;
        if (!api_may_manage(call))
                return error_set(&call->error, call->manage, "option as: not authorised (%s)",
                                 outcome_word(call->manage));
        r = caller_imagine(flow->broker->callers, flow->request->as, &who, &call->error);
        if (r)
                return r;
        who->policy.active = logins_active(flow->broker->logins, who->uid);
        caller_unref(flow->who);
        flow->who = who;
        return 0;
}

static int flow_begin(struct call *call, enum request_kind kind) {
        struct trace *marks = trace_new();
        struct request *request = NULL;
        struct flow *flow;
        int r;

        trace_mark(marks, "call");
        r = request_read(call->message, kind, &request, &call->error);
        if (r == 0)
                r = request_charge(request, call->quota, &call->error);

        flow = r ? NULL : calloc(1, sizeof *flow);
        if (!flow) {
                trace_free(marks);
                request_free(request);
                return r ? r : -ENOMEM;
        }
        *flow = (struct flow){ .broker = call->broker,
                               .call = call,
                               .caller = caller_ref(call->caller),
                               .who = caller_ref(call->caller),
                               .request = request,
                               .marks = marks,
                               .ends = { -1, -1, -1 } };
        flow->rules = call->broker->rules ? policy_set_ref(call->broker->rules) : NULL;
        flow->next = call->broker->flows;
        call->broker->flows = flow;
        trace_mark(marks, "request");
        r = find_who(flow);
        if (r)
                refuse(flow, r);
        else
                flow_advance(flow);
        return 0;
}

int flow_exec(struct call *call) {
        return flow_begin(call, REQUEST_EXEC);
}

int flow_run(struct call *call) {
        return flow_begin(call, REQUEST_RUN);
}

int flow_explain(struct call *call) {
        return flow_begin(call, REQUEST_EXPLAIN);
}

void flows_caller_gone(struct broker *broker, const char *name) {
        struct flow *next;

        for (struct flow *flow = broker->flows; flow; flow = next) {
                next = flow->next;
                /* One that was launched is told by its start that nobody waits. */
                if (strcmp(flow->caller->name, name) == 0 &&
                    !(flow->session && flow->session->launch))
                        flow_free(flow);
        }
}

void flows_free(struct broker *broker) {
        while (broker->flows)
                flow_free(broker->flows);
}
