/**
 * The stacks of a fresh store. What remains is at the beginning of a row and at the end of `data`: the log of an update has
 * only the bytes between.
 */
export const STACKS = `
create table stackyard.stacks (
  id varchar(255) collate "C" not null constraint stacks_pk primary key,
  creation_time timestamp not null,
  id_count bigint not null default 0,
  machine text collate "C",
  version bigint not null default 0,
  last_updated_time timestamp not null,
  timer_at bigint,
  trouble smallint,
  busy boolean not null default false,
  foreign_write boolean not null default false,
  state text collate "C",
  unreadable text,
  data text not null
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
  insert into stackyard.stack_gone as g (id, version, id_count, gone_at)
  values (old.id, old.version, old.id_count, extract(epoch from clock_timestamp()) * 1000)
  on conflict (id) do update set version = excluded.version, id_count = excluded.id_count, gone_at = excluded.gone_at;
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

/**
 * The first schema. It keeps the writes of a transition small:
 *
 * - Tables that are appended to (`history`, `event_id`) have keys that begin with the segment of the row, 32,768 rows
 *   each, or with the time, so that inserts touch the few newest pages whatever the table's size; a look-up reads
 *   segment by segment, newest first.
 * - Columns that change often (`open_attempt`, `stacks`) are not indexed, so that an update stays within its page.
 *   `open_attempt.due_at` is therefore a lower bound: it is moved when it is read, not at each renewal.
 * - Leases that may be lost with a crash of the server are in unlogged tables (no log, no wait for the disk) or are
 *   written with `synchronous_commit` off. An owner that has lost one may still work: the token of the next grant, and
 *   for events the stack's version, prevent its late writes from being applied. A lost lease only ends early.
 *
 * Instants are epoch milliseconds, except for two columns of `stacks` that the predecessor has. Documents are JSON
 * text: `jsonb` supports neither U+0000 nor unpaired surrogates. Texts of users are compared byte by byte (`C`). Ids
 * that may be too long for an index are stored as `toComparedText` returns them; `long_…` is then the text itself.
 */
export const TABLES = `
-- Stacks that were removed: their versions go on, and their event ids are counted on, until these rows are pruned.
create table stackyard.stack_gone (
  id text collate "C" not null primary key,
  version bigint not null,
  id_count bigint not null,
  gone_at bigint not null
);

-- Ids that were applied; number counts those of the stack. Ids that begin with the time, as ours do, are appended.
create table stackyard.event_id (
  event_id text collate "C" not null,
  stack_id text collate "C" not null,
  applied_at bigint not null,
  number bigint not null,
  primary key (event_id, stack_id)
);

create sequence stackyard.event_seq;
create table stackyard.event_queue (
  seq bigint not null default nextval('stackyard.event_seq') primary key,
  stack_id text collate "C" not null,
  event_id text collate "C" not null,
  visible_at bigint not null,
  deliveries int not null default 0,
  queued_at bigint not null,
  event text not null,
  unique (stack_id, event_id)
);
-- Events that come later or were given back: mostly none.
create index event_queue_waiting on stackyard.event_queue (stack_id, seq) where visible_at > 0;

-- Stacks whose events are out: which ones, how often each was handed out, until when.
create unlogged table stackyard.event_lease (
  stack_id text collate "C" not null primary key,
  until bigint not null,
  seqs bigint[] not null,
  deliveries int[] not null
);

-- Other due work that is out, by its receipt.
create unlogged table stackyard.due_lease (
  key text collate "C" not null primary key,
  until bigint not null
);

-- Messages may be large: a stack is loaded with the heads alone, and another try does not write the message again.
create table stackyard.parked (
  parked_no bigint generated by default as identity primary key,
  stack_id text collate "C" not null,
  event_id text collate "C" not null,
  parked_at bigint not null,
  next_try_at bigint not null,
  head text not null,
  message text not null,
  unique (stack_id, event_id)
);
create index parked_due on stackyard.parked (next_try_at);

create table stackyard.dead_letter (
  position bigint generated by default as identity primary key,
  id text collate "C" not null unique,
  stack_id text collate "C" not null,
  code text collate "C" not null,
  dead_lettered_at bigint not null,
  body text not null
);
create index dead_letter_by_stack on stackyard.dead_letter (stack_id, position);
create index dead_letter_by_code on stackyard.dead_letter (code, position);

