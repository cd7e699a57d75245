/** Counts of stacks by machine, then state. All of the table is read, so no index shall be. */
export const COUNT_STATES = `
create function stackyard.count_states() returns table (machine text, state text, count bigint)
language sql stable set enable_seqscan = on as $body$
  select s.machine, s.state, count(*) from stackyard.stacks s where s.machine is not null group by s.machine, s.state
   order by s.machine, s.state;
$body$;
`;
