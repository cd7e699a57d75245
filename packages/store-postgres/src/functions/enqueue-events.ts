/**
 * Adds events in their order, but none whose key (`id`: origin and id as `toEventKey` writes them) is queued, parked or
 * applied. `p_events`: rows of `n`, `stack`, `id`, `visible`, `queued`, `event`; only those whose `n` is in `p_only`, when
 * that is given. Returns the `n` of those that were added.
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
