/**
 * Hands events out, oldest first: of stacks none of whose events is out, and none behind one that is not to be handed
 * out yet. Takes go one after the other (they write unlogged rows only, so none waits for the disk): that is what keeps
 * two of them from sharing a stack whatever is committed meanwhile. `p_from`: no event below is looked at.
 *
 * Of a stack that is not out an event is passed over only where it waits, or lies below `p_from`: that is asked once a
 * stack. To ask it of every row would read the stack's whole backlog each time.
 */
export const TAKE_EVENTS = `
create function stackyard.take_events(p_now bigint, p_limit int, p_lease bigint, p_from bigint)
returns table (seq bigint, stack_id text, due_at bigint, deliveries int, event text)
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
    select f.*, 1 + coalesce(l.deliveries[array_position(l.seqs, f.seq)], f.deliveries) as count
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
  select f.seq, f.stack_id::text, greatest(f.queued_at, f.visible_at), f.count::int, f.event from first f order by f.seq;
end
$body$;
`;
