/**
 * Writes of the predecessor's programs to a table that was taken over. Ours always change `version`; theirs never do. A
 * row that they made goes on above the versions of its earlier lives; one that they deleted leaves its version behind.
 * They have the rights of who made the schema: the predecessor's role needs none on it.
 */
export const FOREIGN_WRITES = `
create function stackyard.note_foreign_write() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $body$
begin
  if tg_op = 'INSERT' then
    new.version := coalesce((select g.version from stackyard.stack_gone g where g.id = new.id), 0) + 1;
    new.id_count := coalesce((select g.id_count from stackyard.stack_gone g where g.id = new.id), 0);
  else
    new.version := old.version + 1;
  end if;
  new.foreign_write := true;
  new.machine := null;
  new.state := null;
  new.busy := false;
  new.trouble := null;
  new.timer_at := null;
  new.unreadable := null;
  return new;
end
$body$;

create function stackyard.note_foreign_delete() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $body$
begin
  insert into stackyard.stack_gone as g (id, version, id_count) values (old.id, old.version, old.id_count)
  on conflict (id) do update set version = excluded.version, id_count = excluded.id_count;
  return old;
end
$body$;

create trigger stackyard_insert before insert on stackyard.stacks
  for each row when (new.version = 0) execute function stackyard.note_foreign_write();
create trigger stackyard_update before update on stackyard.stacks
  for each row when (new.data is distinct from old.data and new.version = old.version)
  execute function stackyard.note_foreign_write();
create trigger stackyard_delete before delete on stackyard.stacks
  for each row execute function stackyard.note_foreign_delete();
`;
