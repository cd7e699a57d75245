/**
 * Asks attempts to stop, or ends those that were never granted; unknown ones and those that have ended are skipped.
 * `p_cancels`: rows of `n`, `id`, `event` (the key of the event of its end), `why`, `within`, `at_once`, `now`; only those whose `n` is in `p_only`.
 */
export const CANCEL_ATTEMPTS = `
create function stackyard.cancel_attempts(p_cancels json, p_only int[]) returns void language plpgsql as $body$
declare
  v_given record;
  v_live record;
  v_until bigint;
begin
  for v_given in
    select * from json_to_recordset(p_cancels)
      as g(n int, id text, event text, why text, within bigint, at_once boolean, now bigint)
     where g.n = any(p_only)
  loop
    select l.attempt_no, coalesce(a.long_id, a.attempt_id) as attempt_id, l.token, l.cancel_until, a.stack_id, a.task
      into v_live
      from stackyard.live l join stackyard.attempt a on a.attempt_no = l.attempt_no
     where l.attempt_id = v_given.id
       for update of l;
    continue when not found;
    -- The same as cancelAttempt of @stackyard/core/attempt, which the model test compares it with.
    if v_given.at_once and v_live.token = 0 then
      perform stackyard.end_attempts(array[v_live.attempt_no], 'cancelled', v_given.now);
      perform stackyard.enqueue_events(
        stackyard.cancelled_event(v_given.event, v_live.attempt_id, v_live.stack_id, v_live.task, v_given.now), null);
    else
      -- A runner without the store may work on an attempt that was never granted: it keeps its deadline until the first grant.
      v_until := case when v_live.token > 0 or v_given.why = 'timed-out' or v_live.cancel_until is not null
                      then least(v_live.cancel_until, v_given.now + v_given.within) end;
      update stackyard.live l
         set cancelling = coalesce(l.cancelling, v_given.why),
             cancel_within_ms = case when l.cancelling is null then v_given.within
                                     else least(l.cancel_within_ms, v_given.within) end,
             cancel_until = v_until,
             ends_at = coalesce(v_until, l.ends_at),
             poll_due_at = case l.status when 'suspended' then least(l.poll_due_at, v_given.now) end,
             due_at = least(l.due_at, v_until,
                            case l.status when 'suspended' then least(l.poll_due_at, v_given.now) end)
       where l.attempt_no = v_live.attempt_no;
    end if;
  end loop;
end
$body$;

-- The event of an attempt that was cancelled before anybody worked on it, as a row for enqueue_events.
create function stackyard.cancelled_event(p_event_id text, p_attempt_id text, p_stack_id text, p_task text,
                                          p_now bigint) returns json
language sql immutable as $body$
  select json_build_array(json_build_object(
    'n', 1, 'stack', p_stack_id, 'id', p_event_id, 'visible', 0, 'queued', p_now,
    'event', format(
      '{"id":%s,"stackId":%s,"origin":"worker","receivedAt":%s,'
      '"message":{"event":"TASK_CANCELLED","stackId":%s,"task":{"name":%s},"dispatchId":%s}}',
      stackyard.json_text('cancelled:' || p_attempt_id), stackyard.json_text(p_stack_id), p_now,
      stackyard.json_text(p_stack_id), stackyard.json_text(p_task), stackyard.json_text(p_attempt_id))));
$body$;
`;
