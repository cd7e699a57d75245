/** Takes the events `d.seqs` out of the lease `l`; the counts of deliveries keep their places. Mostly all of them go. */
export const WITHOUT_DONE = `seqs = case when l.seqs <@ d.seqs then '{}' else
           array(select r.seq from unnest(l.seqs) with ordinality as r(seq, o)
                  where r.seq <> all(d.seqs) order by r.o) end,
         deliveries = case when l.seqs <@ d.seqs then '{}' else
           array(select r.count from unnest(l.seqs, l.deliveries) with ordinality as r(seq, count, o)
                  where r.seq <> all(d.seqs) order by r.o) end`;

/**
 * Removes events of the queue and ends their leases; of stacks (`p_stacks`, one an event) whose events are done with, the
 * next may be handed out. Unknown ones are passed over. A lease without events stays as a row that means nothing: the
 * stack's next take finds it, and pruning removes it.
 */
export const REMOVE_EVENTS = `
create function stackyard.remove_events(p_seqs bigint[], p_stacks text[]) returns void language plpgsql as $body$
begin
  delete from stackyard.event_queue where seq = any(p_seqs);
  perform stackyard.end_event_leases(p_seqs, p_stacks);
end
$body$;

create function stackyard.end_event_leases(p_seqs bigint[], p_stacks text[]) returns void language plpgsql as $body$
begin
  update stackyard.event_lease l
     set until = case when l.seqs <@ d.seqs then 0 else l.until end, ${WITHOUT_DONE}
    from (select g.stack, array_agg(g.seq) as seqs from unnest(p_seqs, p_stacks) as g(seq, stack) group by g.stack) d
   where l.stack_id = any(p_stacks) and l.stack_id = d.stack and l.seqs && d.seqs;
end
$body$;
`;
