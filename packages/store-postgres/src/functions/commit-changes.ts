/**
 * Writes changes of different stacks, each whole or not at all: one round trip, one transaction, and per table one
 * statement over all changes. The arrays have an entry a change; the rows of the documents name their change by `n`, from
 * 1. Rows are locked in the order of their ids. A stack that is not there is locked by its name, so that two that make
 * it, or that park events for it, wait for each other.
 */
export const COMMIT_CHANGES = `
create function stackyard.commit_changes(
  p_ids text[], p_versions bigint[], p_kinds text[], p_nows bigint[], p_counts int[],
  p_puts json, p_applied json, p_known json, p_parked json, p_unparked json, p_aside json, p_history json,
  p_closes json, p_dispatches json, p_resends json, p_cancels json,
  p_events json, p_tasks json)
returns table (n int, kind text, version bigint, known text[])
language plpgsql as $body$
#variable_conflict use_column
declare
  v_absent text[];
  v_ok int[];
  v_last bigint[];
  v_counts bigint[];
  v_there boolean[];
  v_known_ns int[];
  v_known_ids text[];
  v_made int[];
begin
  perform 1 from stackyard.stacks s where s.id = any(p_ids) order by s.id for update;
  select array_agg(i.id) into v_absent
    from unnest(p_ids) as i(id) where not exists (select from stackyard.stacks s where s.id = i.id);
  if v_absent is not null then
    perform pg_advisory_xact_lock(k.key)
       from (select hashtextextended('stackyard.' || a.id, 0) as key from unnest(v_absent) as a(id) order by 1) k;
    perform 1 from stackyard.stacks s where s.id = any(v_absent) order by s.id for update;
  end if;

  select array_agg(c.n::int) filter (where coalesce(s.version, 0) = c.version),
         array_agg(coalesce(s.version, g.version, 0) order by c.n),
         array_agg(coalesce(s.id_count, g.id_count, 0) order by c.n),
         array_agg(s.id is not null order by c.n)
    into v_ok, v_last, v_counts, v_there
    from unnest(p_ids, p_versions) with ordinality as c(id, version, n)
    left join stackyard.stacks s on s.id = c.id
    left join stackyard.stack_gone g on s.id is null and g.id = c.id;

  if p_known is not null and v_ok is not null then
    select array_agg(k.n order by k.o), array_agg(k.id order by k.o) into v_known_ns, v_known_ids
      from json_to_recordset(p_known) as k(n int, o int, stack text, id text)
     where k.n = any(v_ok)
       and exists (select from stackyard.event_id i where i.event_id = k.id and i.stack_id = k.stack);
    if v_known_ns is not null then
      v_ok := array(select unnest(v_ok) except select unnest(v_known_ns));
    end if;
  end if;

  if p_puts is not null then
    update stackyard.stacks s
       set data = w.data, version = s.version + 1, machine = w.machine, state = w.state, busy = w.busy,
           trouble = w.trouble, timer_at = w.timer, id_count = s.id_count + p_counts[w.n], foreign_write = false,
           unreadable = null,
           last_updated_time = stackyard.to_timestamp_utc(w.updated)
      from json_to_recordset(p_puts)
        as w(n int, id text, data text, machine text, state text, busy boolean, trouble smallint, timer bigint,
             created bigint, updated bigint)
     where s.id = w.id and w.n = any(v_ok);
    if v_absent is not null then
      with made as (
        insert into stackyard.stacks as s (id, data, creation_time, last_updated_time, version, machine, state, busy,
                                           trouble, timer_at, id_count, foreign_write)
        select w.id, w.data, stackyard.to_timestamp_utc(w.created), stackyard.to_timestamp_utc(w.updated),
               v_last[w.n] + 1, w.machine, w.state, w.busy, w.trouble, w.timer, v_counts[w.n] + p_counts[w.n],
               false
          from json_to_recordset(p_puts)
            as w(n int, id text, data text, machine text, state text, busy boolean, trouble smallint, timer bigint,
                 created bigint, updated bigint)
         where w.n = any(v_ok) and not v_there[w.n]
        on conflict (id) do nothing
        returning s.id
      ), gone as (
        delete from stackyard.stack_gone g using made m where g.id = m.id
      )
      select array_agg(c.n::int) into v_made
        from made m join unnest(p_ids) with ordinality as c(id, n) on c.id = m.id;
      -- One that somebody else made meanwhile, who does not lock names, is a conflict.
      v_ok := array(select o.n from unnest(v_ok) as o(n)
                     where p_kinds[o.n] <> 'put' or v_there[o.n] or o.n = any(coalesce(v_made, '{}')));
    end if;
  end if;

  if 'remove' = any(p_kinds) then
    with gone as (
      delete from stackyard.stacks s
       using unnest(p_ids, p_kinds, p_counts) with ordinality as c(id, kind, count, n)
       where c.kind = 'remove' and s.id = c.id and c.n = any(v_ok)
      returning s.id, s.version, s.id_count + c.count as count
    )
    insert into stackyard.stack_gone as g (id, version, id_count) select gone.id, gone.version, gone.count from gone
    on conflict (id) do update set version = excluded.version, id_count = excluded.id_count;
  end if;

  if p_applied is not null then
    update stackyard.stacks s set id_count = s.id_count + c.count
      from unnest(p_ids, p_kinds, p_counts) with ordinality as c(id, kind, count, n)
     where c.kind = 'keep' and c.count > 0 and s.id = c.id and c.n = any(v_ok);
    if v_absent is not null then
      insert into stackyard.stack_gone as g (id, version, id_count)
      select c.id, v_last[c.n], v_counts[c.n] + c.count
        from unnest(p_ids, p_kinds, p_counts) with ordinality as c(id, kind, count, n)
       where c.kind <> 'put' and c.count > 0 and not v_there[c.n] and c.n = any(v_ok)
      on conflict (id) do update set id_count = excluded.id_count;
    end if;
    insert into stackyard.event_id (event_id, stack_id, applied_at, number)
    select a.id, p_ids[a.n], p_nows[a.n], v_counts[a.n] + a.o
      from json_to_recordset(p_applied) as a(n int, o int, id text) where a.n = any(v_ok)
    on conflict do nothing;
  end if;

  if p_parked is not null then
    insert into stackyard.parked as p (stack_id, event_id, parked_at, next_try_at, body)
    select k.stack, k.id, k.at, k.next, k.body
      from json_to_recordset(p_parked) as k(n int, stack text, id text, at bigint, next bigint, body text)
     where k.n = any(v_ok)
    on conflict (stack_id, event_id) do update
       set parked_at = excluded.parked_at, next_try_at = excluded.next_try_at, body = excluded.body;
  end if;
  if p_unparked is not null then
    delete from stackyard.parked p using json_to_recordset(p_unparked) as u(n int, id text)
     where u.n = any(v_ok) and p.stack_id = p_ids[u.n] and p.event_id = u.id;
  end if;
  if p_aside is not null then
    insert into stackyard.set_aside (id, stack_id, code, set_aside_at, body)
    select a.id, a.stack, a.code, a.at, a.body
      from json_to_recordset(p_aside) as a(n int, id text, stack text, code text, at bigint, body text)
     where a.n = any(v_ok)
    on conflict (id) do nothing;
  end if;
  if p_history is not null then
    perform stackyard.open_history();
    insert into stackyard.history (stack_id, event_id, at, body)
    select h.stack, h.id, h.at, h.body
      from json_to_recordset(p_history) as h(n int, stack text, id text, at bigint, body text)
     where h.n = any(v_ok);
  end if;

  if p_closes is not null then
    perform stackyard.end_attempts(array_agg(l.attempt_no), 'closed', c.now)
       from json_to_recordset(p_closes) as c(n int, id text, now bigint)
       join stackyard.live l on l.attempt_id = c.id
      where c.n = any(v_ok)
      group by c.now;
  end if;
  if p_dispatches is not null then
    perform stackyard.dispatch_attempts(p_dispatches, v_ok);
  end if;
  if p_resends is not null then
    perform stackyard.send_again(p_resends, v_ok);
  end if;
  if p_cancels is not null then
    perform stackyard.cancel_attempts(p_cancels, v_ok);
  end if;

  if p_events is not null then
    perform stackyard.remove_events(array_agg(e.seq), array_agg(e.stack))
       from json_to_recordset(p_events) as e(n int, seq bigint, stack text) where e.n = any(v_ok);
  end if;
  if p_tasks is not null then
    delete from stackyard.task_queue q using json_to_recordset(p_tasks) as t(n int, seq bigint)
     where t.n = any(v_ok) and q.seq = t.seq;
  end if;

  return query
    select c.n::int,
           case when c.n = any(v_ok) then 'committed' when c.n = any(v_known_ns) then 'duplicate' else 'conflict' end,
           case when p_kinds[c.n] = 'put' then v_last[c.n] + 1 when v_there[c.n] then v_last[c.n] else 0 end,
           array(select k.id from unnest(v_known_ns, v_known_ids) with ordinality as k(n, id, o)
                  where k.n = c.n order by k.o)
      from unnest(p_ids) with ordinality as c(id, n)
     order by c.n;
end
$body$;

create function stackyard.to_timestamp_utc(p_ms bigint) returns timestamp language sql immutable as $body$
  select timestamp 'epoch' + p_ms * interval '1 millisecond';
$body$;
`;
