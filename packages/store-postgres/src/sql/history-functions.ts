/**
 * Returns up to which position the yard's history is complete. Commits take positions before they are visible, so a
 * later one may be visible before an earlier one: each publishes, by the key of a shared lock that ends with it, from
 * which position it may add.
 */
export const HISTORY_END = `
create function stackyard.open_history() returns text language plpgsql as $body$
begin
  return pg_advisory_xact_lock_shared(
    hashtext('stackyard.history'), (nextval('stackyard.history_position') & 2147483647)::int);
end
$body$;

create function stackyard.history_end() returns bigint language plpgsql as $body$
declare
  v_last bigint;
  v_back bigint;
begin
  select case when is_called then last_value else last_value - 1 end into v_last from stackyard.history_position;
  -- The keys are the low bits of positions; one above the last belongs to a commit that came later.
  select max(k.back) into v_back
    from (select (v_last - l.objid::bigint) & 2147483647 as back from pg_locks l
           where l.locktype = 'advisory' and l.objsubid = 2
             and l.database = (select oid from pg_database where datname = current_database())
             and l.classid::bigint = hashtext('stackyard.history')::bigint & 4294967295) k
   where k.back < 1073741824;
  return v_last - coalesce(v_back + 1, 0);
end
$body$;
`;

/**
 * The row of history that has the end of an attempt (`p_attempt_id` as `toComparedText` makes it); null while it is
 * open or unknown. Looks from the newest segment to the oldest.
 */
export const FIND_ENDED = `
create function stackyard.find_ended(p_attempt_id text) returns bigint language sql stable as $body$
  select h.position
    from generate_series((select max(position) >> 15 from stackyard.history),
                         (select min(position) >> 15 from stackyard.history), -1) as segment
   cross join lateral (
     (select h.position from stackyard.history h
       where h.position >> 15 = segment and h.stack_id = split_part(p_attempt_id, '/', 1)
         and h.event_id = 'result:' || p_attempt_id and h.outcome is not null
       order by h.position desc limit 1)
     union all
     (select h.position from stackyard.history h
       where h.position >> 15 = segment
         and hashtextextended(h.event_id, 0) = hashtextextended('result:' || p_attempt_id, 0)
         and h.event_id = 'result:' || p_attempt_id and h.outcome is not null
         and split_part(h.event_id, '/', 1) <> 'result:' || h.stack_id
       limit 1)) h
   limit 1;
$body$;
`;

/** Returns the hash of the revision that a number means, see `toRevisionNumber`; null when it is not stored. */
export function toMeantRevision(number: string): string {
  return `(select v.hash from stackyard.revision v where v.number = ${number} order by v.first_seen_at, v.hash limit 1)`;
}

/** Counts of stacks by machine, then state. All of the table is read, so no index shall be. */
export const COUNT_STATES = `
create function stackyard.count_states() returns table (machine text, state text, count bigint)
language sql stable set enable_seqscan = on as $body$
  select s.machine, s.state, count(*) from stackyard.stacks s where s.machine is not null group by s.machine, s.state
   order by s.machine, s.state;
$body$;
`;

export const UTC = `
create function stackyard.to_timestamp_utc(p_ms bigint) returns timestamp language sql immutable as $body$
  select timestamp 'epoch' + p_ms * interval '1 millisecond';
$body$;
`;

/**
 * Undoes a group of commits of which one has found an attempt in other hands. Not one of the codes that are tried
 * again.
 */
export const CHANGED_HANDS = `
create function stackyard.changed_hands() returns boolean language plpgsql as $body$
begin
  raise exception 'an attempt has changed hands' using errcode = 'SY001';
end
$body$;
`;
