/**
 * Takes the leases of attempts that need no key that they do not hold. `p_claims`: rows of `n`, `id`, `owner`, `lease`,
 * `timeout`, `now`, each attempt once; `p_ids`: the attempts. Whatever the answer, the attempt's message leaves the queue. `data` is the record
 * of the stack where the attempt refers to secrets.
 */
export const CLAIM_ATTEMPTS = `
create function stackyard.claim_attempts(p_claims json, p_ids text[])
returns table (n int, kind text, token bigint, deadline_at bigint, progress text, cancelling text, held_by text,
               secrets text, data text)
language plpgsql as $body$
#variable_conflict use_column
begin
  return query
  with given as materialized (
    select * from json_to_recordset(p_claims)
      as g(n int, id text, owner text, lease bigint, timeout bigint, now bigint)
  ), granted as (
    update stackyard.live l
       set status = 'running', token = l.token + 1, owner = g.owner, lease_until = g.now + g.lease, poll_due_at = null,
           deadline_at = stackyard.granted_until(l, g.now, g.timeout),
           cancel_until = stackyard.cancelled_until(l, g.now),
           ends_at = coalesce(stackyard.cancelled_until(l, g.now), stackyard.granted_until(l, g.now, g.timeout)),
           cancel_told = l.cancelling is not null, queued_key = null,
           due_at = least(l.due_at, g.now + g.lease, stackyard.cancelled_until(l, g.now),
                          stackyard.granted_until(l, g.now, g.timeout))
      from given g
     where l.attempt_id = any(p_ids) and l.attempt_id = g.id
       and coalesce(case l.status when 'running' then l.lease_until else l.poll_due_at end, 0) <= g.now
    returning g.n, l.attempt_no, l.token, l.deadline_at, l.progress, l.cancelling, l.secrets, l.queue_seq
  ), unqueued as (
    delete from stackyard.task_queue t
     where t.seq = any(array(
       select u.queue_seq from granted u
        union all
       select (select l.queue_seq from stackyard.live l where l.attempt_id = g.id)
         from given g where g.n not in (select u.n from granted u)))
  )
  select g.n,
         case when u.n is not null then 'granted' when l.attempt_no is not null then 'held' else 'gone' end,
         u.token, u.deadline_at, u.progress, u.cancelling, coalesce(l.owner::text, ''), u.secrets,
         case when u.secrets is not null then (
           select s.data from stackyard.attempt a join stackyard.stacks s on s.id = a.stack_id
            where a.attempt_no = u.attempt_no) end
    from given g
    left join granted u on u.n = g.n
    left join stackyard.live l on u.n is null and l.attempt_id = g.id and l.attempt_id = any(p_ids);
end
$body$;

-- The deadline of an attempt that is granted now; later grants keep that of the first.
create function stackyard.granted_until(p_live stackyard.live, p_now bigint, p_timeout bigint) returns bigint
language sql immutable as $body$
  select case when (p_live).token > 0 then (p_live).deadline_at
              else p_now + coalesce(p_timeout, (p_live).timeout_ms) end;
$body$;

-- The end of a cancel whose owner is told now; null without one.
create function stackyard.cancelled_until(p_live stackyard.live, p_now bigint) returns bigint
language sql immutable as $body$
  select case when (p_live).cancelling is not null
              then coalesce((p_live).cancel_until, p_now + coalesce((p_live).cancel_within_ms, 0)) end;
$body$;
`;