-- One row a decision: the line of a stack's history (body), the attempt that began with it (sent: how it was dispatched, and
-- its message) and the one that ended with it (outcome and what goes with it; began_at: the position of the row that has
-- its sent). revision: the number of the line's machine, see toRevisionNumber. What begins or ends without a line has a row without one. Each part goes when it is too old, the row with the
-- last of them.
create sequence stackyard.history_position;
create table stackyard.history (
  position bigint not null default nextval('stackyard.history_position') primary key,
  at bigint not null,
  began_at bigint,
  token bigint,
  deadline_at bigint,
  revision bigint,
  stack_id text collate "C" not null,
  event_id text collate "C" not null,
  body text,
  sent text,
  outcome text,
  owner text collate "C",
  cancelling text,
  progress_message text,
  log text
);
create index history_by_stack on stackyard.history ((position >> 15), stack_id, position);
-- The event of a result names its attempt, and so its stack, by which it is found: one index entry less a job.
create index history_by_event on stackyard.history ((position >> 15), hashtextextended(event_id, 0), position)
 where split_part(event_id, '/', 1) <> 'result:' || stack_id;

-- Attempts that have not ended. The commit that ends one and begins the next of its stack as granted writes the row over,
-- and changes nothing in it that is indexed. So the token grows over all attempts that the row ever was: none comes again
-- while a late owner may have it. home: the id up to its first slash, which in ids of the engine is the stack; with place
-- it is the row's key. began_at: the row of history that has its message, and its place in the order of dispatch.
-- first_token: of the attempt's first grant. lapses: grants that have lapsed since the last step. queue_seq: its message is queued. left_ms: what a queued attempt has left when
-- its clock goes on. ends_at: the deadline, or the end of a cancel; null while the clock stands. due_at: nothing of the row
-- is due before.
create sequence stackyard.task_seq;
create table stackyard.open_attempt (
  place bigint not null,
  began_at bigint not null,
  token bigint not null default 0,
  first_token bigint,
  lapses int not null default 0,
  timeout_ms bigint not null,
  deadline_at bigint not null,
  ends_at bigint,
  due_at bigint,
  lease_until bigint,
  poll_due_at bigint,
  opens_at bigint,
  held_by text,
  cancel_within_ms bigint,
  cancel_until bigint,
  left_ms bigint,
  queue_seq bigint,
  queued_at bigint,
  visible_at bigint not null default 0,
  deliveries int not null default 0,
  cancel_told boolean not null default false,
  has_keys boolean not null default false,
  has_secrets boolean not null default false,
  progress text,
  progress_message text,
  queued_key text collate "C",
  attempt_id text collate "C" not null,
  home text collate "C" not null,
  stack_id text collate "C" not null,
  cancelling text,
  status text not null,
  owner text collate "C",
  primary key (home, place)
) with (fillfactor = 50);
create index open_attempt_due on stackyard.open_attempt (due_at) where due_at is not null;
create index open_attempt_queue on stackyard.open_attempt (queue_seq) where queue_seq is not null;
create index open_attempt_waiting on stackyard.open_attempt (queued_key) where queued_key is not null;
-- Ids that do not begin with the name of their stack.
create index open_attempt_other on stackyard.open_attempt (stack_id) where home <> stack_id;

create table stackyard.held_key (
  key text collate "C" not null primary key,
  long_key text collate "C",
  home text collate "C" not null,
  attempt_id text collate "C" not null
);
create index held_key_by_attempt on stackyard.held_key (attempt_id);

-- The version is the yard's count of writes, so none is used again after a removal.
create sequence stackyard.record_version;
create table stackyard.record (
  key text collate "C" not null primary key,
  version bigint not null,
  value text not null,
  expires_at bigint
);
create index record_expires on stackyard.record (expires_at) where expires_at is not null;

create table stackyard.revision (
  hash text collate "C" not null primary key,
  name text collate "C" not null,
  first_seen_at bigint not null,
  number bigint,
  source text not null
);
create index revision_by_number on stackyard.revision (number) where number is not null;
create index revision_by_name on stackyard.revision (hashtextextended(name, 0), first_seen_at, hash);
`;
