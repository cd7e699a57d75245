import type { Table } from "../side-by-side/table.ts";
import type { AwsFigures } from "./aws-figures.ts";
import { AWS_PRICES, type AwsUse, NO_USE, scaleUse, toDollars } from "./aws-prices.ts";
import type { RequestFigures } from "./count-requests.ts";

/** The assumed duration of an invocation, and its memory: AWS's own times cannot be measured here. */
export const ASSUMED = { invocationSeconds: 0.1, gigabytes: 0.5 } as const;

/** A mapping has five long polls of 20 seconds open at a queue where nothing happens. */
const IDLE_RECEIVES_A_MONTH = (5 * 3 * 60 * 24 * 365) / 12;
const MINUTES_A_MONTH = (60 * 24 * 365) / 12;
const QUEUES = 3;

/** The figures as people read them: what was measured first, then what is worked out from it. */
export function toAwsTables(figures: AwsFigures): readonly Table[] {
  return [
    toBundleTable(figures),
    toColdStartTable(figures),
    toRateTable(figures),
    toRequestTable(figures.requests),
    toCostTable(figures.requests),
    toPriceTable(),
  ];
}

function toBundleTable({ bundles }: AwsFigures): Table {
  return {
    title: "Measured: bundles for Lambda, without the SDK, which the runtime brings",
    head: ["app", "modules", "KiB", "of these imported at start", "KiB zipped"],
    rows: bundles.map(({ app, files, bytes, firstBytes, zippedBytes }) => {
      return [app, String(files), ...[bytes, firstBytes, zippedBytes].map(toKiB)];
    }),
  };
}

function toColdStartTable({ coldStarts }: AwsFigures): Table {
  return {
    title: "Measured: cold starts of the state manager's bundle, each in a fresh process; medians in milliseconds",
    head: ["store", "starts", "bundle imported", "its CPU", "first event", "second event"],
    rows: coldStarts.map(({ store, starts, importMs, importCpuMs, firstMs, secondMs }) => {
      return [store, String(starts), ...[importMs, importCpuMs, firstMs, secondMs].map((ms) => ms.toFixed(0))];
    }),
  };
}

function toRateTable({ rates }: AwsFigures): Table {
  return {
    title: "Measured: events that one warm instance of the state manager works, invocation after invocation",
    head: ["store", "batch", "events", "events a second", "ms an invocation", "CPU ms an event"],
    rows: rates.map(({ store, batchSize, events, perSecond, invocationMs, cpuMsPerEvent }) => {
      const times = [perSecond.toFixed(0), invocationMs.toFixed(1), cpuMsPerEvent.toFixed(2)];
      return [store, String(batchSize), events.toLocaleString("en"), ...times];
    }),
  };
}

function toRequestTable(requests: readonly RequestFigures[]): Table {
  const names = [...new Set(requests.flatMap(({ counts }) => Object.keys(counts)))].sort();
  const perThousand = ({ transitions }: RequestFigures, count: number) => toCount((count * 1_000) / transitions);
  const rows = names.map((name) => [name, ...requests.map((each) => perThousand(each, each.counts[name] ?? 0))]);
  const uses = [
    ["invocations of both functions", "invocation"],
    ["DynamoDB read units", "read"],
    ["DynamoDB write units", "write"],
  ] as const;
  const used = uses.map(([title, unit]) => [title, ...requests.map((each) => perThousand(each, each.use[unit]))]);
  return {
    title: "Measured: requests for 1,000 transitions, each with one task, on standard queues and DynamoDB",
    head: ["request", ...requests.map(({ scenario }) => scenario)],
    rows: [...rows, ...used],
  };
}

function toCostTable(requests: readonly RequestFigures[]): Table {
  const uses = requests.map(({ use, transitions }) => withTime(scaleUse(use, 1_000 / transitions)));
  const parts = [
    ["SQS", ["queue", "fifoQueue"]],
    ["DynamoDB", ["read", "write"]],
    ["Lambda", ["invocation", "gbSecond"]],
    ["S3", ["get", "list"]],
  ] as const;
  const rows = parts.map(([service, units]) => {
    return [service, ...uses.map((use) => toCents(toDollars(onlyOf(use, units))))];
  });
  return {
    title: "Worked out: US cents for 1,000 transitions",
    head: ["service", ...requests.map(({ scenario }) => scenario)],
    rows: [
      ...rows,
      ["together", ...uses.map((use) => toCents(toDollars(use)))],
      ["a month in which nothing happens, US dollars", ...requests.map((each) => toIdleDollars(each).toFixed(2))],
    ],
  };
}

function toPriceTable(): Table {
  return {
    title:
      "Prices taken: US East (N. Virginia), on demand, without free tiers, as known in November 2026; look them up before you count on them",
    head: ["unit", "US dollars a million", "source"],
    rows: Object.values(AWS_PRICES).map(({ unit, perMillion, source }) => [unit, String(perMillion), source]),
  };
}

function withTime(use: AwsUse): AwsUse {
  return { ...use, gbSecond: use.invocation * ASSUMED.invocationSeconds * ASSUMED.gigabytes };
}

function onlyOf(use: AwsUse, units: readonly (keyof AwsUse)[]): AwsUse {
  return { ...NO_USE, ...Object.fromEntries(units.map((unit) => [unit, use[unit]])) };
}

/** A sweep each minute, and the long polls of the event source mappings. */
function toIdleDollars({ sweep }: RequestFigures): number {
  const polls = { ...NO_USE, queue: QUEUES * IDLE_RECEIVES_A_MONTH };
  return toDollars(polls) + toDollars(withTime(scaleUse(sweep, MINUTES_A_MONTH)));
}

const toKiB = (bytes: number) => (bytes / 1_024).toLocaleString("en", { maximumFractionDigits: 0 });
const toCount = (count: number) => count.toLocaleString("en", { maximumFractionDigits: 0 });
const toCents = (dollars: number) => (dollars * 100).toFixed(2);
