/**
 * Makes attempts and queues their messages, as `commit_changes` does in its one statement, for those that are sent again
 * and are not known. `p_dispatches`: rows of `n`, `id`, `long`, `stack`,
 * `task`, `entry`, `attempt`, `executor`, `timeout`, `unclaimed` (until its deadline while nobody has claimed it; none: as an
 * earlier release had it), `within`, `secrets`, `message`, `now`; only those whose `n` is in
 * `p_only`. An attempt that is there already is passed over.
 */
export const DISPATCH_ATTEMPTS = `
create function stackyard.dispatch_attempts(p_dispatches json, p_only int[]) returns void language plpgsql as $body$
begin
  with given as materialized (
    select * from json_to_recordset(p_dispatches)
      as g(n int, id text, long text, stack text, task text, entry bigint, attempt bigint, executor text,
           timeout bigint, unclaimed bigint, within bigint, secrets text, message text, now bigint)
     where g.n = any(p_only)
  ), fresh as (
    insert into stackyard.live (attempt_no, attempt_id, status, timeout_ms, deadline_at, ends_at, due_at, queue_seq,
                                cancel_within_ms, secrets)
    select nextval('stackyard.attempt_no'), g.id, 'unclaimed', g.timeout,
           g.now + coalesce(g.unclaimed, greatest(g.timeout, 86400000)),
           g.now + coalesce(g.unclaimed, greatest(g.timeout, 86400000)), g.now + least(20000, g.unclaimed),
           nextval('stackyard.task_seq'), g.within, g.secrets
      from given g
    on conflict (attempt_id) do nothing
    returning attempt_no, attempt_id, queue_seq
  ), made as (
    insert into stackyard.attempt (attempt_no, attempt_id, long_id, stack_id, task, entry, attempt, executor,
                                   dispatched_at, message)
    select f.attempt_no, g.id, g.long, g.stack, g.task, g.entry, g.attempt, g.executor, g.now, g.message
      from fresh f join given g on g.id = f.attempt_id
  )
  insert into stackyard.task_queue (seq, attempt_no, visible_at, deliveries, queued_at)
  select f.queue_seq, f.attempt_no, 0, 0, g.now from fresh f join given g on g.id = f.attempt_id;
end
$body$;

-- Queues the message of an attempt that is there, unless it is queued or the attempt has ended; makes one that is not.
create function stackyard.send_again(p_dispatches json, p_only int[]) returns void language plpgsql as $body$
declare
  v_given record;
  v_live record;
begin
  for v_given in
    select g.n, g.id, g.now, value as row
      from json_array_elements(p_dispatches) as value,
           json_to_record(value) as g(n int, id text, now bigint)
     where g.n = any(p_only)
  loop
    select l.attempt_no, l.queue_seq into v_live from stackyard.live l where l.attempt_id = v_given.id for update;
    if found then
      perform stackyard.queue_task(v_live.attempt_no, v_given.now);
    elsif stackyard.find_attempt_no(v_given.id) is null then
      perform stackyard.dispatch_attempts(json_build_array(v_given.row), p_only);
    end if;
  end loop;
end
$body$;

-- Queues the message of a live attempt unless it is queued.
create function stackyard.queue_task(p_attempt_no bigint, p_now bigint) returns void language plpgsql as $body$
begin
  perform 1 from stackyard.live l join stackyard.task_queue t on t.seq = l.queue_seq where l.attempt_no = p_attempt_no;
  if found then
    return;
  end if;
  update stackyard.live set queue_seq = nextval('stackyard.task_seq') where attempt_no = p_attempt_no;
  insert into stackyard.task_queue (seq, attempt_no, visible_at, deliveries, queued_at)
  select l.queue_seq, l.attempt_no, 0, 0, p_now from stackyard.live l where l.attempt_no = p_attempt_no;
end
$body$;
`;
