import { WITHOUT_DONE } from "./remove-events.ts";

/** Which changes find their stacks at the expected versions; locks the rows. */
const LOOK = `select array_agg(c.n::int) filter (where coalesce(s.version, 0) = c.version),
         array_agg(coalesce(s.version, g.version, 0) order by c.n),
         array_agg(coalesce(s.id_count, g.id_count, 0) order by c.n),
         array_agg(s.id is not null order by c.n)
    into v_ok, v_last, v_counts, v_there
    from unnest(p_ids, p_versions) with ordinality as c(id, version, n)
    left join (select s.id, s.version, s.id_count from stackyard.stacks s
                where s.id = any(p_ids) order by s.id for update) s on s.id = c.id
    left join stackyard.stack_gone g on s.id is null and g.id = c.id and g.id = any(p_ids)`;

/**
 * Writes changes of different stacks, each whole or not at all: one round trip, one transaction. The arrays have an entry
 * a change; the rows of the documents name their change by `n`, from 1. Rows are locked in the order of their ids. A stack
 * that is not there is locked by its name, so that two that make it, or that park events for it, wait for each other.
 *
 * What nearly every transition does is one statement; what few do is asked for before it is done. Joins name their keys
 * as a list too: a plan that was made while a table was empty would else read all of it later on.
 */
