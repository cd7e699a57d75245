/**
 * Ends attempts that run under a grant, and queues their events. `p_settles`: rows of `n`, `id`, `token`, `outcome`,
 * `log`, `now`, each attempt once; `p_events` as in `enqueue_events`. Gives the `n` of those that were settled, and whether a
 * key may have been passed on.
 */
export const SETTLE_ATTEMPTS = `
create function stackyard.settle_attempts(p_settles json, p_ids text[], p_events json)
returns table (settled int[], passed boolean) language plpgsql as $body$
declare
  v_settled int[];
  v_nos bigint[];
  v_now bigint;
  v_keyed boolean := false;
begin
  -- Hardly a yard's attempts have keys; where some do, those of these are locked before the attempts, as a claim does.
  if exists (select from stackyard.held_key) then
    perform 1
       from stackyard.held_key k
      where k.attempt_no = any(array(select l.attempt_no from stackyard.live l where l.attempt_id = any(p_ids)))
      order by k.key for update;
    v_keyed := found;
  end if;
  with given as materialized (
    select * from json_to_recordset(p_settles)
      as g(n int, id text, token bigint, outcome text, log text, now bigint)
  ), ended as (
    delete from stackyard.live l using given g
     where l.attempt_id = any(p_ids) and l.attempt_id = g.id and l.token = g.token and l.status = 'running'
    returning g.n, g.outcome, g.log, g.now, l.attempt_no, l.queue_seq, l.deadline_at, l.token, l.owner, l.cancelling,
              l.progress_message
  ), unqueued as (
    delete from stackyard.task_queue t where t.seq = any(array(select e.queue_seq from ended e))
  ), written as (
    insert into stackyard.attempt_end (attempt_no, outcome, settled_at, deadline_at, token, owner, cancelling,
                                       progress_message, log)
    select e.attempt_no, e.outcome, e.now, e.deadline_at, e.token, e.owner, e.cancelling, e.progress_message, e.log
      from ended e
  ), told as (
    insert into stackyard.event_queue (stack_id, event_id, visible_at, queued_at, event)
    select g.stack, g.id, g.visible, g.queued, g.event
      from rows from (
        json_to_recordset(p_events) as (n int, stack text, id text, visible bigint, queued bigint, event text)
      ) with ordinality as g(n, stack, id, visible, queued, event, place)
     where g.n = any(array(select e.n from ended e))
       and (select true from stackyard.event_id i where i.event_id = g.id and i.stack_id = g.stack) is null
       and (select true from stackyard.parked p where p.stack_id = g.stack and p.event_id = g.id) is null
     order by g.place
    on conflict (stack_id, event_id) do nothing
  )
  select array_agg(e.n), array_agg(e.attempt_no), max(e.now) into v_settled, v_nos, v_now from ended e;
  if v_keyed and v_nos is not null then
    perform stackyard.pass_keys_on(v_nos, v_now);
  end if;
  return query select coalesce(v_settled, '{}'), v_keyed;
end
$body$;
`;
