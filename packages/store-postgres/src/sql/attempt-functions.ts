import { MOST_LEASE_MS } from "@stackyard/core/attempt";

/** Moves of attempts that a commit makes one by one. Keys are locked before attempts, as a claim does. */
export const MOVE_ATTEMPTS = `
-- Begins an attempt: p_dispatch is a row of toDispatchRows. One that is open has its message sent again, one that has ended
-- is passed over. True when it began as granted.
create function stackyard.begin_attempt(p_dispatch json, p_now bigint) returns boolean
language plpgsql as $body$
declare
  g record;
  v_position bigint;
begin
  select * into g from json_to_record(p_dispatch)
    as g(home text, id text, stack text, sent text, owner text, lease_until bigint, timeout bigint, deadline bigint, due bigint,
         secrets boolean);
  if stackyard.send_task(g.home, g.id, p_now) or stackyard.find_ended(g.id) is not null then
    return false;
  end if;
  insert into stackyard.history (at, stack_id, event_id, sent) values (p_now, g.stack, '', g.sent)
  returning position into v_position;
  insert into stackyard.open_attempt (place, began_at, token, first_token, timeout_ms, deadline_at, ends_at, due_at,
                                      lease_until, queue_seq, queued_at, has_secrets, home, attempt_id, stack_id, status, owner)
  select v_position, v_position, o.token, nullif(o.token, 0), g.timeout, g.deadline, g.deadline, g.due, g.lease_until,
         case o.token when 0 then nextval('stackyard.task_seq') end, case o.token when 0 then p_now end, g.secrets,
         g.home, g.id, g.stack, case o.token when 0 then 'unclaimed' else 'running' end, g.owner
    from (select case when g.owner is null then 0 else 1 end as token) o;
  return g.owner is not null;
end
$body$;

-- Queues the message of an open attempt unless it is queued; false when the attempt is not open.
create function stackyard.send_task(p_home text, p_id text, p_now bigint) returns boolean language plpgsql as $body$
begin
  perform 1 from stackyard.open_attempt o where o.home = p_home and o.attempt_id = p_id for update;
  if not found then
    return false;
  end if;
  update stackyard.open_attempt o
     set queue_seq = nextval('stackyard.task_seq'), queued_at = p_now, visible_at = 0, deliveries = 0
   where o.home = p_home and o.attempt_id = p_id and o.queue_seq is null;
  return true;
end
$body$;

-- Ends an attempt, and keeps what it was; true when a key of it went to another one.
create function stackyard.end_attempt(p_home text, p_id text, p_outcome text, p_log text, p_now bigint) returns boolean
language plpgsql as $body$
declare
  o stackyard.open_attempt;
begin
  perform 1 from stackyard.held_key k where k.attempt_id = p_id order by k.key for update;
  delete from stackyard.open_attempt x where x.home = p_home and x.attempt_id = p_id returning x.* into o;
  if not found then
    return false;
  end if;
  insert into stackyard.history (at, began_at, token, deadline_at, stack_id, event_id, outcome, owner, cancelling,
                                 progress_message, log)
  values (p_now, o.began_at, o.token, o.deadline_at, o.stack_id, 'result:' || p_id, p_outcome, o.owner, o.cancelling,
          o.progress_message, p_log);
  return stackyard.pass_keys_on(p_id, p_now);
end
$body$;

-- Gives the keys of an attempt that has ended to the next in their queues, and sends the messages of those.
create function stackyard.pass_keys_on(p_id text, p_now bigint) returns boolean language plpgsql as $body$
declare
  v_key text;
  v_next record;
  v_passed boolean := false;
begin
  for v_key in select k.key from stackyard.held_key k where k.attempt_id = p_id order by k.key loop
    -- One that another transaction is ending is waited for, and passed over once it has gone.
    select o.home, o.attempt_id into v_next from stackyard.open_attempt o where o.queued_key = v_key
     order by o.began_at limit 1 for update;
    if not found then
      delete from stackyard.held_key where key = v_key;
      continue;
    end if;
    update stackyard.held_key set home = v_next.home, attempt_id = v_next.attempt_id where key = v_key;
    -- The clock stood while the attempt was queued.
    update stackyard.open_attempt o
       set status = 'unclaimed', queued_key = null, has_keys = true, deadline_at = p_now + o.left_ms,
           ends_at = coalesce(o.cancel_until, p_now + o.left_ms), due_at = coalesce(o.cancel_until, p_now + o.left_ms)
     where o.home = v_next.home and o.attempt_id = v_next.attempt_id;
    perform stackyard.send_task(v_next.home, v_next.attempt_id, p_now);
    v_passed := true;
  end loop;
  return v_passed;
end
$body$;

-- Asks an attempt to stop, or ends one that was never granted: p_cancel is a row of toCancelRow. The same as cancelAttempt of
-- @stackyard/core/attempt, which the model test compares it with.
create function stackyard.cancel_attempt(p_cancel json, p_now bigint) returns void language plpgsql as $body$
declare
  g record;
  o stackyard.open_attempt;
  v_until bigint;
begin
  select * into g from json_to_record(p_cancel)
    as g(home text, id text, why text, within bigint, at_once boolean, events json);
  select * into o from stackyard.open_attempt x where x.home = g.home and x.attempt_id = g.id for update;
  if not found then
    return;
  end if;
  if g.at_once and o.first_token is null then
    perform stackyard.end_attempt(g.home, g.id, 'cancelled', null, p_now);
    perform stackyard.enqueue_events(g.events, null);
    return;
  end if;
  -- A runner without the store may work on an attempt that was never granted: it keeps its deadline until the first grant.
  v_until := case when o.first_token is not null or g.why = 'timed-out' or o.cancel_until is not null
                  then least(o.cancel_until, p_now + g.within) end;
  update stackyard.open_attempt x
     set cancelling = coalesce(x.cancelling, g.why),
         cancel_within_ms = least(x.cancel_within_ms, g.within),
         cancel_until = v_until,
         ends_at = coalesce(v_until, x.ends_at),
         poll_due_at = case x.status when 'suspended' then least(x.poll_due_at, p_now) end,
         due_at = least(x.due_at, v_until, case x.status when 'suspended' then least(x.poll_due_at, p_now) end)
   where x.home = g.home and x.place = o.place;
end
$body$;
`;

