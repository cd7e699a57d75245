import { createHash } from "node:crypto";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import {
  cutText,
  type PluginContext,
  type PluginService,
  type ServiceDeps,
  type Stack,
  StackyardError,
} from "@stackyard/core";
import { readYardName } from "@stackyard/core/environment";
import { notify } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import type { PreviewsOptions } from "./definition.ts";
import { findReactions } from "./find-reactions.ts";
import { findTaggedStack } from "./find-tagged-stack.ts";
import { loadCosts, toDay } from "./load-costs.ts";

const EVENT = "COST";
/** The key of the metadata. */
const KEY = "cost_actual";
/** The sender of events with costs. */
const USER = { id: "previews/cost", name: "costs" };
const RECORD = "previews/costs";
const DAY_MS = 86_400_000;
/** A search of another server may still be under way. */
const ASKING_MS = 600_000;
/** A rejected search, which is free, is repeated after that time. */
const REFUSED_MS = 3_600_000;
/** A record has at most 256 KiB. */
const MOST_BYTES = 200 * 1024;

/** The purchase of a day. Written before the first page is bought, so that no page is bought twice. */
const BoughtCosts = Type.Object({
  /** In UTC, such as 2026-11-22. */
  day: Type.String(),
  askedAt: Type.Number(),
  /** The search has no result yet. */
  isOpen: Type.Optional(Type.Literal(true)),
  /** The first page was rejected, so nothing was bought. */
  isRefused: Type.Optional(Type.Literal(true)),
  /** Why the result is missing or incomplete. */
  failure: Type.Optional(Type.String()),
  /** Stacks that were not sent their costs yet. */
  costs: Type.Optional(Type.Array(Type.Object({ stackId: Type.String(), usd: Type.Number() }))),
});
type BoughtCosts = Static<typeof BoughtCosts>;

/** Creates the service that loads the actual costs of stacks once a day, and sends them. Returns no service without the option. */
export function createCostServices(
  { costs: options }: Pick<PreviewsOptions, "costs">,
  { environment }: Pick<PluginContext, "environment">,
): readonly PluginService[] {
  if (options === undefined) return [];
  const yard = readYardName(environment);
  return [
    {
      name: "costs",
      async dueAt(deps) {
        const now = deps.clock.now();
        const bought = (await findBought(deps))?.value;
        if (bought === undefined || bought.costs !== undefined || isDue(bought, now)) return now;
        const { isOpen, askedAt, failure } = bought;
        if (isOpen === true && now - askedAt < ASKING_MS) return Math.min(toNextDay(now), askedAt + ASKING_MS);
        // A failure remains visible until the next search, and costs nothing.
        if (failure !== undefined) throw toError(failure);
        return toNextDay(now);
      },
      async tick(deps) {
        const found = await findBought(deps);
        if (found?.value.costs !== undefined) return sendCosts(deps, found);
        if (found !== undefined && !isDue(found.value, deps.clock.now())) return undefined;
        return sendCosts(deps, await buyCosts(deps, { options, yard, version: found?.version }));
      },
    },
  ];
}

function isDue({ day, isRefused, askedAt }: BoughtCosts, now: number): boolean {
  return day !== toDay(now) || (isRefused === true && now - askedAt >= REFUSED_MS);
}

interface StoredBought {
  readonly version: number;
  readonly value: BoughtCosts;
}

async function findBought({ records, clock }: ServiceDeps): Promise<StoredBought | undefined> {
  const found = await records.get(RECORD, clock.now());
  return found && Check(BoughtCosts, found.value) ? { version: found.version, value: found.value } : undefined;
}

interface BuyInput {
  readonly options: NonNullable<PreviewsOptions["costs"]>;
  readonly yard: string;
  readonly version: number | undefined;
}

