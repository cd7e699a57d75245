import { hash } from "node:crypto";
import { cutText, defined, isMap, type Stack } from "@stackyard/core";
import { isResting, type LoadedStack, type YardService } from "@stackyard/core/engine";
import { type Aims, decideRow, isOwn } from "./decide-row.ts";
import type { SendJob } from "./deploy-job.ts";
import type { DeployRow, Value } from "./deploy-row.ts";

/**
 * The effect of a task on one stack, which a person approves. Without instants and versions, so that a check for drift
 * in between does not matter.
 */
export interface PlanEntry {
  readonly task: string;
  readonly stack: string;
  /** Null: missing. */
  readonly incarnation: string | null;
  /** The content hash of the revision on which its machine would decide; null where nothing is decided. */
  readonly revision: string | null;
  readonly wave: string;
  /** `moving`: it did not rest in time. `fails`: the event would be refused, or must not be sent. */
  readonly does: "move" | "same" | "create" | "moving" | "fails";
  /** The code with which the row would end. Only of `fails`. */
  readonly code?: string;
  readonly from: Readonly<Record<string, Value>>;
  readonly to: Readonly<Record<string, Value>>;
  readonly show: Readonly<Record<string, Value>>;
  /** The tasks that its machine would run, as `STATE/task`, if each succeeded. */
  readonly tasks: readonly string[];
  /** Its last state; null: it is removed, or nothing happens. */
  readonly end: string | null;
  /** False: what follows depends on outputs. */
  readonly isWhole: boolean;
  /** The digest of the metadata that its tasks may read; missing where none is run. */
  readonly reads?: string;
}

/** The facts that the plan of one task needs. */
export interface PlanSubject {
  readonly task: string;
  readonly job: Pick<SendJob, "event" | "metadata" | "create">;
  readonly aims: Aims;
  readonly show: readonly string[];
  readonly findSensitive: (loaded: LoadedStack) => Promise<string | undefined>;
}

/** Returns the aims of what a task sends, at an instant. */
export function toAims(
  { event, metadata, until, failed, stacks, create, again, eachMs }: Omit<SendJob, "op" | "plan">,
  { id, createdAt }: Pick<Stack, "id" | "createdAt">,
  now: number,
): Aims {
  const isRule = typeof stacks !== "string";
  const facts = { event, metadata, until, failed, again, eachMs };
  return { op: "send", ...facts, isRule, creates: create !== undefined, release: { id, createdAt }, now };
}

/** Plans one stack. Reads only. */
export async function planStack(
  yard: Pick<YardService, "preview" | "foresee">,
  loaded: LoadedStack,
  { subject, wave }: { readonly subject: PlanSubject; readonly wave: string },
): Promise<PlanEntry> {
  const { stack } = loaded;
  const { task, job, show } = subject;
  const entry: PlanEntry = {
    task,
    stack: loaded.stackId,
    incarnation: stack?.incarnation ?? null,
    revision: null,
    wave,
    does: "same",
    from: pick(stack, Object.keys(job.metadata)),
    to: job.metadata,
    show: pick(stack, show),
    tasks: [],
    end: stack?.state ?? null,
    isWhole: true,
  };
  if (stack !== undefined && !isResting(stack)) return { ...entry, does: "moving", isWhole: false };
  const verdict = evaluateStack(loaded, subject.aims);
  if (verdict === "same") return { ...entry, revision: stack?.machineHash ?? null };
  const sensitive = verdict === "ready" ? await subject.findSensitive(loaded) : undefined;
  if (sensitive !== undefined) return { ...entry, from: {}, does: "fails", code: "METADATA_SENSITIVE" };
  return verdict === "ready" ? foresee(yard, loaded, { entry, job }) : { ...entry, does: "fails", code: verdict };
}

/** Returns `ready`, `same`, or the code with which the row would end. */
function evaluateStack({ stackId, stack, version }: LoadedStack, aims: Aims): string {
  const row: DeployRow = { stack: stackId, wave: 0, try: 0, state: "waiting", at: 0 };
  const { state, code, onlyNotes } = decideRow(row, { stack, version, fate: { kind: "none" } }, aims);
  if (state === "unchanged" || onlyNotes) return "same";
  return code ?? "ready";
}

