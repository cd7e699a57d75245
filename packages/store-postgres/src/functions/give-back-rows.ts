/** Hands rows out again from an instant on. Counts of deliveries are kept with the events. */
export const GIVE_BACK_ROWS = `
create function stackyard.give_back_rows(p_seqs bigint[], p_stacks text[], p_tasks bigint[], p_keys text[],
                                         p_visible_at bigint)
returns void language plpgsql as $body$
begin
  perform set_config('synchronous_commit', 'off', true);
  update stackyard.event_queue q
     set visible_at = p_visible_at, deliveries = coalesce(r.count, q.deliveries)
    from unnest(p_seqs, p_stacks) as g(seq, stack_id)
    left join lateral (
      select r.count from stackyard.event_lease l, unnest(l.seqs, l.deliveries) as r(seq, count)
       where l.stack_id = g.stack_id and r.seq = g.seq) r on true
   where q.seq = any(p_seqs) and q.seq = g.seq;
  perform stackyard.end_event_leases(p_seqs, p_stacks);
  update stackyard.task_queue set visible_at = p_visible_at where seq = any(p_tasks);
  update stackyard.due_lease set until = p_visible_at where key = any(p_keys);
end
$body$;
`;