async function buyCosts(deps: ServiceDeps, { options, yard, version }: BuyInput): Promise<StoredBought> {
  const askedAt = deps.clock.now();
  const day = toDay(askedAt);
  const interrupted =
    "The search for costs was interrupted. It is repeated on the next day, because each page costs money.";
  const claimed = await put(deps, version, { day, askedAt, isOpen: true, failure: interrupted });
  let pages = 0;
  try {
    const { costs, isComplete } = await loadCosts(deps, { options, yard, onPage: () => void pages++ });
    const { items, isWhole } = await toItems(deps, costs);
    const failure = isComplete && isWhole ? {} : { failure: TOO_MANY };
    return await put(deps, claimed.version, { day, askedAt, ...failure, costs: items });
  } catch (error) {
    const advice = "The role needs the permission ce:GetCostAndUsage.";
    const { message } = toAwsError(error, "The costs cannot be loaded.", advice);
    const { code, name } = findAwsFault(error);
    const isRefused = pages === 0 && name !== undefined;
    const failure = cutText(message, 1_024);
    if (code === "FORBIDDEN" || code === "UNAUTHENTICATED")
      await notifyDenied(deps, { day, account: options.account, failure });
    await put(deps, claimed.version, { day, askedAt, failure, ...(isRefused && { isRefused }) });
    throw toError(message);
  }
}

/** Notifies once per day that the search was denied. */
async function notifyDenied(
  deps: ServiceDeps,
  { day, account, failure }: { readonly day: string; readonly account: string; readonly failure: string },
): Promise<void> {
  const title = `The costs of stacks cannot be loaded from the account ${account}`;
  const text = `${failure} The search is repeated every hour.`;
  await notify(deps, { kind: "costs-denied", key: day, title, text, data: { account } });
}

const TOO_MANY = "Not all stacks were sent their costs: there are more than the option maxPages, or a record, allows.";

/** Returns the costs of existing stacks, the most expensive first, because not all may fit. */
async function toItems(deps: ServiceDeps, costs: ReadonlyMap<string, number>) {
  const items: NonNullable<BoughtCosts["costs"]> = [];
  let bytes = 0;
  for (const [tag, cost] of [...costs].toSorted(([, a], [, b]) => b - a)) {
    const stack = await findTaggedStack(deps, { stackId: tag });
    if (stack === undefined) continue;
    const item = { stackId: stack.id, usd: Math.round(cost * 100) / 100 };
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes > MOST_BYTES) return { items, isWhole: false };
    items.push(item);
  }
  return { items, isWhole: true };
}

/** Sends the costs. The ids of the events are derived from the day, so that a retry sends nothing twice. */
async function sendCosts(deps: ServiceDeps, { version, value }: StoredBought): Promise<number> {
  const { costs = [], ...done } = value;
  for (const { stackId, usd } of costs) {
    if (deps.signal.aborted) return deps.clock.now();
    const stack = await deps.findStack(stackId);
    if (stack === undefined || stack.metadata[KEY] === usd) continue;
    // A state that does not handle the event would get a dead letter each day.
    const isHandled = (await findReactions(deps, stack, EVENT)) !== undefined;
    if (isHandled) await sendCost(deps, stack, { usd, day: value.day });
  }
  await put(deps, version, done);
  return toNextDay(deps.clock.now());
}

async function sendCost(
  deps: ServiceDeps,
  { id: stackId, machine, incarnation }: Stack,
  { usd, day }: { readonly usd: number; readonly day: string },
): Promise<void> {
  const digest = createHash("sha256").update(JSON.stringify([stackId, incarnation]));
  const id = `cost/${day}/${digest.digest("hex").slice(0, 32)}`;
  const event = { id, stackId, machine, event: EVENT, metadata: { [KEY]: usd } };
  const published = await deps.publish(event, USER);
  if (published.kind === "invalid")
    deps.logger.warn("A stack cannot be sent its costs.", { stack: stackId, ...published });
}

/** Throws when another process was first, so that nothing is bought twice. */
async function put(
  { records, clock }: ServiceDeps,
  version: number | undefined,
  value: BoughtCosts,
): Promise<StoredBought> {
  const result = await records.put({ key: RECORD, value, expected: version ?? "absent", now: clock.now() });
  if (result.kind === "written") return { version: result.record.version, value };
  throw new StackyardError("RECORD_CONFLICT", "Two servers load costs at the same time.");
}

function toNextDay(now: number): number {
  return (Math.floor(now / DAY_MS) + 1) * DAY_MS;
}

function toError(message: string): StackyardError {
  return new StackyardError("UNREACHABLE", message);
}
