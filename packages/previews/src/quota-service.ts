import { createHash } from "node:crypto";
import type { PluginService, ServiceDeps, Stack } from "@stackyard/core";
import { idempotencyKeyOf, parseAttemptId } from "@stackyard/core/machine";
import { decideEviction, type QuotaHolder, type QuotaRecord, removeOwner } from "./decide-quota.ts";
import type { PreviewsOptions } from "./definition.ts";
import { findCapacity } from "./quota.ts";
import { listQuotas, updateQuota } from "./quota-records.ts";

/** The sender of events to holders. */
const USER = { id: "previews/quota", name: "quota" };
/** While a stack waits for another one to leave. */
const EVICTING_MS = 10_000;

/**
 * Creates the service that releases the parts of removed stacks, ends the wait of attempts that have ended, and sends
 * events to the holders of full quotas.
 */
export function createQuotaService({ quotas = {} }: Pick<PreviewsOptions, "quotas">): PluginService {
  return {
    name: "quotas",
    async dueAt(deps) {
      let isEvicting = false;
      for await (const record of listQuotas(deps)) {
        const stacks = await loadStacks(deps, record);
        const capacity = findCapacity(quotas, record.key);
        if (findGone(record, stacks).length > 0 || findEviction(deps, record, { capacity, stacks }) !== undefined) {
          return deps.clock.now();
        }
        isEvicting ||= isAnyEvicting(record);
      }
      return isEvicting ? deps.clock.now() + EVICTING_MS : undefined;
    },
    async tick(deps, until) {
      const { clock, signal } = deps;
      let isEvicting = false;
      for await (const listed of listQuotas(deps)) {
        if (signal.aborted || clock.now() >= until) return clock.now();
        const stacks = await loadStacks(deps, listed);
        const record = await removeGone(deps, listed, stacks);
        await evict(deps, record, { capacity: findCapacity(quotas, record.key), stacks });
        isEvicting ||= isAnyEvicting(record);
      }
      return isEvicting ? clock.now() + EVICTING_MS : undefined;
    },
  };
}

function isAnyEvicting({ waiting }: QuotaRecord): boolean {
  return waiting.some(({ evictEvent }) => evictEvent !== undefined);
}

type Stacks = ReadonlyMap<string, Stack | undefined>;

async function loadStacks(deps: ServiceDeps, { holders, waiting }: QuotaRecord): Promise<Stacks> {
  const stacks = new Map<string, Stack | undefined>();
  for (const { stack } of [...holders, ...waiting]) {
    if (!stacks.has(stack)) stacks.set(stack, await deps.findStack(stack));
  }
  return stacks;
}

/** Returns gone owners. The stacks were loaded after the record, so a new stack is not treated as gone. */
function findGone({ holders, waiting }: QuotaRecord, stacks: Stacks): readonly string[] {
  return [
    ...holders.filter((holder) => isGone(holder, stacks)),
    ...waiting.filter((waiter) => isGone(waiter, stacks) || !isOpen(waiter, stacks)),
  ].map(toText);
}

async function removeGone(deps: ServiceDeps, record: QuotaRecord, stacks: Stacks): Promise<QuotaRecord> {
  const gone = findGone(record, stacks);
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

interface EvictionInput {
  readonly capacity: number | undefined;
  readonly stacks: Stacks;
}

/** Returns the holder to send the event to; undefined when none must be sent now. */
function findEviction(deps: ServiceDeps, record: QuotaRecord, { capacity, stacks }: EvictionInput) {
  if (capacity === undefined) return undefined;
  const decided = decideEviction(record, { capacity, now: deps.clock.now() });
  const stack = decided && stacks.get(decided.holder.stack);
  return decided && stack && { ...decided, stack, capacity };
}

async function evict(deps: ServiceDeps, record: QuotaRecord, input: EvictionInput): Promise<void> {
  const found = findEviction(deps, record, input);
  if (found === undefined) return;
  const { holder, waiter, event, stack, capacity } = found;
  // The id depends on holder and waiter, so a repeated tick sends the same event.
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
