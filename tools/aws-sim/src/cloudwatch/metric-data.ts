import { defined } from "@stackyard/core";
import {
  findNumber,
  findRecord,
  findText,
  type NamedResource,
  placeOf,
  recordsOf,
  type SimCall,
  textOf,
} from "../sim-call.ts";
import { cutPage } from "../sim-fault.ts";
import { cloudWatchFaults as faults } from "./alarms.ts";

/** A value of a metric, as a service or a program has sent it. */
export interface MetricValue extends NamedResource {
  readonly namespace: string;
  /** A query must name exactly these. */
  readonly dimensions: Readonly<Record<string, string>>;
  readonly value: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** API reference, "GetMetricData": up to 500 queries, and up to 100,800 data points, which is also the default of MaxDatapoints. */
const MAX_QUERIES = 500;
const MAX_POINTS = 100_800;
/** "Metric": up to 30 dimensions. */
const MAX_DIMENSIONS = 30;
/** "MetricDataQuery", Id: it must start with a lower-case letter. */
const ID = /^[a-z][a-zA-Z0-9_]{0,254}$/;

type Input = SimCall["input"];

/**
 * Implements GetMetricData without expressions: sums of each period, newest first. A metric without values has an
 * empty, complete result.
 */
export function getMetricData(values: readonly MetricValue[], call: SimCall): unknown {
  const { input } = call;
  const queries = recordsOf(input, "MetricDataQueries");
  if (queries.length > MAX_QUERIES) throw faults.constraint("metricDataQueries", "Member must have length <= 500");
  const [from, to] = [instantOf(input, "StartTime"), instantOf(input, "EndTime")];
  if (from >= to) throw invalid("The parameter StartTime must be less than the parameter EndTime.");
  const most = findNumber(input, "MaxDatapoints") ?? MAX_POINTS;
  if (most < 1 || most > MAX_POINTS) throw invalid(`MaxDatapoints must be between 1 and ${MAX_POINTS}.`);
  const all = queries.flatMap((query) => toPoints(values, query, { call, from, to }));
  const { rows, next } = cutPage(all, { size: most, token: findText(input, "NextToken") }, faults.badToken);
  return {
    MetricDataResults: queries.map((query) => {
      const own = rows.filter(({ id }) => id === textOf(query, "Id"));
      return {
        Id: textOf(query, "Id"),
        StatusCode: next === undefined ? "Complete" : "PartialData",
        Timestamps: own.map(({ at }) => new Date(at)),
        Values: own.map(({ sum }) => sum),
      };
    }),
    ...defined({ NextToken: next }),
  };
}

interface Window {
  readonly call: SimCall;
  readonly from: number;
  readonly to: number;
}

/** Returns the sums of a query, newest first. */
function toPoints(values: readonly MetricValue[], query: Input, { call, from, to }: Window) {
  const { period, ...metric } = readQuery(query);
  const wanted = toText({ ...metric, ...placeOf(call) });
  // The start is rounded down to a whole minute.
  const first = Math.floor(from / 60_000) * 60_000;
  const sums = new Map<number, number>();
  for (const { at, value, ...each } of values) {
    if (toText(each) !== wanted || at < first || at >= to) continue;
    const start = Math.floor(at / (period * 1_000)) * period * 1_000;
    sums.set(start, (sums.get(start) ?? 0) + value);
  }
  const points = [...sums].toSorted(([a], [b]) => b - a);
  return points.map(([at, sum]) => ({ id: textOf(query, "Id"), at, sum }));
}

function readQuery(query: Input) {
  const id = textOf(query, "Id");
  if (!ID.test(id)) throw invalid(`The value ${id} for parameter Id is not valid.`);
  const stat = findRecord(query, "MetricStat") ?? {};
  const period = findNumber(stat, "Period") ?? 0;
  if (period < 1 || (period % 60 !== 0 && ![1, 5, 10, 20, 30].includes(period)))
    throw invalid("Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
  if (textOf(stat, "Stat") !== "Sum") throw invalid("The simulation has only the statistic Sum.");
  const metric = findRecord(stat, "Metric") ?? {};
  const dimensions = recordsOf(metric, "Dimensions");
  if (dimensions.length > MAX_DIMENSIONS) throw faults.constraint("dimensions", "Member must have length <= 30");
  return {
    period,
    namespace: textOf(metric, "Namespace"),
    name: textOf(metric, "MetricName"),
    dimensions: Object.fromEntries(dimensions.map((each) => [textOf(each, "Name"), textOf(each, "Value")])),
  };
}

/** Returns a metric as text, for comparison. */
function toText({ dimensions, ...metric }: Omit<MetricValue, "value" | "at">): string {
  const byName = ([a]: [string, string], [b]: [string, string]) => (a < b ? -1 : 1);
  const { account, region, namespace, name } = metric;
  return JSON.stringify([account, region, namespace, name, Object.entries(dimensions).toSorted(byName)]);
}

function instantOf(input: Input, field: string): number {
  const value = input[field];
  // Over HTTP instants are seconds. Source of the form: AWS JSON 1.0 protocol, timestamps.
  if (typeof value === "number") return value * 1_000;
  if (!(value instanceof Date)) throw faults.missing(field);
  return value.getTime();
}

function invalid(message: string) {
  return faults.badValue(message);
}
