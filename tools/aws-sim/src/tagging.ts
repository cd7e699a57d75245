import type { Clock } from "@stackyard/core";
import { jsonFaults } from "./service-faults.ts";
import {
  findNumber,
  findText,
  isOwn,
  type Place,
  recordsOf,
  type SimCall,
  type SimService,
  textOf,
  textsOf,
} from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** Tagged resources of any service, as the Resource Groups Tagging API lists them. */
interface SimTagging {
  readonly service: SimService;
  /** Adds a resource; it is listed from that many milliseconds on. Default: at once. */
  add(resource: TaggedResource, lagMs?: number): void;
  /** Deletes a resource, which remains listed for that many milliseconds. Default: 0. */
  remove(arn: string, listedForMs?: number): void;
}

/** A resource and where it is. */
interface TaggedResource extends Place {
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
}

interface Listed extends TaggedResource {
  readonly from: number;
  until: number;
}

/** "GetResources", ResourcesPerPage: "a minimum of 1 item and the maximum of 100 items"; 50 where it is left out. */
const MAX_PAGE = 100;
const PAGE = 50;
/** "GetResources", TagFilters: "A request can include up to 50 keys, and each key can include up to 20 values". */
const MAX_KEYS = 50;
const MAX_VALUES = 20;
/** "TagFilter": a key has 1 to 128 characters, a value at most 256. */
const MAX_KEY = 128;
const MAX_VALUE = 256;
/** "PaginationTokenExpiredException": "A PaginationToken is valid for a maximum of 15 minutes." */
const TOKEN_MS = 15 * 60_000;

/**
 * Creates the Resource Groups Tagging API without resources. Source: API reference (2017-01-26), "GetResources", which
 * "returns all the tagged or previously tagged resources"; its answer ends with an empty PaginationToken, as moto's
 * does.
 */
export function createTagging({ clock }: { readonly clock: Clock }): SimTagging {
  const resources: Listed[] = [];
  return {
    service: {
      operations: { GetResources: (call) => getResources(resources, call) },
      toAction: (operation) => `tag:${operation}`,
      faults: { ...jsonFaults, throttled: () => new SimFault("ThrottledException", 400, "Rate exceeded") },
    },
    add(resource, lagMs = 0) {
      resources.push({ ...resource, from: clock.now() + lagMs, until: Number.POSITIVE_INFINITY });
    },
    remove(arn, listedForMs = 0) {
      for (const resource of resources) if (resource.arn === arn) resource.until = clock.now() + listedForMs;
    },
  };
}

function getResources(resources: readonly Listed[], call: SimCall): unknown {
  const { input, now } = call;
  const filters = readFilters(input);
  const size = findNumber(input, "ResourcesPerPage") ?? PAGE;
  if (size < 1 || size > MAX_PAGE) throw invalid(`ResourcesPerPage must be between 1 and ${MAX_PAGE}.`);
  const fitting = resources.filter(
    (each) =>
      isOwn(each, call) &&
      each.from <= now &&
      now < each.until &&
      filters.every(({ key, values }) => fits(each.tags[key], values)),
  );
  const start = readToken(findText(input, "PaginationToken"), now);
  const isMore = start + size < fitting.length;
  return {
    ResourceTagMappingList: fitting.slice(start, start + size).map(({ arn, tags }) => ({
      ResourceARN: arn,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    })),
    PaginationToken: isMore ? toToken(start + size, now) : "",
  };
}

interface Filter {
  readonly key: string;
  readonly values: readonly string[];
}

function readFilters(input: SimCall["input"]): readonly Filter[] {
  const filters = recordsOf(input, "TagFilters").map((filter) => ({
    key: textOf(filter, "Key"),
    values: textsOf(filter, "Values"),
  }));
  if (filters.length > MAX_KEYS) throw invalid(`A request can include up to ${MAX_KEYS} keys.`);
  for (const { key, values } of filters) {
    if (key === "" || key.length > MAX_KEY) throw invalid(`The key of a filter must have 1 to ${MAX_KEY} characters.`);
    if (values.length > MAX_VALUES) throw invalid(`Each key can include up to ${MAX_VALUES} values.`);
    if (values.some((value) => value.length > MAX_VALUE)) throw invalid(`A value has at most ${MAX_VALUE} characters.`);
  }
  return filters;
}

/** Returns true if the value matches; a filter without values matches every value of its key. */
function fits(value: string | undefined, values: readonly string[]): boolean {
  return value !== undefined && (values.length === 0 || values.includes(value));
}

function toToken(start: number, now: number): string {
  return Buffer.from(JSON.stringify({ start, now })).toString("base64");
}

function readToken(token: string | undefined, now: number): number {
  if (token === undefined || token === "") return 0;
  const [, start, at] = /^\{"start":(\d+),"now":(\d+)\}$/.exec(Buffer.from(token, "base64").toString()) ?? [];
  if (start === undefined) throw invalid("The PaginationToken is not valid.");
  if (now - Number(at) > TOKEN_MS) {
    throw new SimFault("PaginationTokenExpiredException", 400, "The PaginationToken has expired.");
  }
  return Number(start);
}

function invalid(message: string): SimFault {
  return new SimFault("InvalidParameterException", 400, message);
}
