import {
  defined,
  defineExecutor,
  type Executor,
  type ExecutorContext,
  type Failed,
  failed,
  formatNames,
  isStackyardError,
  matchesGlob,
  type Running,
  running,
  type Step,
  succeeded,
} from "@stackyard/core";
import { parseAttemptId } from "@stackyard/core/machine";
import {
  decideQuota,
  isSameOwner,
  type QuotaDecision,
  type QuotaOwner,
  type QuotaRecord,
  removeOwner,
  sumWeights,
} from "./decide-quota.ts";
import { type PreviewsOptions, type QuotaConfig, quotaDefinition } from "./definition.ts";
import { findQuotaFault } from "./find-quota-fault.ts";
import { listQuotas, updateQuota } from "./quota-records.ts";

/** Holders that a message names. */
const MOST_NAMES = 10;
const FIRST_POLL_MS = 5_000;
const LONGEST_POLL_MS = 60_000;

/** Returns the capacity of a quota: that of the exact key, else that of the first matching pattern. */
export function findCapacity(quotas: PreviewsOptions["quotas"] = {}, key: string): number | undefined {
  if (Object.hasOwn(quotas, key)) return quotas[key];
  return Object.entries(quotas).find(([pattern]) => matchesGlob(pattern, key))?.[1];
}

/**
 * Creates the executor `quota`: claims parts of quotas for its stack, in the order of their keys. When one is full, it
 * waits, fails or evicts the oldest holder. A stack keeps its parts until a task releases them or the stack is removed.
 * Fails with QUOTA_FULL, QUOTA_UNKNOWN, QUOTA_NEEDS_STORE, CONFIG_INVALID.
 */
export function createQuotaExecutor({ quotas = {} }: Pick<PreviewsOptions, "quotas"> = {}): Executor {
  const begin = async (ctx: ExecutorContext, config: QuotaConfig, since: number): Promise<Step<Progress>> => {
    const fault = findQuotaFault(config);
    if (fault !== undefined) return failed({ code: "CONFIG_INVALID", message: fault, retryable: false });
    try {
      return config.release ? await releaseAll(ctx) : await take({ ctx, config, quotas, since });
    } catch (error) {
      if (!isStackyardError(error, "CONFIG_INVALID")) throw error;
      const message = "Quotas need a runner with the yard's store.";
      return failed({ code: "QUOTA_NEEDS_STORE", message, retryable: false });
    }
  };
  return defineExecutor({
    ...quotaDefinition,
    start: (ctx, config) => begin(ctx, config, ctx.clock.now()),
    poll: (ctx, config, { since }) => begin(ctx, config, since),
    async cancel(ctx, { holds = [] }) {
      await withdraw(ctx, toHolds(holds));
      return failed({ code: "QUOTA_CANCELLED", message: "The wait was cancelled.", retryable: false });
    },
  });
}

interface Progress {
  readonly since: number;
}

interface TakeInput {
  readonly ctx: ExecutorContext;
  readonly config: QuotaConfig;
  readonly quotas: NonNullable<PreviewsOptions["quotas"]>;
  readonly since: number;
}

/** Claims quotas in the order of the keys, so that two stacks never wait for each other. */
async function take({ ctx, config, quotas, since }: TakeInput): Promise<Step<Progress>> {
  const { holds = [], onFull = "wait", evictEvent } = config;
  const wanted = toHolds(holds);
  const unknown = [...wanted.keys()].find((key) => findCapacity(quotas, key) === undefined);
  if (unknown !== undefined) return toUnknown(unknown, quotas);
  for (const [key, weight] of wanted) {
    const capacity = findCapacity(quotas, key) ?? 0;
    const owner = toOwner(ctx);
    const attempt = ctx.idempotencyKey;
    const request = { ...owner, weight, attempt, waits: onFull !== "refuse", ...defined({ evictEvent }) };
    const decision = await decide(ctx, key, (record, now) => decideQuota(record, request, { capacity, now }));
    if (decision.kind === "granted") continue;
    const text = formatFull(decision.record, owner, { capacity, weight });
    if (decision.kind === "waits") return waiting(ctx, text, since);
    await withdraw(ctx, wanted);
    return failed({ code: "QUOTA_FULL", message: text, retryable: decision.kind === "full" });
  }
  return succeeded({});
}

