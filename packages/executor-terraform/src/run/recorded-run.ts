import { createReadStream, existsSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join, relative } from "node:path";
import { backoff, defined, type ExecutorContext, isStackyardError, parseJson, retry } from "@stackyard/core";
import {
  findKeptState,
  formatUnsavedRun,
  isBlocking,
  isOvertaken,
  type KeptState,
  keepUnsavedContent,
  listUnsavedRunsOf,
  loadKeptContent,
  notify,
  putUnsavedRun,
  type RunRemains,
  removeUnsavedRun,
  toUnsavedId,
  UnsavedRun,
} from "@stackyard/core/services";
import { Type } from "typebox";
import { Value } from "typebox/value";
import type { Settings } from "../settings.ts";
import { loadPlace } from "../state/backend.ts";
import { type CreatedResource, createCreatedResources, findUnsaved, isOrderly } from "../state/created-resources.ts";
import { findInventory, toFitting } from "../state/inventory.ts";
import { readStateDocument } from "../state/state-document.ts";
import type { StateReader } from "../state/state-reader.ts";
import { createLineSplitter } from "./child.ts";
import { TerraformFailure } from "./failure.ts";
import type { StagedRun } from "./staged-run.ts";
import { parseStreamMessage, type StreamEnd } from "./terraform-call.ts";

/** Where the records of runs are, and the files of their states. */
interface Place {
  readonly ctx: Pick<ExecutorContext, "records" | "clock" | "report">;
  readonly settings: Pick<Settings, "rescueDir">;
}

/** In the folder of a run: the run, for the runner that finds the folder when this one was killed. */
const RUN_FILE = "run.json";
const RunFile = Type.Object({ run: UnsavedRun, module: Type.String() });

/** Where Terraform puts a state that its backend did not take. */
const UNSAVED_STATE = "errored.tfstate";

/**
 * Fails with TERRAFORM_STATE_NOT_SAVED while the state of an earlier run is not saved: what it contains would be created
 * again. A destroy is allowed when that state can be pushed only afterwards, because another run has written since.
 * Reports the runs that may have left something.
 */
export async function checkUnsavedRuns(run: StagedRun): Promise<void> {
  const { ctx, config } = run;
  for (const found of await listOthers(run)) {
    const other = await findRescued(run, found);
    if (other.pushed !== undefined) continue;
    const text = formatUnsavedRun(other);
    const mayDestroy = config.action === "destroy" && isOvertaken(other, await findKeptState(ctx, other.state));
    if (isBlocking(other) && !mayDestroy) throw new TerraformFailure("TERRAFORM_STATE_NOT_SAVED", text);
    ctx.report(text);
    if (other.left === undefined) await notifyOf(run, other);
  }
}

/** Returns the unsaved runs of the state, without this one. */
async function listOthers(run: StagedRun): Promise<readonly UnsavedRun[]> {
  const { id: attempt, token } = run.ctx.attempt;
  const own = toUnsavedId({ attempt, token });
  return (await listRunsOf(run.ctx, toRecordedState(run))).filter((other) => toUnsavedId(other) !== own);
}

/** Returns the run with the state that this host has kept for it, when its record does not have it yet. */
async function findRescued(place: Place, run: UnsavedRun): Promise<UnsavedRun> {
  if (run.left !== undefined || run.host !== hostname()) return run;
  const file = toRescuePath(place, run);
  return existsSync(file) ? keepRemains(place, run, await toStateRemains(place, run, file)) : run;
}

/** Stacks with a shared state share its runs. */
function toRecordedState({ config, stateKey }: StagedRun): string {
  return config.sharedState === undefined ? stateKey : `terraform-shared/${config.sharedState}`;
}

/**
 * Records a run before it can leave anything: from here on the yard knows that it may. Returns undefined for a runner
 * without a store.
 */
export async function recordRun(run: StagedRun, action: string): Promise<UnsavedRun | undefined> {
  const { ctx, folder, module, isYard } = run;
  try {
    const last = await findInventory(ctx, run.stateKey);
    const sequences = [last?.sequence ?? 0, ...(await listOthers(run)).map(({ sequence }) => sequence)];
    const head = isYard ? await findKeptState(ctx, run.stateKey) : undefined;
    const recorded: UnsavedRun = {
      state: toRecordedState(run),
      stack: ctx.stackId,
      machine: ctx.machine,
      attempt: ctx.attempt.id,
      token: ctx.attempt.token,
      action,
      host: hostname(),
      at: ctx.clock.now(),
      sequence: Math.max(...sequences) + 1,
      place: await loadPlace(run),
      ...defined({ base: isYard ? (head?.next ?? 1) - 1 : undefined }),
    };
    await writeFile(join(folder, RUN_FILE), JSON.stringify({ run: recorded, module: relative(folder, module) }));
    await putUnsavedRun(ctx, recorded);
    return recorded;
  } catch (error) {
    if (isStackyardError(error, "CONFIG_INVALID")) return undefined;
    throw error;
  }
}

