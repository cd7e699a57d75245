import { chunk, StackyardError } from "@stackyard/core";
import type { DeadLetter, HistoryEntry, ListedParkedEvent, MetadataValue, Outcome } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import {
  type CallOptions,
  createEventId,
  type HistoryOptions,
  type HttpClient,
  type Page,
  type PageOptions,
} from "./http-client.ts";

/** Any type with its events: the result of `defineMachine` for a document of version 1 or 2. */
export interface MachineEvents {
  readonly document: { readonly events?: readonly string[] | Readonly<Record<string, unknown>> | undefined };
}

/** An event to publish. */
export interface NewEvent<Event extends string = string> {
  readonly stackId: string;
  readonly event: Event;
  /** The same id is applied once. Generated when omitted, so that a retry is always safe. */
  readonly id?: string;
  /** Needed by the event that creates the stack. */
  readonly machine?: string;
  readonly metadata?: Readonly<Record<string, MetadataValue>>;
  /** The commit that it brings, and the metadata key that contains the stack's commit. */
  readonly commit?: { readonly id: string; readonly key: string };
  /** The stack's id once more: needed where the event leads from a protected state into a terminal one. */
  readonly confirm?: string;
  /** The `digest` of a preview: the event does exactly that, or is refused (`PLAN_STALE`). */
  readonly plan?: string;
}

/** An event that the yard has. */
export interface PublishedEvent {
  readonly eventId: string;
  readonly stackId: string;
  /** The stack already had the id, so nothing was sent again. Absent otherwise, and when not known immediately. */
  readonly duplicate?: Duplicate;
}

/** The earlier event with an id. */
export interface Duplicate {
  readonly code: "DUPLICATE";
  readonly reason: string;
  /** Absent: the earlier event is not decided yet, or its history is pruned. `same`: its content was that of this one. */
  readonly usedFor?: {
    readonly event: string;
    readonly outcome: Outcome;
    readonly at: string;
    readonly same: boolean;
  };
}

/** The result of one of many events. An invalid one stops no other. */
export type PublishResult =
  | { readonly kind: "accepted"; readonly eventId: string; readonly stackId: string }
  | ({ readonly kind: "duplicate"; readonly eventId: string; readonly stackId: string } & Duplicate)
  | { readonly kind: "invalid"; readonly code: string; readonly reason: string };

/** How events are published. */
export interface PublishOptions extends CallOptions {
  /**
   * How long the caller waits for the first decision, in milliseconds. An event that is refused within that time is not
   * dead-lettered: the caller gets the refusal from `waitForOutcome`.
   */
  readonly awaitsMs?: number | undefined;
}

/** Publishes events to a yard, over any transport. */
export interface Publisher<Event extends string = string> {
  /**
   * Throws `EVENT_INVALID` when the message is not an event, `MACHINE_UNKNOWN` for a machine that the yard has never had,
   * `PAYLOAD_TOO_LARGE`, and `DUPLICATE` when its id was used for
   * another event of the stack: another name, or other metadata. A repeat of the same event resolves with `duplicate`.
   */
  publish(event: NewEvent<Event>, options?: PublishOptions): Promise<PublishedEvent>;
  /** Results in the order of the events. */
  publishMany(events: readonly NewEvent<Event>[], options?: PublishOptions): Promise<readonly PublishResult[]>;
}

/** The event will not be applied: it was dead-lettered, refused or ignored. `code` is `OUTCOME_NEGATIVE`. */
export class EventNotAppliedError extends StackyardError {
  /** The history line with the outcome. */
  readonly entry: HistoryEntry;

  constructor(entry: HistoryEntry) {
    const { event, outcome, stackId, code, reason } = entry;
    const why = [code, reason].filter((part) => part !== undefined).join(": ");
    super("OUTCOME_NEGATIVE", `"${event}" of stack "${stackId}" was ${outcome}${why === "" ? "." : ` (${why})`}`, {
      details: { eventId: entry.eventId, stackId, outcome, ...(code && { code }), ...(reason && { reason }) },
    });
    this.name = "EventNotAppliedError";
    this.entry = entry;
  }
}

/** The server's default limit per request. */
const MAX_EVENTS = 100;
const MAX_AWAITS_MS = 86_400_000;

/** Publishes over the HTTP API. */
export function createHttpPublisher(http: HttpClient): Publisher {
  /** A request that is too large for the server is sent as two. */
  async function send(events: readonly NewEvent[], options: PublishOptions): Promise<readonly PublishResult[]> {
    const { awaitsMs, ...calling } = options;
    try {
      const given = { body: events, query: { awaitsMs: toAwaited(awaitsMs) } };
      return (await call<typeof op.publishEvents>(http, "POST /v1/events", given, calling)).results;
    } catch (error) {
      if (!(error instanceof StackyardError && error.code === TOO_LARGE)) throw error;
      if (events.length === 1) return [{ kind: "invalid", code: TOO_LARGE, reason: error.message }];
      const half = Math.ceil(events.length / 2);
      return [...(await send(events.slice(0, half), options)), ...(await send(events.slice(half), options))];
    }
  }
  const publishMany: Publisher["publishMany"] = async (events, options = {}) => {
    const results: PublishResult[] = [];
    for (const part of chunk(events, MAX_EVENTS)) results.push(...(await send(part.map(withId), options)));
    return results;
  };
  return {
    publishMany,
    async publish(event, options) {
      const [result] = await publishMany([event], options);
      if (result?.kind === "accepted") return { eventId: result.eventId, stackId: result.stackId };
      if (result?.kind === "duplicate") return toRepeated(event, result);
      const { code, reason = "The server gave no result." } = result ?? {};
      throw new StackyardError(OWN_CODES.find((own) => own === code) ?? "EVENT_INVALID", reason, { details: { code } });
    },
  };
}

