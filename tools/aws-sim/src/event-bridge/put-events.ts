import { jsonFaults } from "../json-faults.ts";
import type { SimCall } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import { type AwsEvent, toAwsEvent } from "./aws-events.ts";

/** "PutEvents": at most 10 entries, and "the total entry size must be less than 1MB". */
const MAX_ENTRIES = 10;
const MAX_BYTES = 1_048_576;
/** "PutEventsRequestEntry", DetailType: 128 characters. */
const MAX_DETAIL_TYPE = 128;

interface Entry {
  /** Over HTTP in seconds. */
  readonly Time?: Date | number;
  readonly Source?: string;
  readonly DetailType?: string;
  readonly Detail?: string;
  readonly Resources?: readonly string[];
  readonly EventBusName?: string;
}

/** Where a bus is. */
export interface BusPlace {
  readonly account: string;
  readonly region: string;
  readonly bus: string;
}

/** What buses there are, and who takes what is on them. */
export interface PutEventsDeps {
  /** True when the policy of the bus lets the account put events. */
  readonly admits: (place: BusPlace, account: string) => boolean;
  readonly take: (event: AwsEvent, place: BusPlace) => void;
}

/** Takes entries one by one; those that cannot be sent are told by code, in their places. */
export function putEvents(call: SimCall, deps: PutEventsDeps): unknown {
  const entries: readonly Entry[] = Array.isArray(call.input["Entries"]) ? call.input["Entries"] : [];
  if (entries.length === 0 || entries.length > MAX_ENTRIES) {
    throw new SimFault("ValidationException", 400, `Entries must have length between 1 and ${MAX_ENTRIES}.`);
  }
  if (entries.reduce((sum, entry) => sum + sizeOf(entry), 0) >= MAX_BYTES) {
    throw new SimFault("ValidationException", 400, "Total size of the entries in the request is over the limit.");
  }
  if (entries.every((entry) => problemOf(entry)?.ErrorCode === "InvalidArgument")) {
    throw new SimFault("ValidationException", 400, "No entry has each of Source, DetailType and Detail.");
  }
  const results = entries.map((entry) => putEntry(entry, call, deps));
  return { FailedEntryCount: results.filter((each) => "ErrorCode" in each).length, Entries: results };
}

/** What a caller may not do is answered as other JSON services answer it. */
export const eventBridgeFaults = jsonFaults;

function putEntry(entry: Entry, call: SimCall, { admits, take }: PutEventsDeps): object {
  const problem = problemOf(entry);
  if (problem !== undefined) return problem;
  const place = toPlace(entry.EventBusName ?? "default", call);
  if (place.region !== call.region || !admits(place, call.identity.account)) {
    const why = `User: ${call.identity.arn} is not authorized to perform: events:PutEvents on resource: ${entry.EventBusName}`;
    return { ErrorCode: "AccessDeniedException", ErrorMessage: why };
  }
  const event = toAwsEvent({
    account: call.identity.account,
    region: call.region,
    at: timeOf(entry) ?? call.now,
    source: entry.Source ?? "",
    detailType: entry.DetailType ?? "",
    resources: entry.Resources ?? [],
    detail: JSON.parse(entry.Detail ?? "{}"),
  });
  take(event, place);
  return { EventId: event.id };
}

const BUS = /^arn:aws[\w-]*:events:([\w-]+):(\d{12}):event-bus\/(.+)$/;

/**
 * "PutEventsRequestEntry", EventBusName: the name or, for a bus of another account, the ARN. Across regions only rules send (user
 * guide, "Sending and receiving events between AWS Regions"), so the endpoint has to be that of the bus.
 */
function toPlace(name: string, { identity, region }: SimCall): BusPlace {
  const [, home = region, account = identity.account, bus = name] = BUS.exec(name) ?? [];
  return { account, region: home, bus };
}

function timeOf({ Time }: Entry): number | undefined {
  return typeof Time === "number" ? Time * 1_000 : Time?.getTime();
}

function problemOf({ Source, DetailType, Detail }: Entry): { ErrorCode: string; ErrorMessage: string } | undefined {
  if (!Source || !DetailType || Detail === undefined || DetailType.length > MAX_DETAIL_TYPE) {
    return { ErrorCode: "InvalidArgument", ErrorMessage: "Source, DetailType and Detail are required." };
  }
  // "aws" is kept for AWS ("PutEvents", NotAuthorizedForSourceException).
  if (Source.startsWith("aws.")) {
    return { ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: `Not authorized for the source ${Source}.` };
  }
  return isObject(Detail) ? undefined : { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** User guide, "Calculating PutEvents event entry size". */
function sizeOf({ Time, Source = "", DetailType = "", Detail = "", Resources = [] }: Entry): number {
  const texts = [Source, DetailType, Detail, ...Resources];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), Time === undefined ? 0 : 14);
}
