/**
 * Claims one attempt with exclusive keys (`p_keys`, sorted; `p_long_keys`: what they stand for). Locks the keys first, so that it and a settlement that
 * passes a key on wait for each other instead of passing each other by.
 */
export const CLAIM_KEYED = `
create function stackyard.claim_keyed(p_id text, p_owner text, p_lease bigint, p_timeout bigint, p_keys text[],
                                      p_long_keys text[], p_now bigint)
returns table (kind text, token bigint, deadline_at bigint, progress text, cancelling text, held_by text,
               waits_for text, holder text, place bigint, secrets text, data text)
language plpgsql as $body$
declare
  v_live stackyard.live;
  v_key text;
  v_long_key text;
  v_other bigint;
begin
  perform 1 from stackyard.held_key k where k.key = any(p_keys) order by k.key for update;
  select * into v_live from stackyard.live l where l.attempt_id = p_id for update;
  if not found then
    return query select 'gone', null::bigint, null::bigint, null, null, null, null, null, null::bigint, null, null;
    return;
  end if;
  delete from stackyard.task_queue t where t.seq = v_live.queue_seq;
  if coalesce(case v_live.status when 'running' then v_live.lease_until else v_live.poll_due_at end, 0) > p_now then
    return query select 'held', null::bigint, null::bigint, null, null, coalesce(v_live.owner, ''), null, null,
                        null::bigint, null, null;
    return;
  end if;
  for v_key, v_long_key in select * from unnest(p_keys, p_long_keys) loop
    loop
      insert into stackyard.held_key (key, long_key, attempt_no) values (v_key, v_long_key, v_live.attempt_no) on conflict do nothing;
      -- Gone again means that its holder has just ended: then the next try takes it.
      select k.attempt_no into v_other from stackyard.held_key k where k.key = v_key for update;
      exit when found;
    end loop;
    if v_other <> v_live.attempt_no then
      return query select * from stackyard.queue_for_key(v_live, v_key, v_other, p_now);
      return;
    end if;
  end loop;
  return query
    select c.kind, c.token, c.deadline_at, c.progress, c.cancelling, c.held_by, null, null, null::bigint, c.secrets, c.data
      from stackyard.claim_attempts(
        json_build_array(json_build_object('n', 1, 'id', p_id, 'owner', p_owner, 'lease', p_lease, 'timeout', p_timeout,
                                           'now', p_now)), array[p_id]) c;
end
$body$;

-- The clock stands while the attempt waits for a key.
create function stackyard.queue_for_key(p_live stackyard.live, p_key text, p_holder bigint, p_now bigint)
returns table (kind text, token bigint, deadline_at bigint, progress text, cancelling text, held_by text,
               waits_for text, holder text, place bigint, secrets text, data text)
language plpgsql as $body$
begin
  update stackyard.live l
     set status = 'queued', queued_key = p_key, lease_until = null, poll_due_at = null, ends_at = l.cancel_until,
         due_at = l.cancel_until,
         left_ms = case when p_live.status = 'queued' then p_live.left_ms
                        when p_live.token = 0 then greatest(p_live.timeout_ms, 86400000)
                        else p_live.deadline_at - p_now end
   where l.attempt_no = p_live.attempt_no;
  return query
    select 'queued', null::bigint, null::bigint, null, null, null, p_key,
           coalesce((select coalesce(a.long_id, a.attempt_id)::text from stackyard.attempt a where a.attempt_no = p_holder), ''),
           (select count(*) from stackyard.live l where l.queued_key = p_key and l.attempt_no <= p_live.attempt_no),
           null, null;
end
$body$;
`;
