/**
 * Up to which position the yard's history is complete. Commits take positions before they are seen, so a later one may
 * be there before an earlier one: each says, by the key of a shared lock that ends with it, from where on it may add.
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
