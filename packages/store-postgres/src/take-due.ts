import type { DueItem, QueuedEvent, TakeDueInput } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import { DUE_SOURCES } from "./due-kinds.ts";
import { giveBack } from "./give-back.ts";
import { fromKeyText } from "./key-text.ts";
import type { DueKind, TaskMessage } from "./port-types.ts";
import type { QueueFloor } from "./queue-floor.ts";
import { toEventReceipt } from "./receipts.ts";
import type { Statement } from "./statement.ts";

type OtherKind = Exclude<DueKind, "event">;

interface Taken {
  readonly at: number;
  readonly item: DueItem;
}

/** Where takes of one process begin to look. */
export interface QueueFloors {
  readonly events: QueueFloor;
  readonly tasks: QueueFloor;
}

/** Takes what is due, oldest first over all kinds, and leases it. */
export async function takeDue(
  database: Database,
  floors: QueueFloors,
  input: TakeDueInput,
): Promise<readonly DueItem[]> {
  database.assertOpen();
  const kinds = [...new Set(input.kinds)].sort();
  const others = kinds.filter((kind): kind is OtherKind => kind !== "event");
  const taken = others.length === 0 ? [] : await takeOthers(database, floors.tasks, others, input);
  if (others.length === kinds.length) return taken.map(({ item }) => item);
  const events = await takeEvents(database, floors.events, input);
  return others.length === 0
    ? events.map(({ item }) => item)
    : mergeTaken(database, floors, [...events, ...taken], input);
}

/** Events and other work in one take, which no consumer of ours asks for: what is too much is given back at once. */
async function mergeTaken(
  database: Database,
  floors: QueueFloors,
  taken: readonly Taken[],
  input: TakeDueInput,
): Promise<readonly DueItem[]> {
  const items = [...taken].sort((a, b) => a.at - b.at).map(({ item }) => item);
  const surplus = items.slice(input.limit).flatMap((item) => ("receipt" in item ? [item.receipt] : []));
  await giveBack(database, surplus, input.now);
  floors.events.reset();
  floors.tasks.reset();
  return items.slice(0, input.limit);
}

interface EventRow {
  readonly seq: number;
  readonly stack_id: string;
  readonly due_at: number;
  readonly deliveries: number;
  readonly event: string;
}

const TAKE_EVENTS = {
  name: "take_events",
  isLong: true as const,
  text: "select seq, stack_id, due_at, deliveries, event from stackyard.take_events($1, $2, $3, $4)",
};

async function takeEvents(
  database: Database,
  floor: QueueFloor,
  { now, limit, leaseMs }: TakeDueInput,
): Promise<readonly Taken[]> {
  const rows = await database.rows<EventRow>(TAKE_EVENTS, now, limit, leaseMs, floor.next(now));
  floor.note(
    rows.map(({ seq }) => seq),
    rows.length === limit,
  );
  let at = 0;
  return rows.map(({ seq, stack_id, due_at, deliveries, event }) => {
    // Events keep their order among themselves, also where their instants do not.
    at = Math.max(at, due_at);
    const receipt = toEventReceipt(seq, stack_id);
    return { at, item: { kind: "event", receipt, event: JSON.parse(event) as QueuedEvent, deliveries } };
  });
}

interface OtherRow {
  readonly kind: OtherKind;
  readonly key: string;
  readonly at: number;
  readonly seq: number | null;
  readonly deliveries: number | null;
  readonly attempt_id: string | null;
  readonly message: string | null;
  readonly task: string | null;
  readonly stack_id: string | null;
  readonly cancel_until: number | null;
}

async function takeOthers(
  database: Database,
  floor: QueueFloor,
  kinds: readonly OtherKind[],
  { now, limit, leaseMs }: TakeDueInput,
): Promise<readonly Taken[]> {
  const parameters = [now, limit, now + leaseMs];
  if (!kinds.includes("task")) return toTaken(await database.rows<OtherRow>(toStatement(kinds), ...parameters));
  const rows = await database.rows<OtherRow>(toStatement(kinds), ...parameters, floor.next(now));
  const tasks = rows.flatMap(({ seq }) => (seq === null ? [] : [seq])).sort((a, b) => a - b);
  floor.note(tasks, tasks.length === limit);
  return toTaken(rows);
}