/**
 * Keeps what a run has left that is not in its saved state. Returns whether it has left nothing, or
 * TERRAFORM_STATE_NOT_SAVED for a run with a state that the backend did not take.
 */
export async function keepWhatIsLeft(
  run: StagedRun,
  recorded: UnsavedRun | undefined,
  { end, state }: { readonly end: StreamEnd; readonly state: StateReader },
): Promise<boolean | TerraformFailure> {
  const file = await rescueState(run, join(run.module, UNSAVED_STATE), recorded);
  if (file !== undefined) return toNotSaved(run, recorded, file);
  if (recorded === undefined) return true;
  const left = await findLeft(end, state);
  if (left.length === 0) return true;
  const text = formatUnsavedRun(await keepRemains(run, recorded, toResourceRemains(left)));
  if (end.code === 0) return new TerraformFailure("TERRAFORM_STATE_NOT_SAVED", text);
  run.ctx.report(text);
  return false;
}

/**
 * Returns what a run has created that is not in its saved state, also after a success: a proxy may have answered for the
 * backend. One answer that lacks something proves nothing, so the program reads the state again.
 */
async function findLeft(end: StreamEnd, state: StateReader): Promise<readonly CreatedResource[]> {
  const { created } = end;
  const find = (document: StateReader["stored"]) =>
    findUnsaved(created, { saved: document?.resources, isOrderly: isOrderly(end) });
  if (created.length === 0) return [];
  if (state.stored !== undefined && find(state.stored).length === 0) return [];
  // Another backend than the yard's: the program has its answer.
  if (end.code === 0 && !state.isYard) return [];
  return find((await state.pull()) ?? (end.code === 0 ? undefined : state.stored));
}

/** Removes the record of a run whose state is saved, and of those whose states were pushed before it. */
export async function forgetRun(run: StagedRun, recorded: UnsavedRun | undefined): Promise<void> {
  if (recorded === undefined) return;
  const pushed = (await listOthers(run)).filter((other) => other.pushed !== undefined);
  for (const each of [...pushed, recorded]) await removeUnsavedRun(run.ctx, each);
}

async function toNotSaved(run: StagedRun, recorded: UnsavedRun | undefined, file: string): Promise<TerraformFailure> {
  if (recorded !== undefined) {
    const kept = await keepRemains(run, recorded, await toStateRemains(run, recorded, file));
    return new TerraformFailure("TERRAFORM_STATE_NOT_SAVED", formatUnsavedRun(kept));
  }
  const text =
    `The backend did not take the state, so it was kept on ${hostname()} as ${file}. ` +
    `Repair the backend, then run \`terraform state push ${file}\` in the configuration before anything else works on this stack.`;
  return new TerraformFailure("TERRAFORM_STATE_NOT_SAVED", text);
}

/** Copies an unsaved state, which would be deleted with the folder of its run. Returns its new path. */
async function rescueState(
  { settings, ctx }: StagedRun,
  unsaved: string,
  recorded: UnsavedRun | undefined,
): Promise<string | undefined> {
  const { id: attempt, token } = ctx.attempt;
  return existsSync(unsaved) ? rescueFile({ settings }, unsaved, recorded ?? { attempt, token }) : undefined;
}

async function rescueFile(
  place: Pick<Place, "settings">,
  unsaved: string,
  run: Pick<UnsavedRun, "attempt" | "token">,
): Promise<string> {
  const file = toRescuePath(place, run);
  await mkdir(place.settings.rescueDir, { recursive: true, mode: 0o700 });
  await copyFile(unsaved, file);
  return file;
}

function toRescuePath({ settings }: Pick<Place, "settings">, run: Pick<UnsavedRun, "attempt" | "token">): string {
  return join(settings.rescueDir, `${toUnsavedId(run)}.tfstate`);
}

/** A record has at most 256 KiB. */
const MAX_BYTES = 100 * 1024;

function toResourceRemains(resources: readonly CreatedResource[]): RunRemains {
  const named = resources.map(({ address, id }) => ({ address, ...defined({ id }) }));
  return { count: named.length, resources: toFitting(named, MAX_BYTES) };
}

/** Keeps the content of the state where other states of the yard are, never that of another backend. */
async function toStateRemains({ ctx }: Place, run: UnsavedRun, file: string): Promise<RunRemains> {
  const bytes = await readFile(file);
  const document = await readStateDocument({ from: { path: file }, report: (line) => ctx.report(line) });
  const { resources = [], serial } = document ?? {};
  const content = run.base === undefined ? undefined : await persist(ctx, () => keepUnsavedContent(ctx, run, bytes));
  return {
    file,
    count: resources.length,
    resources: toFitting(resources, MAX_BYTES),
    ...defined({ serial, content }),
  };
}

