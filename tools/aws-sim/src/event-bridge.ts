import { randomUUID } from "node:crypto";
import { isMap, parseJson } from "@stackyard/core";
import { jsonFaults } from "./service-faults.ts";
import { type NamedResource, type Place, placeOf, type SimCall, type SimService, toKey } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** Buses, and rules with targets in this process. Events wait until a test has them delivered. */
interface SimEventBridge {
  readonly service: SimService;
  /** Adds a bus besides the default one; returns its ARN. The caller's own bus needs no policy for events. */
  addBus(input: BusInput): string;
  addRule(input: RuleInput): void;
  /** Puts an event on the default bus, as services of AWS do. */
  emit(event: AwsEvent): void;
  /** What waits, in order. */
  readonly waiting: readonly AwsEvent[];
  /** Delivers all waiting events to the targets of matching rules. Returns what the targets threw. */
  deliver(options?: DeliverOptions): Promise<readonly unknown[]>;
}

/** A bus and who else may put events on it. */
interface BusInput extends NamedResource {
  /** Other accounts that its policy lets in. Default: none. */
  readonly allows?: readonly string[];
}

/** Which events reach which function; account and region are those of the bus. */
interface RuleInput extends Place {
  /** Default: `default`. */
  readonly bus?: string;
  readonly pattern: EventPattern;
  readonly target: (event: AwsEvent) => unknown;
}

/** "At least once", and in no order (user guide, "Amazon EventBridge event delivery"). */
interface DeliverOptions {
  /** How often each event comes. Default: 1. */
  readonly copies?: number;
  /** The last first. Default: false. */
  readonly reversed?: boolean;
}