export const COMMIT_CHANGES = `
create function stackyard.commit_changes(
  p_ids text[], p_versions bigint[], p_kinds text[], p_counts int[],
  p_puts json, p_applied json, p_known json, p_parked json, p_unparked json, p_aside json, p_history json,
  p_closes json, p_dispatches json, p_resends json, p_cancels json,
  p_events json, p_tasks json, p_results json)
returns table (n int, kind text, version bigint, known text[], claimed text[], passed boolean)
language plpgsql as $body$
#variable_conflict use_column
declare
  v_ok int[];
  v_last bigint[];
  v_counts bigint[];
  v_there boolean[];
  v_known_ns int[];
  v_known_ids text[];
  v_lost_ns int[];
  v_lost_ids text[];
  v_behind int[];
  v_claimed text[];
  v_passed boolean := false;
  v_none text;
begin
  ${LOOK};
  if false = any(v_there) then
    perform pg_advisory_xact_lock(k.key)
       from (select hashtextextended('stackyard.' || c.id, 0) as key
               from unnest(p_ids, v_there) as c(id, there) where not c.there order by 1) k;
    -- Somebody may have made one of them meanwhile.
    ${LOOK};
  end if;
  if p_known is not null or p_results is not null or (p_applied is not null and false = any(v_there)) then
    -- What nearly every transition does finds known ids by itself.
    select array_agg(k.n order by k.o), array_agg(k.id order by k.o) into v_known_ns, v_known_ids
      from (select a.n, a.o, a.stack, a.id from json_to_recordset(p_applied) as a(n int, o int, id text, stack text)
            union all
            select k.n, k.o, k.stack, k.id from json_to_recordset(p_known) as k(n int, o int, stack text, id text)) k
     where k.n = any(v_ok)
       and (select true from stackyard.event_id i where i.event_id = k.id and i.stack_id = k.stack);
    if v_known_ns is not null then
      v_ok := array(select unnest(v_ok) except select unnest(v_known_ns));
    end if;
  end if;
  if p_results is not null then
    select c.lost_ns, c.lost_ids, c.behind into v_lost_ns, v_lost_ids, v_behind
      from stackyard.check_results(p_ids, p_results, p_events, v_ok) c;
    v_ok := array(select unnest(v_ok) except select unnest(v_lost_ns || v_behind));
  end if;
  if p_puts is not null and false = any(v_there) then
    v_ok := stackyard.add_stacks(p_ids, p_kinds, p_counts, p_puts, v_ok, v_last, v_counts, v_there);
  end if;
  if p_history is not null then
    v_none := stackyard.open_history();
  end if;

  with applied as materialized (
    select * from json_to_recordset(p_applied) as a(n int, o int, id text, stack text, now bigint) where a.n = any(v_ok)
  ), known as materialized (
    select a.n, a.o, a.id from applied a
     where (select true from stackyard.event_id i where i.event_id = a.id and i.stack_id = a.stack)
  ), put as (
    update stackyard.stacks s
       set data = w.data, version = s.version + 1, machine = w.machine, state = w.state, busy = w.busy,
           trouble = w.trouble, timer_at = w.timer, id_count = s.id_count + p_counts[w.n], foreign_write = false,
           unreadable = null, last_updated_time = stackyard.to_timestamp_utc(w.updated)
      from json_to_recordset(p_puts)
        as w(n int, id text, data text, machine text, state text, busy boolean, trouble smallint, timer bigint,
             updated bigint)
     where s.id = any(p_ids) and s.id = w.id and w.n = any(v_ok) and v_there[w.n] and w.n not in (select k.n from known k)
  ), remembered as (
    insert into stackyard.event_id (event_id, stack_id, applied_at, number)
    select a.id, a.stack, a.now, v_counts[a.n] + a.o
      from applied a where a.n not in (select k.n from known k)
    on conflict do nothing
  ), recorded as (
    insert into stackyard.history (stack_id, event_id, at, body)
    select h.stack, h.id, h.at, h.body
      from json_to_recordset(p_history) as h(n int, stack text, id text, at bigint, body text)
     where h.n = any(v_ok) and h.n not in (select k.n from known k)
  ), given as materialized (
    select g.*, nextval('stackyard.attempt_no') as no, nextval('stackyard.task_seq') as seq
      from json_to_recordset(p_dispatches)
        as g(n int, id text, long text, stack text, task text, entry bigint, attempt bigint, executor text,
             timeout bigint, unclaimed bigint, within bigint, secrets text, message text, owner text, lease bigint,
             now bigint)
     where g.n = any(v_ok) and g.n not in (select k.n from known k)
  ), fresh as (
    insert into stackyard.live (attempt_no, attempt_id, status, token, owner, lease_until, timeout_ms, deadline_at,
                                ends_at, due_at, queue_seq, cancel_within_ms, secrets)
    select g.no, g.id, 'unclaimed', 0, null, null, g.timeout, g.now + g.unclaimed, g.now + g.unclaimed,
           g.now + least(20000, g.unclaimed), g.seq, g.within, g.secrets
      from given g where g.owner is null
    union all
    select g.no, g.id, 'running', 1, g.owner, g.now + g.lease, g.timeout, g.now + g.timeout, g.now + g.timeout,
           g.now + least(g.lease, g.timeout), null, g.within, g.secrets
      from given g where g.owner is not null
    on conflict (attempt_id) do nothing
    returning attempt_no, attempt_id, owner
  ), made as (
    insert into stackyard.attempt (attempt_no, attempt_id, long_id, stack_id, task, entry, attempt, executor,
                                   dispatched_at, message)
    select g.no, g.id, g.long, g.stack, g.task, g.entry, g.attempt, g.executor, g.now, g.message
      from given g where g.no = any(array(select f.attempt_no from fresh f))
  ), queued as (
    insert into stackyard.task_queue (seq, attempt_no, visible_at, deliveries, queued_at)
    select g.seq, g.no, 0, 0, g.now
      from given g where g.owner is null and g.no = any(array(select f.attempt_no from fresh f))
  ), done as materialized (
    select e.seq, e.stack from json_to_recordset(p_events) as e(n int, seq bigint, stack text)
     where e.n = any(v_ok) and e.n not in (select k.n from known k)
  ), unqueued as (
    delete from stackyard.event_queue q where q.seq = any(array(select d.seq from done d))
  ), freed as (
    update stackyard.event_lease l
       set until = case when l.seqs <@ d.seqs then 0 else l.until end, ${WITHOUT_DONE}
      from (select d.stack, array_agg(d.seq) as seqs from done d group by d.stack) d
     where l.stack_id = any(array(select d.stack from done d)) and l.stack_id = d.stack and l.seqs && d.seqs
  )
  select coalesce(array_agg(k.n order by k.o), v_known_ns), coalesce(array_agg(k.id order by k.o), v_known_ids),
         (select array_agg(f.attempt_id) from fresh f where f.owner is not null)
    into v_known_ns, v_known_ids, v_claimed from known k;
  if v_known_ns is not null then
    v_ok := array(select unnest(v_ok) except select unnest(v_known_ns));
  end if;

  if p_results is not null then
    v_passed := stackyard.end_by_results(p_results, v_ok);
  end if;
  if p_parked is not null or p_unparked is not null or p_aside is not null then
    perform stackyard.park_events(p_ids, p_parked, p_unparked, p_aside, v_ok);
  end if;
  if 'put' <> any(p_kinds) then
    perform stackyard.keep_stacks(p_ids, p_kinds, p_counts, v_ok, v_last, v_counts, v_there);
  end if;
  if p_closes is not null then
    perform stackyard.end_attempts(array_agg(c.no), 'closed', c.now)
       from (select g.now, (select l.attempt_no from stackyard.live l where l.attempt_id = g.id) as no
               from json_to_recordset(p_closes) as g(n int, id text, now bigint) where g.n = any(v_ok)) c
      where c.no is not null
      group by c.now;
  end if;
  if p_resends is not null then
    perform stackyard.send_again(p_resends, v_ok);
  end if;
  if p_cancels is not null then
    perform stackyard.cancel_attempts(p_cancels, v_ok);
  end if;
  if p_tasks is not null then
    delete from stackyard.task_queue q
     where q.seq = any(array(
       select t.seq from json_to_recordset(p_tasks) as t(n int, seq bigint) where t.n = any(v_ok)));
  end if;

  return query
    select c.n::int,
           case when c.n = any(v_ok) then 'committed' when c.n = any(v_known_ns) then 'duplicate'
                when c.n = any(v_lost_ns) then 'lost' when c.n = any(v_behind) then 'behind' else 'conflict' end,
           case when c.kind = 'put' then c.last + 1 when c.there then c.last else 0 end,
           case when v_known_ns is not null or v_lost_ns is not null then
             array(select k.id from unnest(v_known_ns || v_lost_ns, v_known_ids || v_lost_ids) with ordinality as k(n, id, o)
                    where k.n = c.n order by k.o) end,
           v_claimed, v_passed
      from unnest(p_kinds, v_last, v_there) with ordinality as c(kind, last, there, n)
     order by c.n;
end
$body$;

-- Which of the results' grants no longer hold, and which results would overtake an event of their stack. Locks keys before
-- attempts, as a claim does.
create function stackyard.check_results(p_ids text[], p_results json, p_events json, p_ok int[])
returns table (lost_ns int[], lost_ids text[], behind int[]) language plpgsql as $body$
declare
  v_attempts text[] := array(select r.id from json_to_recordset(p_results) as r(n int, id text) where r.n = any(p_ok));
begin
  if exists (select from stackyard.held_key) then
    perform 1 from stackyard.held_key k
      where k.attempt_no = any(array(select l.attempt_no from stackyard.live l where l.attempt_id = any(v_attempts)))
      order by k.key for update;
  end if;
  perform 1 from stackyard.live l where l.attempt_id = any(v_attempts) order by l.attempt_id for update;
  select array_agg(r.n order by r.n), array_agg(r.id order by r.n) into lost_ns, lost_ids
    from json_to_recordset(p_results) as r(n int, id text, token bigint)
   where r.n = any(p_ok)
     and (select true from stackyard.live l
           where l.attempt_id = r.id and l.token = r.token and l.status = 'running') is null;
  behind := array(
    select distinct r.n from json_to_recordset(p_results) as r(n int)
     where r.n = any(p_ok) and r.n <> all(coalesce(lost_ns, '{}'))
       and exists (
         select from stackyard.event_queue q
          where q.stack_id = p_ids[r.n]
            and q.seq not in (select e.seq from json_to_recordset(p_events) as e(n int, seq bigint) where e.n = r.n)));
  return next;
end
$body$;

-- Ends the attempts of the results; true when a key may have been passed on.
create function stackyard.end_by_results(p_results json, p_ok int[]) returns boolean language plpgsql as $body$
declare
  v_given json;
  v_ids text[];
begin
  select json_agg(r), array_agg(r.id) into v_given, v_ids
    from json_to_recordset(p_results) as r(n int, id text, token bigint, outcome text, log text, now bigint)
   where r.n = any(p_ok);
  return v_given is not null and (select s.passed from stackyard.settle_attempts(v_given, v_ids, null) s);
end
$body$;

create function stackyard.to_timestamp_utc(p_ms bigint) returns timestamp language sql immutable as $body$
  select timestamp 'epoch' + p_ms * interval '1 millisecond';
$body$;
`;
