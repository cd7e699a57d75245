import { defined } from "@stackyard/core";
import { jsonFaults } from "./service-faults.ts";
import { findRecord, findText, recordsOf, type SimCall, type SimService, textOf, textsOf } from "./sim-call.ts";
import { cutPage, SimFault } from "./sim-fault.ts";

/** Costs, as Cost Explorer groups them by the value of a tag. */
interface SimCostExplorer {
  readonly service: SimService;
  /** Adds what resources with these tags have cost on a day. */
  add(cost: SimCost): void;
  /** Sets how many groups a page has. Default: 100; the documentation names no number. */
  setPage(size: number): void;
}

/** Costs of a day. */
interface SimCost {
  /** The payer's account. */
  readonly account: string;
  /** Such as 2026-11-22, in UTC. */
  readonly day: string;
  readonly usd: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** "GetCostAndUsage", GroupBy: up to two groups. */
const MAX_GROUPS = 2;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * Creates Cost Explorer without costs. Source: AWS Billing and Cost Management API reference (2017-10-25),
 * "GetCostAndUsage": the start of a period is inclusive and its end exclusive; the key of a group by tag is the tag,
 * `$` and its value, which is empty for resources without the tag. A request costs 0.01 USD ("AWS Cost Explorer
 * pricing").
 */
export function createCostExplorer(): SimCostExplorer {
  const costs: SimCost[] = [];
  let size = 100;
  return {
    service: {
      operations: { GetCostAndUsage: (call) => getCostAndUsage(costs, call, size) },
      toAction: (operation) => `ce:${operation}`,
      faults: { ...jsonFaults, throttled: () => new SimFault("LimitExceededException", 400, "Rate exceeded") },
    },
    add: (cost) => void costs.push(cost),
    setPage(groups) {
      size = groups;
    },
  };
}

function getCostAndUsage(costs: readonly SimCost[], call: SimCall, size: number): unknown {
  const { start, end, key, filter } = readInput(call.input);
  const sums = new Map<string, number>();
  for (const { account, day, usd, tags } of costs) {
    const isMeant = account === call.identity.account && day >= start && day < end;
    if (!isMeant || !filter.values.includes(tags[filter.key] ?? "")) continue;
    const place = JSON.stringify([day.slice(0, 7), `${key}$${tags[key] ?? ""}`]);
    sums.set(place, (sums.get(place) ?? 0) + usd);
  }
  const unknown = () => new SimFault("InvalidNextTokenException", 400, "The pagination token is invalid.");
  const all = [...sums].toSorted(([one], [other]) => (one < other ? -1 : 1));
  const { rows, next } = cutPage(all, { size, token: findText(call.input, "NextPageToken") }, unknown);
  const page = rows.map(([place, usd]) => ({ ...toPlace(place), usd }));
  const months = [...Map.groupBy(page, ({ month }) => month)];
  return {
    ResultsByTime: months.map(([month, entries]) => ({
      TimePeriod: { Start: `${month}-01`, End: end },
      Estimated: true,
      Groups: entries.map(({ group, usd }) => ({
        Keys: [group],
        Metrics: { UnblendedCost: { Amount: String(usd), Unit: "USD" } },
      })),
    })),
    ...defined({ NextPageToken: next }),
  };
}

function readInput(input: SimCall["input"]) {
  const period = findRecord(input, "TimePeriod") ?? {};
  const [start, end] = [textOf(period, "Start"), textOf(period, "End")];
  if (!DAY.test(start) || !DAY.test(end) || start >= end) throw invalid("Start date should be before end date.");
  if (textOf(input, "Granularity") !== "MONTHLY") throw invalid("The simulation has only the granularity MONTHLY.");
  const [metric] = textsOf(input, "Metrics");
  if (metric !== "UnblendedCost") throw invalid("The simulation has only the metric UnblendedCost.");
  const groups = recordsOf(input, "GroupBy");
  if (groups.length > MAX_GROUPS) throw invalid(`GroupBy has at most ${MAX_GROUPS} groups.`);
  const filter = findRecord(findRecord(input, "Filter") ?? {}, "Tags") ?? {};
  return {
    start,
    end,
    key: textOf(groups[0] ?? {}, "Key"),
    filter: { key: textOf(filter, "Key"), values: textsOf(filter, "Values") },
  };
}

function toPlace(place: string): { readonly month: string; readonly group: string } {
  const [month, group]: string[] = JSON.parse(place);
  return { month: month ?? "", group: group ?? "" };
}

function invalid(message: string): SimFault {
  return new SimFault("ValidationException", 400, message);
}