/**
 * Ends attempts that run under a grant, and queues their events. `p_settles`: rows of `n`, `home`, `id`, `token`, `owner`,
 * `outcome`, `log`, `now`, each attempt once; `p_events` as in `enqueue_events`. Returns the `n` of those that were
 * settled, and whether a key may have been passed on.
 */
export const SETTLE_ATTEMPTS = `
create function stackyard.settle_attempts(p_settles json, p_homes text[], p_events json)
returns table (settled int[], passed boolean) language plpgsql as $body$
declare
  v_settled int[];
  v_keyed text[];
  v_now bigint;
  v_passed boolean := false;
begin
  -- Hardly a yard's attempts have keys; where some do, those of these are locked before the attempts, as a claim does.
  if exists (select from stackyard.held_key) then
    perform 1 from stackyard.held_key k
      where k.attempt_id in (select g.id from json_to_recordset(p_settles) as g(id text)) order by k.key for update;
  end if;
  with given as materialized (
    select * from json_to_recordset(p_settles)
      as g(n int, home text, id text, token bigint, owner text, outcome text, log text, now bigint)
  ), ended as (
    delete from stackyard.open_attempt o using given g
     where o.home = any(p_homes) and o.home = g.home and o.attempt_id = g.id and o.token = g.token and o.owner = g.owner
       and o.status = 'running'
    returning g.n, g.outcome, g.log, g.now, o.*
  ), written as (
    insert into stackyard.history (at, began_at, token, deadline_at, stack_id, event_id, outcome, owner, cancelling,
                                   progress_message, log)
    select e.now, e.began_at, e.token, e.deadline_at, e.stack_id, 'result:' || e.attempt_id, e.outcome, e.owner,
           e.cancelling, e.progress_message, e.log
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
  select array_agg(e.n), array_agg(e.attempt_id) filter (where e.has_keys), max(e.now)
    into v_settled, v_keyed, v_now from ended e;
  if v_keyed is not null then
    select bool_or(stackyard.pass_keys_on(k.id, v_now)) into v_passed from unnest(v_keyed) as k(id);
  end if;
  return query select coalesce(v_settled, '{}'), v_passed;
end
$body$;
`;

