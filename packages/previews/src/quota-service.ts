import { createHash } from "node:crypto";
import type { PluginService, ServiceDeps, Stack } from "@stackyard/core";
import { idempotencyKeyOf, parseAttemptId } from "@stackyard/core/machine";
import { decideEviction, type QuotaHolder, type QuotaRecord, removeOwner } from "./decide-quota.ts";
import type { PreviewsOptions } from "./definition.ts";
import { findCapacity } from "./quota.ts";
import { listQuotas, updateQuota } from "./quota-records.ts";

/** In whose name holders are sent events. */
const USER = { id: "previews/quota", name: "quota" };
/** While a stack waits for another one to leave. */
const EVICTING_MS = 10_000;

/**
 * Creates the service that returns what removed stacks hold, ends the wait of attempts that have ended, and sends events to the
 * holders of full quotas.
 */
export function createQuotaService({ quotas = {} }: Pick<PreviewsOptions, "quotas">): PluginService {
  return {
    name: "quotas",
    async tick(deps, until) {
      const { clock, signal } = deps;
      let isEvicting = false;
      for await (const listed of listQuotas(deps)) {
        if (signal.aborted || clock.now() >= until) return clock.now();
        const stacks = await loadStacks(deps, listed);
        const record = await removeGone(deps, listed, stacks);
        await evict(deps, record, { capacity: findCapacity(quotas, record.key), stacks });
        isEvicting ||= record.waiting.some(({ evictEvent }) => evictEvent !== undefined);
      }
      return isEvicting ? clock.now() + EVICTING_MS : undefined;
    },
  };
}

type Stacks = ReadonlyMap<string, Stack | undefined>;

async function loadStacks(deps: ServiceDeps, { holders, waiting }: QuotaRecord): Promise<Stacks> {
  const stacks = new Map<string, Stack | undefined>();
  for (const { stack } of [...holders, ...waiting]) {
    if (!stacks.has(stack)) stacks.set(stack, await deps.findStack(stack));
  }
  return stacks;
}

/** The stacks were loaded after the record, so a stack that has just come is not taken for one that is gone. */
async function removeGone(deps: ServiceDeps, record: QuotaRecord, stacks: Stacks): Promise<QuotaRecord> {
  const gone = [
    ...record.holders.filter((holder) => isGone(holder, stacks)),
    ...record.waiting.filter((waiter) => isGone(waiter, stacks) || !isOpen(waiter, stacks)),
  ].map(toText);
  if (gone.length === 0) return record;
  return updateQuota(deps, record.key, (current) => {
    const next = removeOwner(current, (owner) => gone.includes(toText(owner)));
    return { record: next, result: next };
  });
}

function toText({ stack, incarnation, attempt, since }: QuotaHolder): string {
  return JSON.stringify([stack, incarnation, attempt, since]);
}

function isGone({ stack, incarnation }: QuotaHolder, stacks: Stacks): boolean {
  return stacks.get(stack)?.incarnation !== incarnation;
}

/** Returns whether the attempt has not ended. */
function isOpen({ stack, attempt }: QuotaHolder, stacks: Stacks): boolean {
  const runs = stacks.get(stack)?.runs ?? [];
  return runs.some(({ attemptId }) => {
    const parsed = parseAttemptId(attemptId);
    return parsed !== undefined && idempotencyKeyOf(parsed) === attempt;
  });
}

async function evict(
  deps: ServiceDeps,
  record: QuotaRecord,
  { capacity, stacks }: { readonly capacity: number | undefined; readonly stacks: Stacks },
): Promise<void> {
  if (capacity === undefined) return;
  const decided = decideEviction(record, { capacity, now: deps.clock.now() });
  const stack = decided && stacks.get(decided.holder.stack);
  if (decided === undefined || stack === undefined) return;
  const { holder, waiter, event } = decided;
  // The id depends on who leaves for whom, so a repeated tick sends the same event.
  const digest = createHash("sha256").update(JSON.stringify([record.key, holder.stack, holder.incarnation]));
  const id = `quota/${waiter.attempt}/${digest.digest("hex").slice(0, 32)}`;
  const published = await deps.publish({ id, stackId: stack.id, machine: stack.machine, event, metadata: {} }, USER);
  if (published.kind === "invalid")
    deps.logger.warn("A holder cannot be sent the event.", { stack: stack.id, event, ...published });
  await updateQuota(deps, record.key, (current) => {
    const again = decideEviction(current, { capacity, now: deps.clock.now() });
    const isSame = again?.holder.stack === holder.stack && again.waiter.attempt === waiter.attempt;
    return { record: isSame ? again.record : current, result: undefined };
  });
}