function toTaken(rows: readonly OtherRow[]): readonly Taken[] {
  return rows.map((row) => ({ at: row.at, item: toItem(row) }));
}

const TASK_LEASES = `update stackyard.task_queue t
     set visible_at = $3, deliveries = t.deliveries + 1
   where t.seq = any(array(select c.seq from chosen c)) returning t.seq, t.deliveries`;

const OTHER_LEASES = `insert into stackyard.due_lease as d (key, until)
  select c.key, $3 from chosen c where c.kind <> 'task' order by c.key
  on conflict (key) do update set until = excluded.until where d.until <= $1
  returning d.key`;

// A lower bound that was met is moved to the instant itself, so that the row is not looked at again before.
const MOVE_BOUNDS = `update stackyard.live l set due_at = least(l.ends_at, l.lease_until, l.poll_due_at)
   where l.attempt_no in (
     select o.attempt_no from stackyard.live o
      where o.due_at <= $1 and least(o.ends_at, o.lease_until, o.poll_due_at) > $1
      order by o.due_at limit 256 for update skip locked)`;

const OF_ATTEMPTS: readonly OtherKind[] = ["poll", "lapsedLease", "deadline"];

// A lease that is lost with the server's power is taken again: no take waits for the disk.
function toStatement(kinds: readonly OtherKind[]): Statement {
  const sources = kinds.map((kind) => `found_${kind.toLowerCase()} as materialized (${DUE_SOURCES[kind].due})`);
  const all = kinds.map((kind) => `select * from found_${kind.toLowerCase()}`).join(" union all ");
  const parts = [
    "quick as materialized (select set_config('synchronous_commit', 'off', true))",
    ...sources,
    `chosen as materialized (select a.* from (${all}) a, quick order by a.at, a.seq, a.key limit $2)`,
    `tasks as (${TASK_LEASES})`,
    `others as (${OTHER_LEASES})`,
    ...(kinds.some((kind) => OF_ATTEMPTS.includes(kind)) ? [`moved as (${MOVE_BOUNDS})`] : []),
  ];
  const text = `with ${parts.join(",\n")}
select c.kind, c.key, c.at, c.seq, t.deliveries, coalesce(a.long_id, a.attempt_id) as attempt_id, a.message, a.task, coalesce(c.stack_id, a.stack_id) as stack_id,
       c.cancel_until
  from chosen c
  left join tasks t on t.seq = c.seq
  left join others o on o.key = c.key
  left join stackyard.attempt a
    on a.attempt_no = c.attempt_no and a.attempt_no = any(array(select o.attempt_no from chosen o))
 where t.seq is not null or o.key is not null
 order by c.at, c.seq, c.key`;
  return { isLong: true, name: `take_${kinds.join("_")}`, text };
}

function toItem(row: OtherRow): DueItem {
  const stackId = fromKeyText(row.stack_id ?? "");
  const attemptId = fromKeyText(row.attempt_id ?? "");
  switch (row.kind) {
    case "task":
      return {
        kind: "task",
        receipt: row.key,
        attemptId,
        message: parseMessage(row),
        deliveries: row.deliveries ?? 1,
      };
    case "poll":
    case "lapsedLease":
      return { kind: row.kind, receipt: row.key, attemptId, message: parseMessage(row), dueAt: row.at };
    case "timer":
      return { kind: "timer", stackId, dueAt: row.at };
    case "parked":
      return { kind: "parked", stackId, dueAt: row.at };
    case "deadline": {
      const why = row.cancel_until === null ? "deadline" : "cancel";
      return { kind: "deadline", stackId, attemptId, task: fromKeyText(row.task ?? ""), why, dueAt: row.at };
    }
  }
}

function parseMessage(row: OtherRow): TaskMessage {
  return JSON.parse(row.message ?? "null") as TaskMessage;
}
