/**
 * The first schema. Writing a row at a random place of a large table costs a whole page in the log, so a transition
 * touches one such page, that of its stack: everything else is appended. The keys by which appended rows are found
 * (`history_by_stack` and its like) begin with the segment of the row, 32,768 rows each, so that their inserts stay in
 * the few pages of the newest segment; a look-up asks segment by segment, newest first.
 *
 * Instants are epoch milliseconds. Documents are JSON.
 */
export const TABLES = `
-- One row a stack. body is null when the stack was removed: the row keeps its version and the count of its event ids.
create table stack (
  stack_no integer primary key,
  stack_id text not null unique,
  version integer not null,
  machine text,
  state text,
  busy integer,
  trouble integer,
  timer_at integer,
  id_count integer not null,
  body text
);
create index stack_timer on stack (timer_at) where timer_at is not null;
create index stack_trouble on stack (stack_id) where trouble is not null;

-- Keys (origin and id) of events that are queued or parked (applied_at is null) or were applied; number counts those of the stack.
-- Senders' ids are their own keys. Those that begin with the time, as ours do, are appended.
create table event_id (
  event_id text not null,
  stack_id text not null,
  applied_at integer,
  number integer,
  primary key (event_id, stack_id)
) without rowid;

create table event_queue (
  seq integer primary key,
  stack_id text not null,
  event_id text not null,
  visible_at integer not null,
  deliveries integer not null,
  queued_at integer not null,
  event text not null
);
create index event_queue_by_stack on event_queue (stack_id);

create table parked (
  parked_no integer primary key,
  stack_id text not null,
  event_id text not null,
  parked_at integer not null,
  next_try_at integer not null,
  body text not null,
  unique (stack_id, event_id)
);
create index parked_due on parked (next_try_at);

create table set_aside (
  position integer primary key,
  id text not null unique,
  stack_id text not null,
  code text not null,
  set_aside_at integer not null,
  body text not null
);
create index set_aside_by_stack on set_aside (stack_id);
create index set_aside_by_code on set_aside (code);

create table history (
  position integer primary key,
  stack_id text not null,
  event_id text not null,
  at integer not null,
  body text not null
);
create index history_by_stack on history (position >> 15, stack_id);
create index history_by_event on history (position >> 15, event_id);

-- attempt_no is the order of dispatch. left_ms: what a queued attempt has left when its clock continues.
-- ends_at: the deadline, or the end of a cancel; null when no clock runs.
create table attempt (
  attempt_no integer primary key,
  attempt_id text not null,
  stack_id text not null,
  task text not null,
  entry integer not null,
  attempt integer not null,
  executor text,
  dispatched_at integer not null,
  timeout_ms integer not null,
  status text not null,
  deadline_at integer not null,
  ends_at integer,
  token integer not null,
  owner text,
  lease_until integer,
  poll_due_at integer,
  cancelling text,
  cancel_within_ms integer,
  cancel_until integer,
  cancel_told integer not null,
  keys text,
  queued_key text,
  left_ms integer not null,
  queue_seq integer,
  progress text,
  progress_message text,
  outcome text,
  settled_at integer
);
create index attempt_by_id on attempt (attempt_no >> 15, attempt_id);
create index attempt_by_stack on attempt (attempt_no >> 15, stack_id);
create index attempt_ends on attempt (ends_at) where ends_at is not null;
create index attempt_lease on attempt (lease_until) where lease_until is not null;
create index attempt_poll on attempt (poll_due_at) where poll_due_at is not null;
create index attempt_waiting on attempt (queued_key, attempt_no) where queued_key is not null;

create table attempt_message (attempt_no integer primary key, message text not null);
create table attempt_log (attempt_no integer primary key, log text not null);

create table task_queue (
  seq integer primary key,
  attempt_no integer not null,
  visible_at integer not null,
  deliveries integer not null,
  queued_at integer not null
);

create table held_key (key text primary key, attempt_no integer not null) without rowid;

-- The version is the yard's count of writes, so none is used again after a removal.
create table record (
  version integer primary key autoincrement,
  key text not null unique,
  value text not null,
  expires_at integer
);
create index record_expires on record (expires_at) where expires_at is not null;

create table revision (hash text primary key, name text not null, source text not null) without rowid;

-- The highest number that was given out in a table whose newest rows may have been pruned.
create table high_water (name text primary key, value integer not null) without rowid;
`;
