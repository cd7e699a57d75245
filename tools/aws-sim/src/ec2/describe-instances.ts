import { findNumber, findText, type SimCall } from "../sim-call.ts";
import { ec2Faults as faults } from "./ec2-faults.ts";
import { type Ec2Filter, matchesFilters } from "./match-filter.ts";
import { type SimInstance, stateOf, toInstance } from "./sim-instance.ts";

/** "DescribeInstances", MaxResults: "between 5 and 1000". */
const MIN_PAGE = 5;
const MAX_PAGE = 1_000;
/** "DescribeInstances" and "Filtering considerations": at most 200 values of all filters. */
const MAX_FILTER_VALUES = 200;
/** Terminated instances "remain visible for a short while (approximately one hour)" (user guide, "Terminate your instance"). */
const TERMINATED_VISIBLE_MS = 3_600_000;
const ID = /^i-([0-9a-f]{8}|[0-9a-f]{17})$/;

/** DescribeInstances: the caller's own, by id or by filters, in pages. A reservation holds what was launched together. */
export function describeInstances(instances: readonly SimInstance[], call: SimCall): unknown {
  const { input, identity, region, now } = call;
  const own = instances.filter(
    (each) => each.account === identity.account && each.region === region && isVisible(each, now),
  );
  const ids = textsOf(input["InstanceIds"]);
  const filters = filtersOf(input["Filters"]);
  const size = pageSizeOf(call, ids);
  const found = (ids.length === 0 ? own : findAll(own, ids)).filter((each) => matchesFilters(each, filters, now));
  const from = startOf(findText(input, "NextToken"));
  const page = size === undefined ? found : found.slice(from, from + size);
  const isMore = size !== undefined && from + size < found.length;
  return {
    Reservations: toReservations(page, now),
    ...(isMore ? { NextToken: toToken(from + size) } : {}),
  };
}

function isVisible(instance: SimInstance, now: number): boolean {
  if (instance.visibleAt > now) return false;
  if (stateOf(instance, now) !== "terminated") return true;
  const since = instance.states.findLast(({ at }) => at <= now)?.at ?? 0;
  return now < since + TERMINATED_VISIBLE_MS;
}

function pageSizeOf({ input }: SimCall, ids: readonly string[]): number | undefined {
  const size = findNumber(input, "MaxResults");
  if (size === undefined) return;
  if (ids.length > 0) {
    throw faults.combined("The parameter instancesSet cannot be used with the parameter maxResults");
  }
  if (size < MIN_PAGE || size > MAX_PAGE) {
    throw faults.invalid(
      `Value ( ${size} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.`,
    );
  }
  return size;
}

function findAll(own: readonly SimInstance[], ids: readonly string[]): readonly SimInstance[] {
  const malformed = ids.find((id) => !ID.test(id));
  if (malformed !== undefined) throw faults.malformed(malformed);
  const byId = new Map(own.map((each) => [each.instanceId, each]));
  const missing = ids.filter((id) => !byId.has(id));
  if (missing.length > 0) throw faults.missing(missing);
  return own.filter(({ instanceId }) => ids.includes(instanceId));
}

function toReservations(page: readonly SimInstance[], now: number): unknown[] {
  return [...Map.groupBy(page, ({ reservationId }) => reservationId)].map(([ReservationId, group]) => ({
    ReservationId,
    OwnerId: group[0]?.account,
    Instances: group.map((each) => toInstance(each, now)),
  }));
}

function filtersOf(value: unknown): readonly Ec2Filter[] {
  const filters: readonly Ec2Filter[] = Array.isArray(value) ? value : [];
  const values = filters.reduce((sum, { Values = [] }) => sum + Values.length, 0);
  if (values > MAX_FILTER_VALUES) {
    throw faults.invalid(`The maximum number of filter values specified on a single call is ${MAX_FILTER_VALUES}`);
  }
  return filters;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function toToken(from: number): string {
  return Buffer.from(`from:${from}`).toString("base64");
}

function startOf(token: string | undefined): number {
  if (token === undefined) return 0;
  const found = /^from:(\d+)$/.exec(Buffer.from(token, "base64").toString());
  if (found === null) throw faults.invalid(`The token '${token}' is invalid`);
  return Number(found[1]);
}