/** Returns a time that the server accepts; undefined for a caller that does not wait. */
function toAwaited(ms = 0): number | undefined {
  return ms < 1 ? undefined : Math.floor(Math.min(ms, MAX_AWAITS_MS));
}

const TOO_LARGE = "PAYLOAD_TOO_LARGE";

/** Refusals of one event that keep their code. */
const OWN_CODES = [TOO_LARGE, "MACHINE_UNKNOWN"] as const;

/** Returns a repeat as published. Throws for another event under the same id, which would be lost silently. */
function toRepeated({ event }: NewEvent, result: Extract<PublishResult, { kind: "duplicate" }>): PublishedEvent {
  const { kind: _, eventId, stackId, ...duplicate } = result;
  const { reason, usedFor } = duplicate;
  if (usedFor === undefined || usedFor.same) return { eventId, stackId, duplicate };
  throw new StackyardError("DUPLICATE", `${reason} Use a unique id for ${event}.`, {
    details: { eventId, stackId, usedFor },
  });
}

function withId(event: NewEvent): NewEvent {
  return { ...event, id: event.id ?? createEventId() };
}

/** Which dead-lettered or parked events. */
interface DeadLetterFilter {
  readonly stackId?: string;
  /** The name of the event. */
  readonly event?: string;
  readonly code?: string;
}

/** Events of the yard. */
export interface EventsApi {
  /** Returns the history of an event, oldest first. */
  history(eventId: string, page?: PageOptions): Promise<Page<HistoryEntry>>;
  /** Lists the history of the yard. */
  list(options?: HistoryOptions): Promise<Page<HistoryEntry>>;
  /** Returns events that their stacks reject for now, also of stacks that do not exist yet. Pages may be short. */
  listParked(filter?: DeadLetterFilter, page?: PageOptions): Promise<Page<ListedParkedEvent>>;
  listDeadLetters(filter?: DeadLetterFilter, page?: PageOptions): Promise<Page<DeadLetter>>;
  /** Puts dead letters back into the queue, by their ids. */
  redrive(
    ids: readonly string[],
    options?: CallOptions,
  ): Promise<{ readonly redriven: readonly string[]; readonly unknown: readonly string[] }>;
  /** Removes dead letters, by their ids. The audit log keeps the reason. */
  dismiss(
    ids: readonly string[],
    input: { readonly reason: string },
    options?: CallOptions,
  ): Promise<{ readonly dismissed: readonly string[]; readonly unknown: readonly string[] }>;
  /** Withdraws parked events, by their ids of `listParked`: they are never applied. The audit log keeps the reason. */
  withdraw(
    ids: readonly string[],
    input: { readonly reason: string },
    options?: CallOptions,
  ): Promise<{ readonly withdrawn: readonly string[]; readonly unknown: readonly string[] }>;
}

/** Sent twice, the second answer would call the ids unknown. */
const ONCE = { repeatable: false } as const;

/** Creates the part of the client for events. */
export function createEventsApi(http: HttpClient): EventsApi {
  return {
    history: (eventId, page) =>
      callPage<typeof op.listEventHistory>(http, "GET /v1/events/:eventId/history", { params: { eventId } }, page),
    list: (options) => callPage<typeof op.listHistory>(http, "GET /v1/history", {}, options),
    listParked: (filter = {}, page) =>
      callPage<typeof op.listParked>(http, "GET /v1/parked", { query: { ...filter } }, page),
    listDeadLetters: (filter = {}, page) =>
      callPage<typeof op.listDeadLetters>(http, "GET /v1/dead-letters", { query: { ...filter } }, page),
    redrive: (ids, options) =>
      call<typeof op.redriveEvents>(http, "POST /v1/dead-letters/redrive", { body: { ids } }, { ...ONCE, ...options }),
    dismiss: (ids, { reason }, options) =>
      call<typeof op.dismissEvents>(
        http,
        "POST /v1/dead-letters/dismiss",
        { body: { ids, reason } },
        { ...ONCE, ...options },
      ),
    withdraw: (ids, { reason }, options) =>
      call<typeof op.withdrawEvents>(
        http,
        "POST /v1/parked/withdraw",
        { body: { ids, reason } },
        { ...ONCE, ...options },
      ),
  };
}