/**
 * Returns true when a stack is not as it was planned any more: it has other values, or the work with them has another
 * end. What this release has sent already does not count as a change. Pure.
 */
export function hasChanged(entry: PlanEntry, loaded: LoadedStack, aims: Aims): boolean {
  const { incarnation } = entry;
  const { stack } = loaded;
  const isOurs = stack !== undefined && isOwn(stack, aims);
  if (isOurs && incarnation === null) return false;
  if ((stack?.incarnation ?? null) !== incarnation) return true;
  const planned = { ...entry.from, ...entry.show };
  if (!isOurs && listDifferences(planned, pick(stack, Object.keys(planned))).length > 0) return true;
  const isMoving = stack !== undefined && !isResting(stack);
  if (entry.does === "moving" || isMoving || (isOurs && entry.does !== "same")) return false;
  return doesOtherwise(entry, evaluateStack(loaded, aims));
}

function doesOtherwise({ does, code }: PlanEntry, verdict: string): boolean {
  if (verdict === "same") return does !== "same";
  return verdict === "ready" ? does === "same" : code !== verdict;
}

async function foresee(
  yard: Pick<YardService, "preview" | "foresee">,
  loaded: LoadedStack,
  { entry, job }: { readonly entry: PlanEntry; readonly job: PlanSubject["job"] },
): Promise<PlanEntry> {
  const { event, metadata, create } = job;
  const sent = { stackId: loaded.stackId, event, metadata, try: 1, ...defined({ machine: create }) };
  const { write, history } = await yard.preview(loaded, sent);
  const does = loaded.stack === undefined ? ("create" as const) : ("move" as const);
  const line = history[0];
  if (line?.outcome === "removed") return { ...entry, does, end: null };
  if (line?.outcome !== "applied") return { ...entry, does: "fails", code: line?.code ?? "EVENT_REFUSED" };
  const after = write.kind === "put" ? write.stack : loaded.stack;
  if (after === undefined) return { ...entry, does, end: null };
  const { tasks, end, isWhole, reads } = await yard.foresee(after);
  const named = tasks.map(({ state, task }) => `${state}/${task}`);
  return {
    ...entry,
    does,
    revision: after.machineHash,
    tasks: named,
    end,
    isWhole,
    ...(named.length > 0 && { reads }),
  };
}

function pick(stack: Stack | undefined, keys: readonly string[]): Readonly<Record<string, Value>> {
  const entries = keys.map((key) => {
    const isSecret = Object.hasOwn(stack?.secretVersions ?? {}, key);
    return [key, isSecret ? "***" : (stack?.metadata[key] ?? null)] as const;
  });
  return Object.fromEntries(entries);
}

/** Returns JSON with sorted keys: equal values have equal texts. */
export function toCanonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isMap(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/** Returns what an approval of a plan names: 64 hex digits. */
export function toDigest(value: unknown): string {
  return hash("sha256", toCanonicalJson(value), "hex");
}

/** Returns how the facts of two entries differ, such as `does: move → fails`. */
export function formatDifferences(planned: PlanEntry, present: PlanEntry, keys: readonly string[]): string {
  const facts = (entry: PlanEntry) => new Map<string, unknown>(Object.entries(entry));
  const [before, after] = [facts(planned), facts(present)];
  if (keys.length === 1 && keys[0] === "reads") return "other metadata of the stack has changed";
  const format = (value: unknown) => {
    return cutText(typeof value === "string" ? value : JSON.stringify(value ?? "none"), MOST_SHOWN);
  };
  return keys.map((key) => `${key}: ${format(before.get(key))} → ${format(after.get(key))}`).join(", ");
}

const MOST_SHOWN = 40;

/** Returns which facts of two entries or tasks differ; a missing one is as null. */
export function listDifferences(planned: object, present: object): readonly string[] {
  const before = new Map<string, unknown>(Object.entries(planned));
  const after = new Map<string, unknown>(Object.entries(present));
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => toCanonicalJson(before.get(key) ?? null) !== toCanonicalJson(after.get(key) ?? null),
  );
}
