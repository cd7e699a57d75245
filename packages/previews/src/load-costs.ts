import { CostExplorerClient, GetCostAndUsageCommand, type ResultByTime } from "@aws-sdk/client-cost-explorer";
import { defined, type ServiceDeps } from "@stackyard/core";
import { toStackTags } from "@stackyard/core/services";
import type { PreviewsOptions } from "./definition.ts";

/** Costs of the last 30 complete days. */
export interface LoadedCosts {
  /** USD, by the value of the stack's tag. */
  readonly costs: ReadonlyMap<string, number>;
  /** False if there are more pages than the option allows. */
  readonly isComplete: boolean;
}

/** The yard and account to load costs for. */
export interface CostsQuery {
  readonly options: NonNullable<PreviewsOptions["costs"]>;
  readonly yard: string;
  /** Called for each page that was bought. */
  readonly onPage: () => void;
}

const DAY_MS = 86_400_000;
const DAYS = 30;
const DEFAULT_PAGES = 10;
const TAG = "stackyard:stack";
const METRIC = "UnblendedCost";
/** Cost Explorer has one endpoint in a partition. */
const PLACE = { region: "us-east-1", partition: "aws" };

/** Loads the costs of the yard's stacks. Each page costs 0.01 USD, so nothing is retried here. */
export async function loadCosts(deps: ServiceDeps, { options, yard, onPage }: CostsQuery): Promise<LoadedCosts> {
  const { account, role, maxPages = DEFAULT_PAGES } = options;
  const client = deps.aws(CostExplorerClient, { account, ...PLACE, ...defined({ role }) });
  const { "stackyard:yard": own } = toStackTags({ yard, stackId: "", machine: "" });
  const now = deps.clock.now();
  const costs = new Map<string, number>();
  let token: string | undefined;
  for (let pages = 0; pages < maxPages; pages++) {
    const command = new GetCostAndUsageCommand({
      // The end is exclusive.
      TimePeriod: { Start: toDay(now - DAYS * DAY_MS), End: toDay(now) },
      Granularity: "MONTHLY",
      Metrics: [METRIC],
      Filter: { Tags: { Key: "stackyard:yard", Values: [own] } },
      GroupBy: [{ Type: "TAG", Key: TAG }],
      ...defined({ NextPageToken: token }),
    });
    const { ResultsByTime = [], NextPageToken } = await client.send(command, { abortSignal: deps.signal });
    onPage();
    for (const result of ResultsByTime) addGroups(costs, result);
    token = NextPageToken;
    if (token === undefined) return { costs, isComplete: true };
  }
  return { costs, isComplete: false };
}

/** Adds a result. A group's key is the tag, `$` and its value, which is empty for resources without the tag. */
function addGroups(costs: Map<string, number>, { Groups = [] }: ResultByTime): void {
  for (const { Keys: [key = ""] = [], Metrics } of Groups) {
    const value = key.slice(TAG.length + 1);
    const usd = Number(Metrics?.[METRIC]?.Amount);
    if (value !== "" && Number.isFinite(usd)) costs.set(value, (costs.get(value) ?? 0) + usd);
  }
}

/** Returns the day of an instant in UTC, such as 2026-11-22. */
export function toDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
