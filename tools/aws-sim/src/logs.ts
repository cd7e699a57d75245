import { jsonFaults } from "./service-faults.ts";
import { findNumber, findText, type Place, placeOf, type SimCall, type SimService, textOf, toKey } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** Logs that are read. Containers of `sim.ecs` with the driver `awslogs` write to them by the clock. */
interface SimLogs {
  readonly service: SimService;
  /** Makes group and stream where they are not there. Lines of the future are seen when their time has come. */
  write(place: StreamPlace, events: readonly LogEvent[]): void;
  /** Adds a source that writes a stream as time passes. */
  addSource(place: StreamPlace, source: LogSource): void;
}

/** Creates CloudWatch Logs, only its read operations. Source: API reference, "GetLogEvents". */
export function createLogs(): SimLogs {
  const streams = createLogStreams();
  return {
    service: {
      operations: {
        GetLogEvents: (call) => getLogEvents(streams, call),
      },
      toAction: (operation) => `logs:${operation}`,
      faults: jsonFaults,
    },
    write(place, events) {
      streams.add(place, (now) => events.filter(({ timestamp }) => timestamp <= now));
    },
    addSource: (place, source) => streams.add(place, source),
  };
}

/** "GetLogEvents": a page has up to 10,000 events and 1 MB. */
const MAX_EVENTS = 10_000;
const MAX_BYTES = 1_048_576;
/** "PutLogEvents": each event counts as its UTF-8 bytes and 26 more. */
const OVERHEAD = 26;

/** What a page is cut from. */
interface PageInput {
  readonly events: readonly LogEvent[];
  readonly limit: number;
  /** The first event of a page that goes forward, or the one behind the last of a page that goes backward. */
  readonly at: number;
  readonly isForward: boolean;
}

/**
 * Implements GetLogEvents: without a token the newest, or with `startFromHead` the oldest events of the range, always
 * in the order of time. Source: API reference, "GetLogEvents": tokens are never null, and one that comes back unchanged
 * is the end.
 */
function getLogEvents(streams: LogStreams, call: SimCall): unknown {
  const { input, now } = call;
  const events = findRange(streams, call);
  const limit = findNumber(input, "limit") ?? MAX_EVENTS;
  if (limit < 1 || limit > MAX_EVENTS) throw invalid("limit must be between 1 and 10000.");
  const token = findText(input, "nextToken");
  const isFromHead = input["startFromHead"] === true;
  const start = token === undefined ? { isForward: isFromHead, at: isFromHead ? 0 : events.length } : readToken(token);
  // The doc of `startFromHead`.
  if (token?.startsWith("f/") && !isFromHead) throw invalid("startFromHead must be true with a nextForwardToken.");
  const { from, to } = cutPage({ events, limit, ...start });
  return {
    events: events.slice(from, to).map((event) => ({ ...event, ingestionTime: Math.min(now, event.timestamp + 1) })),
    nextForwardToken: toToken("f", to),
    nextBackwardToken: toToken("b", from),
  };
}

function findRange(streams: LogStreams, call: SimCall): readonly LogEvent[] {
  const { input, now } = call;
  const name = findText(input, "logGroupName");
  const identifier = findText(input, "logGroupIdentifier");
  if ((name === undefined) === (identifier === undefined)) {
    throw invalid("Exactly one of logGroupName and logGroupIdentifier is needed.");
  }
  const group = name ?? identifier?.replace(/^arn:[^:]+:logs:[^:]*:\d*:log-group:/, "").replace(/:\*$/, "") ?? "";
  const place = { ...placeOf(call), group };
  if (!streams.hasGroup(place)) throw missing("The specified log group does not exist.");
  const events = streams.read({ ...place, stream: textOf(input, "logStreamName") }, now);
  if (events === undefined) throw missing("The specified log stream does not exist.");
  const { startTime = 0, endTime = Number.POSITIVE_INFINITY } = input;
  return events.filter(({ timestamp }) => timestamp >= Number(startTime) && timestamp < Number(endTime));
}

function cutPage({ events, limit, at, isForward }: PageInput): { readonly from: number; readonly to: number } {
  const step = isForward ? 1 : -1;
  let edge = at;
  let bytes = 0;
  while (Math.abs(edge - at) < limit) {
    const event = events[isForward ? edge : edge - 1];
    if (event === undefined) break;
    bytes += Buffer.byteLength(event.message) + OVERHEAD;
    if (bytes > MAX_BYTES) break;
    edge += step;
  }
  return isForward ? { from: at, to: edge } : { from: edge, to: at };
}

function toToken(direction: "f" | "b", at: number): string {
  return `${direction}/${String(at).padStart(56, "0")}/s`;
}

function readToken(token: string): { readonly isForward: boolean; readonly at: number } {
  const [, direction, at] = /^([fb])\/(\d{56})\/s$/.exec(token) ?? [];
  if (at === undefined) throw invalid("The specified nextToken is invalid.");
  return { isForward: direction === "f", at: Number(at) };
}

function invalid(message: string): SimFault {
  return new SimFault("InvalidParameterException", 400, message);
}

function missing(message: string): SimFault {
  return new SimFault("ResourceNotFoundException", 400, message);
}

/** One line of a log. */
export interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
}

/** Where a stream lies. */
export interface StreamPlace extends Place {
  readonly group: string;
  readonly stream: string;
}

/** What writes to a stream: all lines that it has written by an instant; undefined: it has not begun to write. */
export type LogSource = (now: number) => readonly LogEvent[] | undefined;

/** Streams by group. */
interface LogStreams {
  add(place: StreamPlace, source: LogSource): void;
  hasGroup(place: Omit<StreamPlace, "stream">): boolean;
  /** Returns the events in order of time; undefined when the stream does not exist. */
  read(place: StreamPlace, now: number): readonly LogEvent[] | undefined;
}

/** Creates an empty state. */
function createLogStreams(): LogStreams {
  const groups = new Map<string, Map<string, LogSource[]>>();
  const keyOf = ({ group, ...place }: Omit<StreamPlace, "stream">): string => toKey({ ...place, name: group });
  return {
    add(place, source) {
      const streams = groups.get(keyOf(place)) ?? new Map<string, LogSource[]>();
      groups.set(keyOf(place), streams.set(place.stream, [...(streams.get(place.stream) ?? []), source]));
    },
    hasGroup: (place) => groups.has(keyOf(place)),
    read(place, now) {
      const sources = groups.get(keyOf(place))?.get(place.stream) ?? [];
      const written = sources.flatMap((source) => source(now) ?? []);
      const hasBegun = sources.some((source) => source(now) !== undefined);
      return hasBegun ? written.toSorted((one, other) => one.timestamp - other.timestamp) : undefined;
    },
  };
}
