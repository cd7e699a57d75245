import { MAX_NAME, StackyardError } from "@stackyard/core";
import { AttemptId, StackId } from "@stackyard/core/api/operations";
import { Type } from "typebox";
import type { Authenticate, Caller } from "../access/caller.ts";
import { type ChangeBell, createChangeBell } from "../change-bell.ts";
import { HttpError } from "../http/problem.ts";
import { defineRoute, type Route, type RouteContext } from "../http/route.ts";
import type { ServerLimits } from "../server-options.ts";
import { createProgressBoard } from "./progress-board.ts";
import {
  createBulkSource,
  createHistorySource,
  createLogSource,
  createProgressSource,
  type Source,
  type SourceDeps,
  type StreamFilter,
  type StreamPlace,
} from "./stream-sources.ts";
import {
  createHistoryStreams,
  createStreamSlots,
  findNewestPosition,
  PADDING,
  type StreamSlots,
  toEventStream,
  watchRoutes,
} from "./watch-routes.ts";

interface StreamRoutesDeps extends SourceDeps {
  /** Rings for history and progress. */
  readonly bell: ChangeBell;
  readonly slots: StreamSlots;
  readonly heartbeatMs: number;
  /** Called while a stream is open: it ends when the credential does. */
  readonly check: Authenticate;
}

interface LiveDeps extends Omit<SourceDeps, "board"> {
  /** Rings for the history. */
  readonly bell: ChangeBell;
  readonly check: Authenticate;
}

/** All streams of a server. */
export interface Live {
  readonly routes: readonly Route[];
  /** Returns how many streams are open. */
  count(): number;
  /** Ends all streams. */
  stop(): void;
}

/** Creates the streams of a server. */
export function createLive(
  deps: LiveDeps,
  limits: Pick<ServerLimits, "heartbeatMs" | "streams" | "streamsPerCaller">,
): Live {
  const { heartbeatMs, streams, streamsPerCaller: perCaller } = limits;
  const slots = createStreamSlots({ max: streams, perCaller });
  const bell = createChangeBell(deps.store, deps.clock, ["history", "progress"]);
  return {
    routes: [
      ...watchRoutes(createHistoryStreams({ ...deps, heartbeatMs, slots })),
      ...streamRoutes({ ...deps, board: createProgressBoard(deps), bell, slots, heartbeatMs }),
    ],
    count: () => slots.count,
    stop() {
      slots.stop();
      bell.stop();
    },
  };
}

const KINDS = ["history", "progress", "log", "bulk"] as const;
type Kind = (typeof KINDS)[number];

/** Defines the route that streams all live updates as server-sent events. */
function streamRoutes(deps: StreamRoutesDeps): readonly Route[] {
  return [
    defineRoute("GET", "/v1/stream", {
      operationId: "openStream",
      permission: "read",
      subject: "list",
      tag: "stream",
      summary:
        "Everything live in one stream: `ready`, then events named by their kind. `history`: a HistoryEntry. `progress`: an Attempt with its machine, first those that are open, then each change. `log`: a part of the attempt's log (`offset` in bytes, `text`), from its last 64 KiB on, `ended` after the last. `bulk`: a Bulk at each step. Last-Event-ID continues history and log.",
      longLived: true,
      query: {
        kinds: Type.Optional(
          Type.String({ maxLength: 64, description: "Of history, progress, log, bulk; by commas. Default: history." }),
        ),
        machine: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_NAME })),
        idPrefix: Type.Optional(StackId),
        stackId: Type.Optional(StackId),
        attemptId: Type.Optional({ ...AttemptId, description: "Required for logs." }),
      },
      answers: {
        200: { description: "A stream.", mediaType: "text/event-stream" },
        404: {
          description: "NOT_FOUND: the history after Last-Event-ID is not kept any more, or the attempt is unknown.",
        },
        429: { description: "RATE_LIMITED: 20 streams of one identity are open, or 200 of the server." },
      },
      async handle({ query: { kinds, ...filter } }, context) {
        return open(deps, { kinds: parseKinds(kinds, filter), filter }, context);
      },
    }),
  ];
}

function parseKinds(text: string | undefined, { attemptId }: StreamFilter): ReadonlySet<Kind> {
  const kinds = new Set((text ?? "history").split(",").map((kind) => kind.trim()));
  const unknown = [...kinds].find((kind) => !KINDS.some((each) => each === kind));
  if (unknown !== undefined) throw usage(`Unknown kind "${unknown}". Valid kinds: ${KINDS.join(", ")}.`);
  if (kinds.has("log") && attemptId === undefined) throw usage('The kind "log" needs an attemptId.');
  return kinds as ReadonlySet<Kind>;
}

function usage(message: string): HttpError {
  return new HttpError(400, "USAGE", message);
}