/** Creates EventBridge without rules. */
export function createEventBridge(): SimEventBridge {
  const rules: RuleInput[] = [];
  const buses = new Map<string, NamedResource & { readonly allows: readonly string[] }>();
  const queue: { readonly event: AwsEvent; readonly bus: NamedResource }[] = [];

  async function deliverOne({ event, bus }: (typeof queue)[number]): Promise<readonly unknown[]> {
    const errors: unknown[] = [];
    for (const rule of rules) {
      const isThere = toKey({ ...rule, name: rule.bus ?? "default" }) === toKey(bus);
      if (!isThere || !matchesPattern(event, rule.pattern)) continue;
      try {
        await rule.target(structuredClone(event));
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }

  return {
    service: {
      operations: {
        PutEvents: (call) =>
          putEvents(call, {
            admits: (bus, account) =>
              bus.account === account || (buses.get(toKey(bus))?.allows.includes(account) ?? true),
            take(event, bus) {
              // Events for an unknown bus of another account are accepted and lost: DemocracyClub/EveryElection#2445.
              if (bus.account === event.account || buses.has(toKey(bus))) queue.push({ event, bus });
            },
          }),
      },
      toAction: (operation) => `events:${operation}`,
      faults: jsonFaults,
    },
    addBus(input) {
      const { account, region, name } = input;
      buses.set(toKey(input), { allows: [], ...input });
      return `arn:aws:events:${region}:${account}:event-bus/${name}`;
    },
    addRule: (input) => void rules.push(input),
    emit(event) {
      const { account, region } = event;
      queue.push({ event, bus: { account, region, name: "default" } });
    },
    get waiting() {
      return queue.map(({ event }) => event);
    },
    async deliver({ copies = 1, reversed = false } = {}) {
      const taken = queue.splice(0).flatMap((each) => Array.from({ length: copies }, () => each));
      const errors: unknown[] = [];
      for (const each of reversed ? taken.toReversed() : taken) errors.push(...(await deliverOne(each)));
      return errors;
    },
  };
}

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

/** What buses there are, and who takes what is on them. */
interface PutEventsDeps {
  /** Returns true if the policy of the bus lets the account put events. */
  readonly admits: (bus: NamedResource, account: string) => boolean;
  readonly take: (event: AwsEvent, bus: NamedResource) => void;
}

/** Processes entries one by one; for those that cannot be sent, the result at their index has an error code. */
function putEvents(call: SimCall, deps: PutEventsDeps): unknown {
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

function putEntry(entry: Entry, call: SimCall, { admits, take }: PutEventsDeps): object {
  const problem = problemOf(entry);
  if (problem !== undefined) return problem;
  const bus = toBus(entry.EventBusName ?? "default", call);
  if (bus.region !== call.region || !admits(bus, call.identity.account)) {
    const why = `User: ${call.identity.arn} is not authorized to perform: events:PutEvents on resource: ${entry.EventBusName}`;
    return { ErrorCode: "AccessDeniedException", ErrorMessage: why };
  }
  const event = toAwsEvent({
    ...placeOf(call),
    at: timeOf(entry) ?? call.now,
    source: entry.Source ?? "",
    detailType: entry.DetailType ?? "",
    resources: entry.Resources ?? [],
    detail: JSON.parse(entry.Detail ?? "{}"),
  });
  take(event, bus);
  return { EventId: event.id };
}

const BUS = /^arn:aws[\w-]*:events:([\w-]+):(\d{12}):event-bus\/(.+)$/;

/**
 * Follows "PutEventsRequestEntry", EventBusName: the name or, for a bus of another account, the ARN. Across regions
 * only rules send (user guide, "Sending and receiving events between AWS Regions"), so the endpoint has to be that of
 * the bus.
 */
function toBus(text: string, { identity, region }: SimCall): NamedResource {
  const [, home = region, account = identity.account, name = text] = BUS.exec(text) ?? [];
  return { account, region: home, name };
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
  return isMap(parseJson(Detail)) ? undefined : { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
}

/** Follows the user guide, "Calculating PutEvents event entry size". */
function sizeOf({ Time, Source = "", DetailType = "", Detail = "", Resources = [] }: Entry): number {
  const texts = [Source, DetailType, Detail, ...Resources];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), Time === undefined ? 0 : 14);
}

/** A rule's event pattern: objects by name, lists of values at their ends. */
export type EventPattern = { readonly [name: string]: EventPattern | readonly unknown[] };

/**
 * Returns true if the event matches. Source: EventBridge user guide, "Creating Amazon EventBridge event patterns" and
 * "Comparison operators": values are ORed, names are ANDed, lists in the event fit when one of theirs does.
 */
export function matchesPattern(event: unknown, pattern: EventPattern): boolean {
  return Object.entries(pattern).every(([name, wanted]) => {
    const value: unknown = Object(event)[name];
    return isList(wanted) ? matchesOne(value, wanted) : matchesPattern(value, wanted);
  });
}

function isList(wanted: EventPattern | readonly unknown[]): wanted is readonly unknown[] {
  return Array.isArray(wanted);
}

function matchesOne(value: unknown, wanted: readonly unknown[]): boolean {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return wanted.some((test) => values.some((each) => matchesTest(each, test)));
}

function matchesTest(value: unknown, test: unknown): boolean {
  if (typeof test !== "object" || test === null) return value === test;
  const [operator, operand] = Object.entries(test)[0] ?? [];
  if (operator === "exists") return (value !== undefined) === operand;
  if (operator === "prefix") return typeof value === "string" && value.startsWith(String(operand));
  if (operator === "suffix") return typeof value === "string" && value.endsWith(String(operand));
  if (operator === "anything-but") {
    return value !== undefined && ![operand].flat().includes(value);
  }
  throw new Error(`The simulation has no operator ${operator} in event patterns.`);
}

/** An event as a target gets it. Source: EventBridge user guide, "Event structure". */
export interface AwsEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Where and when something happened. */
interface EventPlace extends Place {
  readonly at: number;
}

/** What one is made of. */
interface EventInput extends EventPlace {
  readonly source: string;
  readonly detailType: string;
  readonly resources?: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Creates an event from any input. */
export function toAwsEvent({ account, region, at, ...input }: EventInput): AwsEvent {
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": input.detailType,
    source: input.source,
    account,
    // Seconds, as AWS writes it.
    time: new Date(at).toISOString().replace(/\.\d{3}/, ""),
    region,
    resources: input.resources ?? [],
    detail: input.detail,
  };
}

/** Follows the EC2 user guide, "Instance state change events". */
export function toStateEvent(place: EventPlace, instanceId: string, state: string): AwsEvent {
  return toAwsEvent({
    ...place,
    source: "aws.ec2",
    detailType: "EC2 Instance State-change Notification",
    resources: [`arn:aws:ec2:${place.region}:${place.account}:instance/${instanceId}`],
    detail: { "instance-id": instanceId, state },
  });
}
