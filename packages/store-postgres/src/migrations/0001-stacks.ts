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
 * The predecessor's table `public.stacks` becomes that of the store, as it lies: its rows stay, and who reads it goes on
 * finding the record in `data`. Its programs may go on writing while both run: a trigger gives each such write a version
 * of its own, so that a decision of ours on the row of before is made again. `foreign_write` marks
 * what they wrote, `machine` is null until such a row was looked at. Defaults give the rows their first version: nothing
 * is written anew while the table is locked.
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

/** What both have. */
export const STACKS_INDEXES = `
create index stacks_timer on stackyard.stacks (timer_at) where timer_at is not null;
create index stacks_trouble on stackyard.stacks (id) where trouble is not null;
`;