interface OpenInput {
  readonly kinds: ReadonlySet<Kind>;
  readonly filter: StreamFilter;
}

async function open(deps: StreamRoutesDeps, input: OpenInput, context: RouteContext): Promise<Response> {
  const { request, caller, authorize, signal } = context;
  const { attemptId } = input.filter;
  if (attemptId !== undefined) {
    await authorize({ permission: "read", subject: "attempt" }, { attemptId });
    if ((await deps.store.findAttempt(attemptId)) === undefined) {
      throw new StackyardError("NOT_FOUND", `Attempt "${attemptId}" not found.`);
    }
  }
  const slot = deps.slots.take(signal, caller);
  try {
    const place = await findPlace(deps, request.headers.get("last-event-id"));
    const sources = createSources(deps, input, place);
    const stream = { sources, place, caller, request, signal: slot.signal };
    return toEventStream(follow(deps, stream), slot.end);
  } catch (error) {
    slot.end();
    throw error;
  }
}

function createSources(deps: StreamRoutesDeps, { kinds, filter }: OpenInput, place: StreamPlace): readonly Source[] {
  return [
    ...(kinds.has("history") ? [createHistorySource(deps, filter, place)] : []),
    ...(kinds.has("progress") ? [createProgressSource(deps, filter)] : []),
    ...(kinds.has("log") ? [createLogSource(deps, filter.attemptId ?? "", place)] : []),
    ...(kinds.has("bulk") ? [createBulkSource(deps)] : []),
  ];
}

/** Throws `NOT_FOUND` for an id that is so old that later events may have been pruned. */
async function findPlace({ store }: StreamRoutesDeps, header: string | null): Promise<StreamPlace> {
  const newest = await findNewestPosition(store);
  if (header === null || header === "") return { position: newest, logOffset: undefined };
  const [, position = "", offset] = /^(0|[1-9]\d{0,15})(?:\.(\d{1,15}))?$/.exec(header) ?? [];
  if (position === "") throw usage("Invalid id in the header Last-Event-ID.");
  const wanted = Number(position);
  const { items } = await store.queries.listHistory({}, { limit: 1 });
  const oldest = items[0]?.position ?? 0;
  if (wanted > 0 && wanted < oldest - 1) {
    const message = "The history after this id is not kept any more. Open the stream without Last-Event-ID.";
    throw new StackyardError("NOT_FOUND", message, { details: { oldest } });
  }
  // A restored store may be behind the position that a client has seen.
  return { position: Math.min(wanted, newest), logOffset: offset === undefined ? undefined : Number(offset) };
}

interface OpenStream {
  readonly sources: readonly Source[];
  readonly place: StreamPlace;
  readonly caller: Caller;
  readonly request: Request;
  readonly signal: AbortSignal;
}

const POLL_MS = 1_000;
const RECHECK_MS = 5_000;

/** Yields the text of a stream. Reads sources when the client is ready, so a slow one needs the memory of one turn. */
async function* follow(deps: StreamRoutesDeps, stream: OpenStream): AsyncGenerator<string> {
  const { place, request, signal } = stream;
  const { bell, clock, heartbeatMs } = deps;
  let caller: Caller | undefined = stream.caller;
  let checkedAt = clock.now();
  let spokeAt = clock.now();
  yield `retry: 2000\n${toEvent(place, "ready", JSON.stringify({ position: place.position }))}`;
  yield PADDING;
  while (!signal.aborted) {
    const seen = bell.count;
    let hasNews = false;
    for await (const text of takeTurn(stream, caller)) {
      hasNews = true;
      spokeAt = clock.now();
      yield text;
    }
    if (hasNews) yield PADDING;
    else await bell.wait(seen, Math.min(POLL_MS, heartbeatMs), signal);
    if (clock.now() - checkedAt >= RECHECK_MS) {
      caller = await findSame(deps, request, caller);
      if (caller === undefined) return;
      checkedAt = clock.now();
    }
    if (clock.now() - spokeAt < heartbeatMs) continue;
    spokeAt = clock.now();
    yield `: alive\n\n${PADDING}`;
  }
}

async function* takeTurn({ sources, place }: OpenStream, caller: Caller): AsyncGenerator<string> {
  for (const source of sources) {
    for await (const { name, data } of source(caller)) yield toEvent(place, name, data);
  }
}

/** Returns the caller with its present rights; undefined when the credential has expired. */
async function findSame({ check }: StreamRoutesDeps, request: Request, before: Caller): Promise<Caller | undefined> {
  const caller = await check(request);
  return caller?.sender.id === before.sender.id ? caller : undefined;
}

function toEvent({ position, logOffset }: StreamPlace, name: string, data: string): string {
  const id = logOffset === undefined ? String(position) : `${position}.${logOffset}`;
  return `id: ${id}\nevent: ${name}\ndata: ${data}\n\n`;
}
