/**
 * Adds events in their order, but none whose key (`id`: origin and id as `toEventKey` writes them) is queued, parked or applied. `p_events`: rows of `n`, `stack`, `id`,
 * `visible`, `queued`, `event`; only those whose `n` is in `p_only`, when that is given. Gives how many were added.
 */
export const ENQUEUE_EVENTS = `
create function stackyard.enqueue_events(p_events json, p_only int[]) returns bigint language plpgsql as $body$
declare
  v_added bigint;
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
    returning 1
  )
  select count(*) into v_added from added;
  return v_added;
end
$body$;
`;
