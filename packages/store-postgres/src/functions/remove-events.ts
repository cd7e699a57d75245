/**
 * Removes events of the queue and ends their leases; of stacks (`p_stacks`) whose rows are done with, the next may be
 * handed out. Unknown rows are passed over.
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
  delete from stackyard.event_lease where stack_id = any(p_stacks) and seqs <@ p_seqs;
  update stackyard.event_lease l
     set seqs = array(select seq from unnest(l.seqs, l.deliveries) with ordinality as r(seq, count, o)
                       where seq <> all(p_seqs) order by o),
         deliveries = array(select count from unnest(l.seqs, l.deliveries) with ordinality as r(seq, count, o)
                             where seq <> all(p_seqs) order by o)
   where l.stack_id = any(p_stacks) and l.seqs && p_seqs;
end
$body$;
`;