async function decide(
  ctx: ExecutorContext,
  key: string,
  decideOn: (record: QuotaRecord, now: number) => QuotaDecision,
): Promise<QuotaDecision> {
  try {
    return await updateQuota(ctx, key, (record, now) => {
      const result = decideOn(record, now);
      return { record: result.record, result };
    });
  } catch (error) {
    if (!isStackyardError(error, "PAYLOAD_TOO_LARGE")) throw error;
    // The record has no room for another stack.
    return updateQuota(ctx, key, (record) => ({ record, result: { kind: "full", record } }));
  }
}

function waiting(ctx: ExecutorContext, message: string, since: number): Running<Progress> {
  const waitedMs = ctx.clock.now() - since;
  const pollAfterMs = Math.min(LONGEST_POLL_MS, Math.max(FIRST_POLL_MS, waitedMs / 10));
  return running({ progress: { since }, pollAfterMs: Math.round(pollAfterMs), message });
}

/** Weights by key, in the order of keys. A key that is named twice counts twice. */
function toHolds(holds: NonNullable<QuotaConfig["holds"]>): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const { key, weight = 1 } of holds) weights.set(key, (weights.get(key) ?? 0) + weight);
  return new Map([...weights].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function toOwner({ stackId, attempt }: ExecutorContext): QuotaOwner {
  return { stack: stackId, incarnation: parseAttemptId(attempt.id)?.incarnation ?? "" };
}

/** Releases this attempt's grants and its places in lines. Keeps earlier parts of the stack. */
async function withdraw(ctx: ExecutorContext, holds: ReadonlyMap<string, number>): Promise<void> {
  for (const key of holds.keys()) {
    await updateQuota(ctx, key, (record) => ({
      record: removeOwner(record, ({ attempt }) => attempt === ctx.idempotencyKey),
      result: undefined,
    }));
  }
}

async function releaseAll(ctx: ExecutorContext): Promise<Step<Progress>> {
  const owner = toOwner(ctx);
  const isOwn = (each: QuotaOwner): boolean => isSameOwner(each, owner);
  for await (const { key, holders, waiting: line } of listQuotas(ctx)) {
    if (![...holders, ...line].some(isOwn)) continue;
    await updateQuota(ctx, key, (record) => ({ record: removeOwner(record, isOwn), result: undefined }));
  }
  return succeeded({});
}

/** Formats why a stack does not get its request, and the stacks that hold the quota. */
function formatFull(
  { key, holders, waiting: line }: QuotaRecord,
  owner: QuotaOwner,
  { capacity, weight }: { readonly capacity: number; readonly weight: number },
): string {
  const used = sumWeights(holders);
  const names = holders.map(({ stack }) => stack);
  const held = holders.length === 0 ? "none is in use" : `${used} are in use by ${formatNames(names, MOST_NAMES)}`;
  const place = line.findIndex((waiter) => isSameOwner(waiter, owner));
  const before = place < 0 ? line.length : place;
  const ahead = before === 0 ? "" : ` Stacks that wait before it: ${before}.`;
  return `The quota "${key}" has ${capacity}, and ${held}. This stack needs ${weight}.${ahead}`;
}

function toUnknown(key: string, quotas: Readonly<Record<string, number>>): Failed {
  const patterns = Object.keys(quotas);
  const known = patterns.length === 0 ? "No quotas are configured." : `Quotas: ${patterns.slice(0, 20).join(", ")}.`;
  const message = `Unknown quota "${key}". ${known} Add it to the option "quotas" of the plugin.`;
  return failed({ code: "QUOTA_UNKNOWN", message, retryable: false });
}
