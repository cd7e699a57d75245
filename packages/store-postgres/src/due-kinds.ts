import type { DueKind } from "./port-types.ts";

/** How rows of one kind of due work are found; `$1` is now, `$2` the limit, `$4` where to look from in the queue. */
export interface DueSource {
  /** Gives `kind`, `key` (the receipt, or what names this work at this instant), `at`, and what the item is made of. */
  readonly due: string;
  /** Gives `at`, the earliest instant at which something of the kind may be due; what is out is due when it comes back. */
  readonly next: string;
}

/** Rows that a look for the next instant reads at most; what lies behind them is due no earlier than the last of them. */
const LOOK = 1_000;

const FREE = "coalesce((select d.until from stackyard.due_lease d where d.key = x.key), 0) <= $1";

function nextOf(rows: string): string {
  return `select least(min(coalesce(d.until, x.at)), case when count(*) = ${LOOK} then max(x.bound) end) as at
       from (${rows} limit ${LOOK}) x left join stackyard.due_lease d on d.key = x.key`;
}

function attemptSource(kind: "poll" | "lapsedLease" | "deadline", column: string, key: string): DueSource {
  const rows = `select ${key} as key, l.attempt_no, l.${column} as at, l.due_at as bound, l.cancel_until
         from stackyard.live l where l.${column} is not null`;
  return {
    due: `select '${kind}' as kind, x.key, x.at, null::bigint as seq, x.attempt_no, null as stack_id, x.cancel_until
       from (${rows} and l.due_at <= $1 and l.${column} <= $1) x where ${FREE} order by x.at limit $2`,
    next: nextOf(`${rows} and l.due_at is not null order by l.due_at`),
  };
}

/** `due`: rows that are due, one a stack. */
function stackSource(kind: "timer" | "parked", parts: { rows: string; due: string; instant: string }): DueSource {
  const { rows, due, instant } = parts;
  return {
    due: `select '${kind}' as kind, x.key, x.at, null::bigint as seq, null::bigint as attempt_no, x.stack_id,
                 null::bigint as cancel_until
       from (${due}) x where ${FREE} order by x.at limit $2`,
    next: nextOf(`${rows} order by ${instant}`),
  };
}

const TIMERS = `select 'timer:' || s.timer_at || ':' || s.version || ':' || s.id as key, s.timer_at as at, s.timer_at as bound,
            s.id as stack_id from stackyard.stacks s where s.timer_at is not null`;
const PARKED = `select 'parked:' || p.next_try_at || ':' || p.stack_id as key, p.next_try_at as at, p.next_try_at as bound,
            p.stack_id from stackyard.parked p where true`;

/** Where due work besides events is found. The keys of timers name the version: a later record may have one of the same instant. */
export const DUE_SOURCES: Readonly<Record<Exclude<DueKind, "event">, DueSource>> = {
  task: {
    due: `select 'task' as kind, 'task:' || t.seq as key, greatest(t.queued_at, t.visible_at) as at, t.seq, t.attempt_no,
                 null as stack_id, null::bigint as cancel_until
       from stackyard.task_queue t where t.seq >= $4 and t.visible_at <= $1 order by t.seq limit $2 for update skip locked`,
    next: "select min(t.visible_at) as at from stackyard.task_queue t",
  },
  poll: attemptSource("poll", "poll_due_at", "'poll:' || l.poll_due_at || ':' || l.token || ':' || l.attempt_no"),
  lapsedLease: attemptSource(
    "lapsedLease",
    "lease_until",
    "'lapsedLease:' || l.lease_until || ':' || l.token || ':' || l.attempt_no",
  ),
  deadline: attemptSource("deadline", "ends_at", "'deadline:' || l.ends_at || ':' || l.attempt_no"),
  timer: stackSource("timer", { rows: TIMERS, due: `${TIMERS} and s.timer_at <= $1`, instant: "s.timer_at" }),
  parked: stackSource("parked", {
    rows: PARKED,
    // A stack may have several.
    due: `select distinct on (r.stack_id) r.* from (${PARKED} and p.next_try_at <= $1) r order by r.stack_id, r.at`,
    instant: "p.next_try_at",
  }),
};
