/** The stacks of a fresh store: columns of the predecessor's table first, then ours. */
export const STACKS = `
create table stackyard.stacks (
  id varchar(255) collate "C" not null constraint stacks_pk primary key,
  data text not null,
  creation_time timestamp not null,
  last_updated_time timestamp not null,
  version bigint not null default 0,
  machine text collate "C",
  state text collate "C",
  busy boolean not null default false,
  trouble smallint,
  timer_at bigint,
  id_count bigint not null default 0,
  foreign_write boolean not null default false,
  unreadable text
) with (fillfactor = 70);
`;

/**
 * Adopts the predecessor's table `public.stacks` in place: its rows remain, and its readers still find the record in
 * `data`. The predecessor's programs may keep writing while both run. A trigger assigns each such write its own
 * version, so a decision of ours on the earlier row is made again. `foreign_write` marks their writes; `machine` is
 * null until the row was read. Defaults set the first version of the rows, so no row is rewritten while the table is
 * locked.
 */
export const STACKS_TAKEN_OVER = `
alter table stackyard.stacks
  alter column id type varchar(255) collate "C",
  add column version bigint not null default 1,
  add column machine text collate "C",
  add column state text collate "C",
  add column busy boolean not null default false,
  add column trouble smallint,
  add column timer_at bigint,
  add column id_count bigint not null default 0,
  add column foreign_write boolean not null default true,
  add column unreadable text;
alter table stackyard.stacks alter column version set default 0, set (fillfactor = 70);
create index stacks_not_looked_at on stackyard.stacks (id) where machine is null and unreadable is null;
`;

/** The indexes of both tables of stacks. */
export const STACKS_INDEXES = `
create index stacks_timer on stackyard.stacks (timer_at) where timer_at is not null;
create index stacks_trouble on stackyard.stacks (id) where trouble is not null;
`;

/**
 * Handles writes of the predecessor's programs to an adopted table. Our writes always change `version`; theirs never
 * do. A row that they insert continues above the versions of earlier incarnations; a row that they delete leaves its
 * version behind. The functions run with the rights of the schema's owner, so the predecessor's role needs no rights on
 * it.
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
