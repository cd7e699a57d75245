/**
 * Ends attempts that run under a grant, and queues their events. `p_settles`: rows of `n`, `id`, `token`, `outcome`,
 * `log`, `now`, each attempt once; `p_events` as in `enqueue_events`. Gives the `n` of those that were settled.
 */
export const SETTLE_ATTEMPTS = `
create function stackyard.settle_attempts(p_settles json, p_ids text[], p_events json) returns int[]
language plpgsql as $body$
declare
  v_settled int[];
  v_nos bigint[];
  v_now bigint;
begin
  perform 1
     from stackyard.held_key k
    where k.attempt_no = any(array(select l.attempt_no from stackyard.live l where l.attempt_id = any(p_ids)))
    order by k.key for update;
  with given as materialized (
    select * from json_to_recordset(p_settles)
      as g(n int, id text, token bigint, outcome text, log text, now bigint)
  ), ended as (
    delete from stackyard.live l using given g
     where l.attempt_id = g.id and l.token = g.token and l.status = 'running'
    returning g.n, g.outcome, g.log, g.now, l.attempt_no, l.queue_seq, l.deadline_at, l.token, l.owner, l.cancelling,
              l.progress_message
  ), unqueued as (
    delete from stackyard.task_queue t using ended e where t.seq = e.queue_seq
  ), written as (
    update stackyard.attempt a
       set outcome = e.outcome, settled_at = e.now, log = e.log, deadline_at = e.deadline_at, token = e.token,
           owner = e.owner, cancelling = e.cancelling, progress_message = e.progress_message
      from ended e where a.attempt_no = e.attempt_no
  )
  select array_agg(e.n), array_agg(e.attempt_no), max(e.now) into v_settled, v_nos, v_now from ended e;
  if v_settled is null then
    return '{}';
  end if;
  perform stackyard.pass_keys_on(v_nos, v_now);
  perform stackyard.enqueue_events(p_events, v_settled);
  return v_settled;
end
$body$;
`;
