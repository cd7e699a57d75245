/** The part of `commit_changes` that parks events, unparks them and sets them aside. */
export const PARK_EVENTS = `
create function stackyard.park_events(p_ids text[], p_parked json, p_unparked json, p_aside json, p_ok int[])
returns void language plpgsql as $body$
begin
  insert into stackyard.parked as p (stack_id, event_id, parked_at, next_try_at, body)
  select k.stack, k.id, k.at, k.next, k.body
    from json_to_recordset(p_parked) as k(n int, stack text, id text, at bigint, next bigint, body text)
   where k.n = any(p_ok)
  on conflict (stack_id, event_id) do update
     set parked_at = excluded.parked_at, next_try_at = excluded.next_try_at, body = excluded.body;
  delete from stackyard.parked p using json_to_recordset(p_unparked) as u(n int, id text)
   where p.stack_id = any(p_ids) and u.n = any(p_ok) and p.stack_id = p_ids[u.n] and p.event_id = u.id;
  -- A repeat after an answer that was lost finds its entries.
  insert into stackyard.set_aside (id, stack_id, code, set_aside_at, body)
  select a.id, a.stack, a.code, a.at, a.body
    from json_to_recordset(p_aside) as a(n int, id text, stack text, code text, at bigint, body text)
   where a.n = any(p_ok)
  on conflict (id) do nothing;
end
$body$;
`;
