/** Parts of `commit_changes` for stacks that are not there; its parameters and variables. */
export const ADD_STACKS = `
-- Makes stacks. Gives the changes that may go on: one that somebody made meanwhile who does not lock names is a conflict.
create function stackyard.add_stacks(p_ids text[], p_kinds text[], p_counts int[], p_puts json, p_ok int[],
                                     p_last bigint[], p_counted bigint[], p_there boolean[])
returns int[] language plpgsql as $body$
declare
  v_made int[];
begin
  with made as (
    insert into stackyard.stacks as s (id, data, creation_time, last_updated_time, version, machine, state, busy, trouble,
                                       timer_at, id_count, foreign_write)
    select w.id, w.data, stackyard.to_timestamp_utc(w.created), stackyard.to_timestamp_utc(w.updated),
           p_last[w.n] + 1, w.machine, w.state, w.busy, w.trouble, w.timer, p_counted[w.n] + p_counts[w.n], false
      from json_to_recordset(p_puts)
        as w(n int, id text, data text, machine text, state text, busy boolean, trouble smallint, timer bigint,
             created bigint, updated bigint)
     where w.n = any(p_ok) and not p_there[w.n]
    on conflict (id) do nothing
    returning s.id
  ), gone as (
    delete from stackyard.stack_gone g where g.id = any(array(select m.id from made m))
  )
  select array_agg(c.n::int) into v_made from made m join unnest(p_ids) with ordinality as c(id, n) on c.id = m.id;
  return array(select o.n from unnest(p_ok) as o(n)
                where p_kinds[o.n] <> 'put' or p_there[o.n] or o.n = any(coalesce(v_made, '{}')));
end
$body$;

-- Removes stacks, and counts the event ids of changes that write none. In a table of the predecessor the trigger has
-- noted what is gone by then: the next statement writes over it, which that of the removal could not.
create function stackyard.keep_stacks(p_ids text[], p_kinds text[], p_counts int[], p_ok int[], p_last bigint[],
                                      p_counted bigint[], p_there boolean[])
returns void language plpgsql as $body$
begin
  delete from stackyard.stacks s using unnest(p_ids, p_kinds) with ordinality as c(id, kind, n)
   where s.id = any(p_ids) and c.kind = 'remove' and s.id = c.id and c.n = any(p_ok);
  update stackyard.stacks s set id_count = s.id_count + c.count
    from unnest(p_ids, p_kinds, p_counts) with ordinality as c(id, kind, count, n)
   where s.id = any(p_ids) and c.kind = 'keep' and c.count > 0 and s.id = c.id and c.n = any(p_ok);
  insert into stackyard.stack_gone as g (id, version, id_count)
  select c.id, p_last[c.n], p_counted[c.n] + c.count
    from unnest(p_ids, p_kinds, p_counts) with ordinality as c(id, kind, count, n)
   where c.n = any(p_ok)
     and case when p_there[c.n] then c.kind = 'remove' else c.kind <> 'put' and c.count > 0 end
  on conflict (id) do update set version = excluded.version, id_count = excluded.id_count;
end
$body$;
`;
