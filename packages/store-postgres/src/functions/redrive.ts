/**
 * Puts set-aside events back into the queue: those of `p_ids` that are still there. `p_events` as in `enqueue_events`, `n`
 * being the place of the entry's id.
 */
export const REDRIVE = `
create function stackyard.redrive(p_ids text[], p_events json) returns text[] language plpgsql as $body$
declare
  v_found text[];
  v_places int[];
begin
  with removed as (
    delete from stackyard.set_aside s where s.id = any(p_ids) returning s.id
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