/** Adds to the record of a run what it has left, and notifies people. Returns the record. */
async function keepRemains(place: Place, run: UnsavedRun, left: RunRemains): Promise<UnsavedRun> {
  const kept: UnsavedRun = { ...run, left };
  await persist(place.ctx, () => putUnsavedRun(place.ctx, kept));
  await notifyOf(place, kept);
  return kept;
}

async function notifyOf({ ctx }: Place, run: UnsavedRun): Promise<void> {
  const { state, stack, machine, host, left } = run;
  const what = left?.file === undefined ? "A run may have left resources" : "A Terraform state was not saved";
  await notify(ctx, {
    kind: "unsaved-run",
    key: `${state}/${toUnsavedId(run)}/${left === undefined ? "open" : "left"}`,
    title: `${what} of the stack "${stack}"`,
    text: formatUnsavedRun(run),
    stackId: stack,
    data: { stack, machine, state, host, count: left?.count ?? 0 },
  });
}

const TRIES = 14;
const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 30_000;

/** Retries for about four minutes: while the store is down, no other runner can begin either. */
function persist<Result>({ clock }: Place["ctx"], write: () => Promise<Result>): Promise<Result> {
  return retry(write, {
    tries: TRIES,
    isRetryable: (error) => isStackyardError(error) && error.retryable,
    pause: (failed) => clock.sleep(backoff(failed, { first: FIRST_WAIT_MS, most: MOST_WAIT_MS })),
  });
}

/**
 * Records what the run of a killed runner has left, before its folder is removed. Only its runner's host has the folder;
 * other hosts know no more than that the run has begun.
 */
export async function recoverRun(place: Place, folder: string): Promise<void> {
  const kept = parseJson(await readFile(join(folder, RUN_FILE), "utf8").catch(() => ""));
  if (!Value.Check(RunFile, kept)) return;
  const unsaved = join(folder, kept.module, UNSAVED_STATE);
  const file = existsSync(unsaved) ? await rescueFile(place, unsaved, kept.run) : undefined;
  const run = await findRun(place, kept.run);
  // Its runner was killed when everything was recorded, or the folder is of another yard.
  if (run === undefined || run.left !== undefined) return;
  const left = file === undefined ? await findRemains(place, run, folder) : await toStateRemains(place, run, file);
  if (left === undefined) await removeUnsavedRun(place.ctx, run);
  else await keepRemains(place, run, left);
}

async function findRun({ ctx }: Place, run: UnsavedRun): Promise<UnsavedRun | undefined> {
  const id = toUnsavedId(run);
  return (await listRunsOf(ctx, run.state)).find((each) => toUnsavedId(each) === id);
}

/** Returns the unsaved runs of a state; none for a runner without a store. */
async function listRunsOf(ctx: Place["ctx"], state: string): Promise<readonly UnsavedRun[]> {
  try {
    return await listUnsavedRunsOf(ctx, state);
  } catch (error) {
    if (isStackyardError(error, "CONFIG_INVALID")) return [];
    throw error;
  }
}

/** Returns what a killed run has created that is not in the saved state. */
async function findRemains({ ctx }: Place, run: UnsavedRun, folder: string): Promise<RunRemains | undefined> {
  const { created, isDone } = await readStreams(folder);
  if (isDone || created.length === 0) return undefined;
  const head = run.base === undefined ? undefined : await findKeptState(ctx, run.state);
  const text = head && (await loadKeptContent(ctx, head));
  const from = { bytes: Buffer.from(text ?? "") };
  const saved =
    text === undefined ? [] : (await readStateDocument({ from, report: (line) => ctx.report(line) }))?.resources;
  const left = findUnsaved(created, { saved, isOrderly: run.base !== undefined && !holdsLock(run, head) });
  return left.length === 0 ? undefined : toResourceRemains(left);
}

/** Returns true if the program has not released its lock, which it does when it ends by itself. */
function holdsLock({ attempt, token }: UnsavedRun, head: KeptState | undefined): boolean {
  const { holder } = head?.lock ?? {};
  return holder?.attemptId === attempt && holder.token === token;
}

/** Reads the streams of a killed run's programs. */
async function readStreams(folder: string) {
  const created = createCreatedResources();
  let isDone = false;
  for (const name of ["apply.out", "destroy.out"]) {
    const path = join(folder, name);
    if (!existsSync(path)) continue;
    const splitter = createLineSplitter();
    const read = (line: string): void => {
      const message = parseStreamMessage(line);
      if (message === undefined) return;
      created.add(message);
      // The program prints it after it has saved the state.
      if (message.kind === "summary" && message.operation !== "plan") isDone = true;
    };
    for await (const piece of createReadStream(path, "utf8")) splitter.push(String(piece)).forEach(read);
    splitter.end().forEach(read);
  }
  return { created: created.list(), isDone };
}
