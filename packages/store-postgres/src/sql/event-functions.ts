import { STACK_COLUMNS } from "../stored-rows.ts";

/**
 * Adds events in their order, except those whose key (`id`: origin and id as `toEventKey` writes them) is queued,
 * parked or applied. `p_events`: rows of `n`, `stack`, `id`, `visible`, `queued`, `event`; only those whose `n` is in
 * `p_only`, when that is given. Returns the `n` of added events.
 */
export const ENQUEUE_EVENTS = `
create function stackyard.enqueue_events(p_events json, p_only int[]) returns int[] language plpgsql as $body$
declare
  v_added int[];
begin
  with given as materialized (
    select * from rows from (
      json_to_recordset(p_events) as (n int, stack text, id text, visible bigint, queued bigint, event text)
    ) with ordinality as g(n, stack, id, visible, queued, event, place)
  ), added as (
    insert into stackyard.event_queue (stack_id, event_id, visible_at, queued_at, event)
    select g.stack, g.id, coalesce(g.visible, 0), g.queued, g.event
      from given g
     where (p_only is null or g.n = any(p_only))
       and (select true from stackyard.event_id i where i.event_id = g.id and i.stack_id = g.stack) is null
       and (select true from stackyard.parked p where p.stack_id = g.stack and p.event_id = g.id) is null
     order by g.place
    on conflict (stack_id, event_id) do nothing
    returning stack_id, event_id
  )
  -- Of several rows with one id the first was added.
  select coalesce(array_agg(f.n), '{}') into v_added
    from (select distinct on (g.stack, g.id) g.n, g.stack, g.id from given g
           where p_only is null or g.n = any(p_only)
           order by g.stack, g.id, g.place) f
    join added a on a.stack_id = f.stack and a.event_id = f.id;
  return v_added;
end
$body$;
`;

/**
 * Takes the events `d.seqs` out of the lease `l`; the counts of deliveries keep their places. Mostly all of them go.
 */
export const WITHOUT_DONE = `seqs = case when l.seqs <@ d.seqs then '{}' else
           array(select r.seq from unnest(l.seqs) with ordinality as r(seq, o)
                  where r.seq <> all(d.seqs) order by r.o) end,
         deliveries = case when l.seqs <@ d.seqs then '{}' else
           array(select r.count from unnest(l.seqs, l.deliveries) with ordinality as r(seq, count, o)
                  where r.seq <> all(d.seqs) order by r.o) end`;

/**
 * Deletes events from the queue and ends their leases. The next events of stacks (`p_stacks`, one per event) without
 * leased events can then be claimed. Ignores unknown events. A lease without events stays as a row without effect,
 * until the stack's next claim or pruning deletes it.
 */
export const REMOVE_EVENTS = `
create function stackyard.remove_events(p_seqs bigint[], p_stacks text[]) returns void language plpgsql as $body$
begin
  delete from stackyard.event_queue where seq = any(p_seqs);
  perform stackyard.end_event_leases(p_seqs, p_stacks);
end
$body$;

create function stackyard.end_event_leases(p_seqs bigint[], p_stacks text[]) returns void language plpgsql as $body$
begin
  update stackyard.event_lease l
     set until = case when l.seqs <@ d.seqs then 0 else l.until end, ${WITHOUT_DONE}
    from (select g.stack, array_agg(g.seq) as seqs from unnest(p_seqs, p_stacks) as g(seq, stack) group by g.stack) d
   where l.stack_id = any(p_stacks) and l.stack_id = d.stack and l.seqs && d.seqs;
end
$body$;
`;

/** Hands rows out again from an instant on. Counts of deliveries are kept with the events. */
export const GIVE_BACK_ROWS = `
create function stackyard.give_back_rows(p_seqs bigint[], p_stacks text[], p_tasks bigint[], p_keys text[],
                                         p_visible_at bigint)
returns void language plpgsql as $body$
begin
  perform set_config('synchronous_commit', 'off', true);
  update stackyard.event_queue q
     set visible_at = p_visible_at, deliveries = coalesce(r.count, q.deliveries)
    from unnest(p_seqs, p_stacks) as g(seq, stack_id)
    left join lateral (
      select r.count from stackyard.event_lease l, unnest(l.seqs, l.deliveries) as r(seq, count)
       where l.stack_id = g.stack_id and r.seq = g.seq) r on true
   where q.seq = any(p_seqs) and q.seq = g.seq;
  perform stackyard.end_event_leases(p_seqs, p_stacks);
  update stackyard.open_attempt set visible_at = p_visible_at where queue_seq = any(p_tasks);
  update stackyard.due_lease set until = p_visible_at where key = any(p_keys);
end
$body$;
`;

