/**
 * How long a statement waits for a row that another session holds. One forgotten transaction must not stop more than the
 * stack whose row it holds: what fails is tried for each stack alone, and for this one again later.
 */
export const LOCK_TIMEOUT_MS = 1_000;

/** A session that holds rows of the store locked. Without `pg_read_all_stats` only its number and user are visible. */
export interface LockHolder {
  readonly pid: number;
  readonly name: string | null;
  readonly state: string | null;
  readonly seconds: number | null;
}

/** Lists the sessions whose transactions have locked rows of the store for the longest time. */
export const LOCK_HOLDERS = `
select a.pid, coalesce(nullif(a.application_name, ''), a.usename) as name, a.state,
       extract(epoch from now() - a.xact_start)::int as seconds
  from pg_stat_activity a
 where a.pid <> pg_backend_pid() and a.datname = current_database()
   and (a.xact_start is null or a.xact_start < now() - interval '${LOCK_TIMEOUT_MS} milliseconds')
   and exists (select from pg_locks l
                where l.pid = a.pid and l.granted and l.mode in ('RowShareLock', 'RowExclusiveLock')
                  and l.relation in ('stackyard.stacks'::regclass, 'stackyard.open_attempt'::regclass,
                                     'stackyard.event_queue'::regclass, 'stackyard.held_key'::regclass))
 order by a.xact_start limit 3`;

/** Formats a session for a message. */
export function formatLockHolder({ pid, name, state, seconds }: LockHolder): string {
  const age = seconds === null ? "the age of its transaction is not visible" : `its transaction is ${seconds} s old`;
  return `the session ${pid} (${name ?? "unknown"}, ${state ?? "unknown state"}, ${age})`;
}

/** Returns true for lock_not_available: the wait for a lock was longer than `lock_timeout`. */
export function isLocked({ code }: { readonly code: string }): boolean {
  return code === "55P03";
}
