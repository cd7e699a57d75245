import { type Clock, type Ids, StackyardError, type Store } from "@stackyard/core";
import { publishMessages, type StoredHistoryEntry } from "@stackyard/core/engine";
import { problemResponse } from "../http/problem.ts";
import { json, type RouteContext } from "../http/route.ts";
import type { OperationAnswer } from "../schemas/event.ts";
import type { ChangeBell } from "../watch/history-stream.ts";

/** What operations work with. */
export interface OperateDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly bell: ChangeBell;
  readonly outcomeMs: number;
}

/** An operator's event. */
export type Message = Readonly<Record<string, unknown>>;

/** The sender's own id, so that a repeat is known as one. */
export function idOf(body: unknown, ids: Ids): string {
  const own = typeof body === "object" && body !== null && "id" in body ? body.id : undefined;
  return typeof own === "string" ? own : ids.next();
}

/** Publishes an operator's event and answers with what became of it. Throws `STACK_UNKNOWN`. */
export async function operate(
  deps: OperateDeps,
  message: Message & { readonly id: string; readonly stackId: string },
  { actor, signal }: RouteContext,
): Promise<Response> {
  const { id: eventId, stackId } = message;
  const ids = { eventId, stackId };
  const [loaded] = await deps.store.load([stackId]);
  if (loaded?.stack === undefined && !(await wasDecided(deps.store, ids))) throw unknownStack(stackId);
  const [result] = await publishMessages(deps, [message], { actor });
  if (result?.kind === "invalid") throw new StackyardError("EVENT_INVALID", result.reason);
  const entry = await waitForOutcome(deps, { eventId, stackId, timeoutMs: deps.outcomeMs, signal });
  if (entry !== undefined && result?.kind === "duplicate" && entry.event !== message["event"]) {
    throw new StackyardError("DUPLICATE", result.reason, { details: { ...ids, usedFor: entry.event } });
  }
  return toAnswer(entry, ids);
}

async function wasDecided(store: Store, ids: EventIds): Promise<boolean> {
  return (await findSentLine(store, ids)) !== undefined;
}

function toAnswer(
  entry: StoredHistoryEntry | undefined,
  ids: { readonly eventId: string; readonly stackId: string },
): Response {
  if (entry === undefined) return json(202, { ...ids, outcome: "waiting", notes: [] } satisfies OperationAnswer);
  const { outcome, code, reason, notes, event } = entry;
  if (code === "STACK_UNKNOWN") throw unknownStack(ids.stackId);
  if (outcome === "applied" || outcome === "removed") {
    return json(200, { ...ids, outcome, notes: [...notes] } satisfies OperationAnswer);
  }
  return problemResponse({
    status: 409,
    code: code ?? "OUTCOME_NEGATIVE",
    detail: reason ?? `"${event}" was ${outcome}.`,
    details: { ...ids, outcome },
  });
}

function unknownStack(stackId: string): StackyardError {
  return new StackyardError("STACK_UNKNOWN", `There is no stack "${stackId}".`);
}

const POLL_MS = 250;

/** Names an event: other stacks may use its id too. */
interface EventIds {
  readonly eventId: string;
  readonly stackId: string;
}

/** The first line of the history of a sender's event, or undefined when there is none within the time. */
export async function waitForOutcome(
  deps: { readonly store: Store; readonly clock: Clock; readonly bell: ChangeBell },
  input: EventIds & { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<StoredHistoryEntry | undefined> {
  const { eventId, stackId, timeoutMs, signal } = input;
  const until = deps.clock.now() + timeoutMs;
  for (;;) {
    const seen = deps.bell.count;
    const line = await findSentLine(deps.store, { eventId, stackId });
    const rest = until - deps.clock.now();
    if (line !== undefined || rest <= 0 || signal.aborted) return line;
    await deps.bell.wait(seen, Math.min(POLL_MS, rest), signal);
  }
}

// A worker, a timer or a deadline brings one event under an id, and such an event has a few lines at the most.
const LINES = 16;

/** The first line about an event of a sender. A result or a timer may have the same id: its lines are not about this one. */
async function findSentLine(store: Store, { eventId, stackId }: EventIds): Promise<StoredHistoryEntry | undefined> {
  const { items } = await store.queries.listHistory({ eventId, stackId }, { limit: LINES });
  return items.find(({ internal }) => internal !== true);
}