/**
 * Claims events, oldest first. Skips stacks with leased events, and events behind one that is not visible yet. Claims
 * run one after the other (they write only unlogged rows, so they do not wait for the disk), which prevents two claims
 * from sharing a stack, whatever is committed meanwhile. Events below `p_from` are not read.
 *
 * The first event of each stack is returned with the stack; `is_known` means that the stack has no parked events.
 *
 * An event of an unleased stack is skipped only if it waits or is below `p_from`. This is checked once per stack:
 * checking every row would read the stack's whole backlog each time.
 */
export const TAKE_EVENTS = `
create function stackyard.take_events(p_now bigint, p_limit int, p_lease bigint, p_from bigint)
returns table (seq bigint, stack_id text, due_at bigint, deliveries int, event text, is_known boolean, data text,
               foreign_write boolean, version bigint, created bigint, updated bigint)
language plpgsql as $body$
#variable_conflict use_column
begin
  perform pg_advisory_xact_lock(hashtext('stackyard.take_events'), 0);
  return query
  with free as materialized (
    select q.seq, q.stack_id, q.queued_at, q.visible_at, q.deliveries, q.event
      from stackyard.event_queue q
     where q.seq >= p_from and q.visible_at <= p_now
       and coalesce((select l.until from stackyard.event_lease l where l.stack_id = q.stack_id), 0) <= p_now
       -- Asked before the limit: else one stack that waits, with a limit's worth behind it, would hold all others up.
       and not exists (
         select from stackyard.event_queue w
          where w.stack_id = q.stack_id and w.seq < q.seq and w.visible_at > 0 and w.visible_at > p_now)
     order by q.seq
     limit p_limit
  ), behind as materialized (
    select h.stack_id from (select distinct f.stack_id from free f where p_from > 0) h
     where exists (select from stackyard.event_queue e where e.stack_id = h.stack_id and e.seq < p_from)
  ), first as materialized (
    select f.*, 1 + coalesce(l.deliveries[array_position(l.seqs, f.seq)], f.deliveries) as count,
           row_number() over (partition by f.stack_id order by f.seq) as place
      from free f
      left join stackyard.event_lease l
        on l.stack_id = f.stack_id and l.stack_id = any(array(select o.stack_id from free o))
     where f.stack_id not in (select b.stack_id from behind b)
  ), leased as (
    insert into stackyard.event_lease as l (stack_id, until, seqs, deliveries)
    select f.stack_id, p_now + p_lease, array_agg(f.seq order by f.seq), array_agg(f.count order by f.seq)
      from first f group by f.stack_id
    on conflict (stack_id) do update
       set until = excluded.until, seqs = excluded.seqs, deliveries = excluded.deliveries
  )
  select f.seq, f.stack_id::text, greatest(f.queued_at, f.visible_at), f.count::int, f.event,
         f.place = 1 and (select true from stackyard.parked p where p.stack_id = f.stack_id limit 1) is null,
         s.data, s.foreign_write, s.version, s.created, s.updated
    from first f
    left join lateral (select ${STACK_COLUMNS} from stackyard.stacks s where f.place = 1 and s.id = f.stack_id limit 1) s on true
   order by f.seq;
end
$body$;
`;

/**
 * Puts dead letters back into the queue: those of `p_ids` that are still there. `p_events` as in `enqueue_events`, `n`
 * being the place of the entry's id.
 */
export const REDRIVE = `
create function stackyard.redrive(p_ids text[], p_events json) returns text[] language plpgsql as $body$
declare
  v_found text[];
  v_places int[];
begin
  with removed as (
    delete from stackyard.dead_letter s where s.id = any(p_ids) returning s.id
  )
  select array_agg(g.id order by g.n), array_agg(g.n::int order by g.n) into v_found, v_places
    from removed r join unnest(p_ids) with ordinality as g(id, n) on g.id = r.id;
  if v_found is not null then
    perform stackyard.enqueue_events(p_events, v_places);
  end if;
  return v_found;
end
$body$;
`;
