/**
 * Ends live attempts: nothing of them is due any more, their messages leave the queue, their keys go to the next. Locks
 * keys before attempts, as a claim does.
 */
export const END_ATTEMPTS = `
create function stackyard.end_attempts(p_attempt_nos bigint[], p_outcome text, p_now bigint) returns void
language plpgsql as $body$
begin
  perform 1 from stackyard.held_key k where k.attempt_no = any(p_attempt_nos) order by k.key for update;
  with ended as (
    delete from stackyard.live l where l.attempt_no = any(p_attempt_nos) returning l.*
  ), unqueued as (
    delete from stackyard.task_queue t where t.seq = any(array(select e.queue_seq from ended e))
  )
  insert into stackyard.attempt_end (attempt_no, outcome, settled_at, deadline_at, token, owner, cancelling,
                                     progress_message)
  select e.attempt_no, p_outcome, p_now, e.deadline_at, e.token, e.owner, e.cancelling, e.progress_message from ended e;
  perform stackyard.pass_keys_on(p_attempt_nos, p_now);
end
$body$;

-- Gives the keys of attempts that have ended to the next in their queues, and queues the messages of those.
create function stackyard.pass_keys_on(p_attempt_nos bigint[], p_now bigint) returns void language plpgsql as $body$
declare
  v_key text;
  v_next bigint;
begin
  for v_key in select k.key from stackyard.held_key k where k.attempt_no = any(p_attempt_nos) order by k.key loop
    -- One that another transaction is ending is waited for, and passed over once it has gone.
    select l.attempt_no into v_next from stackyard.live l where l.queued_key = v_key order by l.attempt_no limit 1
       for update;
    if v_next is null then
      delete from stackyard.held_key where key = v_key;
      continue;
    end if;
    update stackyard.held_key set attempt_no = v_next where key = v_key;
    -- The clock stood while the attempt was queued.
    update stackyard.live
       set status = 'unclaimed', queued_key = null, deadline_at = p_now + left_ms,
           ends_at = coalesce(cancel_until, p_now + left_ms), due_at = coalesce(cancel_until, p_now + left_ms)
     where attempt_no = v_next;
    perform stackyard.queue_task(v_next, p_now);
  end loop;
end
$body$;
`;