/**
 * Takes the leases of attempts that need no exclusive keys beyond those that they hold. `p_claims`: rows of `n`,
 * `home`, `id`, `owner`, `lease`, `now`, each attempt once; `p_homes`: their homes. Whatever the result, the
 * attempt's message is removed from the queue. `sent` and `data`, the record of the stack, are returned when the
 * attempt refers to secrets.
 */
export const CLAIM_ATTEMPTS = `
create function stackyard.claim_attempts(p_claims json, p_homes text[])
returns table (n int, kind text, token bigint, again boolean, lapses int, deadline_at bigint, progress text,
               cancelling text, held_by text, sent text, data text)
language plpgsql as $body$
#variable_conflict use_column
begin
  return query
  with given as materialized (
    select * from json_to_recordset(p_claims)
      as g(n int, home text, id text, owner text, lease bigint, now bigint)
  ), granted as (
    update stackyard.open_attempt o
       set status = 'running', token = o.token + 1, first_token = coalesce(o.first_token, o.token + 1), owner = g.owner,
           lapses = o.lapses + (o.status = 'running')::int, lease_until = g.now + g.lease, poll_due_at = null,
           deadline_at = stackyard.granted_until(o, g.now),
           cancel_until = stackyard.cancelled_until(o, g.now),
           ends_at = coalesce(stackyard.cancelled_until(o, g.now), stackyard.granted_until(o, g.now)),
           cancel_told = o.cancelling is not null, queued_key = null, queue_seq = null, queued_at = null,
           due_at = least(o.due_at, g.now + g.lease, stackyard.cancelled_until(o, g.now),
                          stackyard.granted_until(o, g.now))
      from given g
     where o.home = any(p_homes) and o.home = g.home and o.attempt_id = g.id
       and stackyard.is_free(o, g.now)
    returning g.n, o.token, o.first_token, o.lapses, o.deadline_at, o.progress, o.cancelling, o.stack_id,
              case when o.has_secrets then o.began_at end as secrets_at
  ), held as materialized (
    select g.n, o.home, o.place, o.owner
      from given g
     cross join lateral (
       select o.home, o.place, o.owner from stackyard.open_attempt o
        where o.home = g.home and o.attempt_id = g.id limit 1) o
     where g.n not in (select u.n from granted u)
  ), unqueued as (
    update stackyard.open_attempt o set queue_seq = null, queued_at = null from held h
     where o.home = any(p_homes) and o.home = h.home and o.place = h.place and o.queue_seq is not null
  )
  select g.n,
         case when u.n is not null then 'granted' when h.n is not null then 'held' else 'gone' end,
         u.token, u.token > u.first_token, u.lapses, u.deadline_at, u.progress, u.cancelling, coalesce(h.owner::text, ''),
         case when u.secrets_at is not null then (select b.sent from stackyard.history b where b.position = u.secrets_at) end,
         case when u.secrets_at is not null then (select s.data from stackyard.stacks s where s.id = u.stack_id) end
    from given g
    left join granted u on u.n = g.n
    left join held h on h.n = g.n;
end
$body$;

-- True when nobody holds the lease. One that ends later than any can was given by a process whose clock was ahead.
create function stackyard.is_free(p_open stackyard.open_attempt, p_now bigint) returns boolean
language sql immutable as $body$
  select coalesce(case (p_open).status when 'running' then (p_open).lease_until else (p_open).poll_due_at end, 0) <= p_now
         or (p_open).status = 'running' and (p_open).lease_until > p_now + ${MOST_LEASE_MS};
$body$;

-- The deadline of an attempt that is granted now; later grants keep that of the first.
create function stackyard.granted_until(p_open stackyard.open_attempt, p_now bigint) returns bigint
language sql immutable as $body$
  select case when (p_open).first_token is not null then (p_open).deadline_at
              else p_now + (p_open).timeout_ms end;
$body$;

-- The end of a cancel whose owner is told now; null without one.
create function stackyard.cancelled_until(p_open stackyard.open_attempt, p_now bigint) returns bigint
language sql immutable as $body$
  select case when (p_open).cancelling is not null
              then coalesce((p_open).cancel_until, p_now + coalesce((p_open).cancel_within_ms, 0)) end;
$body$;
`;

