import { type Clock, changeRecord, type Records, StackyardError } from "@stackyard/core";
import type { SendJob } from "./deploy-job.ts";
import { type PlanEntry, toDigest } from "./plan-entry.ts";
import { type RowsInput, type RowsOwner, toPrefix } from "./rows.ts";
import { formatUnseen } from "./select-stacks.ts";

/** One task of a plan: all that it would do, and what it allows to go wrong. */
export interface PlannedTask extends Omit<SendJob, "op" | "plan"> {
  readonly task: string;
}

/** The content of a plan, which is approved: equal plans of one release have equal digests. */
export interface PlanContent {
  readonly version: 1;
  readonly release: { readonly id: string; readonly machine: string };
  readonly tasks: readonly PlannedTask[];
  readonly entries: readonly PlanEntry[];
  /** The count of stacks that fit and that the machine of the release may not read. Missing: none. */
  readonly unseen?: number;
}

/** A plan as stored. */
export interface StoredPlan extends PlanContent {
  readonly digest: string;
  /** When it was made, epoch milliseconds. */
  readonly at: number;
  readonly summary: string;
}

/** The record of a plan; its entries are in further records. */
export interface PlanHead extends Omit<StoredPlan, "entries"> {
  readonly pages: number;
}

/** The dependencies of the records of plans. */
export interface PlanDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}

const KEEP_MS = 90 * 86_400_000;
const MOST_ENTRIES = 200;
/** A record has at most 256 KiB. */
const MOST_BYTES = 200 * 1_024;

/** Stores a plan for 90 days, and returns it with its digest. The record with the digest comes last. */
export async function storePlan(deps: PlanDeps, content: PlanContent): Promise<StoredPlan> {
  const { entries, ...rest } = content;
  const digest = toDigest(content);
  const pages = toPages(entries);
  for (const [number, page] of pages.entries()) await put(deps, toPageKey(digest, number), page);
  const head: PlanHead = { ...rest, digest, at: deps.clock.now(), summary: toSummary(content), pages: pages.length };
  await put(deps, toKey(digest), head);
  return { ...head, entries };
}

/** Returns the plan with this digest; undefined when it does not exist. Throws as `listPlanPages`. */
export async function findPlan(deps: PlanDeps, digest: string): Promise<StoredPlan | undefined> {
  const head = await findPlanHead(deps, digest);
  if (head === undefined) return undefined;
  const entries: PlanEntry[] = [];
  for await (const page of listPlanPages(deps, head)) entries.push(...page);
  const { pages: _, ...rest } = head;
  return { ...rest, entries };
}

/** Returns the plan with this digest without its entries, or undefined. */
export async function findPlanHead({ records, clock }: PlanDeps, digest: string): Promise<PlanHead | undefined> {
  if (!DIGEST.test(digest)) return undefined;
  const record = await records.get(toKey(digest), clock.now());
  // Only `storePlan` writes these records.
  return record?.value as PlanHead | undefined;
}

const DIGEST = /^[0-9a-f]{64}$/;

/**
 * Yields the entries of a plan, page by page from one on, in their order. Throws `STORE_CORRUPT` when a page is gone: without
 * its stacks a person would approve another plan, and a task that follows it would leave them alone and succeed.
 */
export async function* listPlanPages(
  { records, clock }: PlanDeps,
  { digest, pages }: Pick<PlanHead, "digest" | "pages">,
  first = 0,
): AsyncGenerator<readonly PlanEntry[]> {
  for (let number = first; number < pages; number += 1) {
    const key = toPageKey(digest, number);
    const page = await records.get(key, clock.now());
    if (page === undefined) {
      throw new StackyardError("STORE_CORRUPT", `The record "${key}" is gone, a part of the plan. Make another plan.`);
    }
    yield page.value as readonly PlanEntry[];
  }
}

/** Notes the last plan of a task: of the one that has made it, or of one that it is about. */
export async function notePlan({ owner, ...deps }: RowsInput, digest: string): Promise<void> {
  await put(deps, toLastKey(owner), digest);
}

/** Returns the digest of the last plan of a task, or undefined. */
export async function findPlanDigest({ records, clock, owner }: RowsInput): Promise<string | undefined> {
  const record = await records.get(toLastKey(owner), clock.now());
  return typeof record?.value === "string" ? record.value : undefined;
}

function toLastKey(owner: RowsOwner): string {
  return `${toPrefix(owner)}/plan`;
}

async function put({ records, clock }: PlanDeps, key: string, value: unknown): Promise<void> {
  await changeRecord({
    records,
    clock,
    key,
    decide: (_, now) => ({ write: { value, expiresAt: now + KEEP_MS } }),
  });
}

function toPages(entries: readonly PlanEntry[]): readonly (readonly PlanEntry[])[] {
  const pages: PlanEntry[][] = [];
  let bytes = MOST_BYTES;
  for (const entry of entries) {
    const size = Buffer.byteLength(JSON.stringify(entry)) + 1;
    const last = pages.at(-1);
    if (last === undefined || last.length === MOST_ENTRIES || bytes + size > MOST_BYTES) {
      pages.push([entry]);
      bytes = size;
    } else {
      last.push(entry);
      bytes += size;
    }
  }
  return pages;
}

/** \`3 move, 1 same\`: what the stacks do, and how many tasks run. */
function toSummary({ tasks: planned, entries, unseen = 0 }: PlanContent): string {
  const kinds = Map.groupBy(entries, ({ does }) => does);
  const counts = [...kinds].map(([does, same]) => `${same.length} ${does}`);
  const tasks = entries.reduce((sum, entry) => sum + entry.tasks.length, 0);
  const filled = new Set(entries.map(({ task, wave }) => JSON.stringify([task, wave])));
  const names = planned.flatMap(({ task, waves }) =>
    waves.flatMap(({ name }) => (filled.has(JSON.stringify([task, name])) ? [] : [name])),
  );
  const empty = names.length === 0 ? "" : ` Without stacks: ${names.join(", ")}.`;
  return `${toCount(entries.length, "stack")}: ${counts.join(", ") || "none"}. ${toCount(tasks, "task")} would run.${formatUnseen(unseen, entries.length)}${empty}`;
}

function toCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function toKey(digest: string): string {
  return `promotion/plans/${digest}`;
}

function toPageKey(digest: string, number: number): string {
  return `promotion/plans/${digest}/${number}`;
}
