/** The number of an attempt, open or ended; null when it is not known. Looks from the newest segment to the oldest. */
export const FIND_ATTEMPT_NO = `
create function stackyard.find_attempt_no(p_attempt_id text) returns bigint language sql stable as $body$
  select coalesce(
    (select l.attempt_no from stackyard.live l where l.attempt_id = p_attempt_id),
    (select a.attempt_no
       from generate_series((select max(attempt_no) >> 15 from stackyard.attempt),
                            (select min(attempt_no) >> 15 from stackyard.attempt), -1) as segment
      cross join lateral (
        select a.attempt_no from stackyard.attempt a
         where a.attempt_no >> 15 = segment and hashtextextended(a.attempt_id, 0) = hashtextextended(p_attempt_id, 0)
           and a.attempt_id = p_attempt_id limit 1) a
      limit 1));
$body$;
`;