/**
 * Claims one attempt with exclusive keys. `p_claim` is a row as in `claim_attempts`; `p_keys` are sorted, `p_long_keys`
 * are their full texts. Locks the keys first, so that a claim and a settlement that passes a key on wait for each
 * other. `holder` and `holder_sent` identify the attempt that holds the key.
 */
export const CLAIM_KEYED = `
create function stackyard.claim_keyed(p_claim json, p_keys text[], p_long_keys text[])
returns table (kind text, token bigint, again boolean, lapses int, deadline_at bigint, progress text, cancelling text,
               held_by text, sent text, data text, waits_for text, holder text, holder_sent text, place bigint)
language plpgsql as $body$
#variable_conflict use_column
declare
  g record;
  o stackyard.open_attempt;
  v_key text;
  v_long_key text;
  v_other record;
begin
  select * into g from json_to_record(p_claim) as g(home text, id text, now bigint);
  perform 1 from stackyard.held_key k where k.key = any(p_keys) order by k.key for update;
  select * into o from stackyard.open_attempt x where x.home = g.home and x.attempt_id = g.id for update;
  if found and stackyard.is_free(o, g.now) then
    for v_key, v_long_key in select * from unnest(p_keys, p_long_keys) loop
      loop
        insert into stackyard.held_key (key, long_key, home, attempt_id) values (v_key, v_long_key, g.home, g.id)
        on conflict do nothing;
        -- Gone again means that its holder has just ended: then the next try takes it.
        select k.home, k.attempt_id into v_other from stackyard.held_key k where k.key = v_key for update;
        exit when found;
      end loop;
      if v_other.attempt_id <> g.id then
        -- The clock stands while the attempt waits for a key.
        update stackyard.open_attempt x
           set status = 'queued', queued_key = v_key, lease_until = null, poll_due_at = null, ends_at = x.cancel_until,
               due_at = x.cancel_until, queue_seq = null, queued_at = null,
               left_ms = case when x.status = 'queued' then x.left_ms
                              when x.first_token is not null then x.deadline_at - g.now
                              else coalesce(x.left_ms, x.deadline_at - (
                                select (h.sent::json->>'at')::bigint
                                  from stackyard.history h where h.position = x.began_at)) end
         where x.home = o.home and x.place = o.place;
        return query
          select 'queued', null::bigint, null::boolean, null::int, null::bigint, null, null, null, null, null, v_key,
                 v_other.attempt_id::text,
                 (select h.sent from stackyard.open_attempt x join stackyard.history h on h.position = x.began_at
                   where x.home = v_other.home and x.attempt_id = v_other.attempt_id),
                 (select count(*) from stackyard.open_attempt x where x.queued_key = v_key and x.began_at <= o.began_at);
        return;
      end if;
      update stackyard.open_attempt x set has_keys = true where x.home = o.home and x.place = o.place and not x.has_keys;
    end loop;
  end if;
  return query
    select c.kind, c.token, c.again, c.lapses, c.deadline_at, c.progress, c.cancelling, c.held_by, c.sent, c.data, null, null, null,
           null::bigint
      from stackyard.claim_attempts(json_build_array(p_claim), array[g.home]) c;
end
$body$;
`;
