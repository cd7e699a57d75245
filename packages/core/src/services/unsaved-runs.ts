import { hash } from "node:crypto";
import { type Static, Type } from "typebox";
import { BY_FIELDS } from "../access/by.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import { toShellCommand } from "../machine/shell-command.ts";
import { defineRecordKind, type RecordsDeps } from "../ports/record-kind.ts";
import type { Page, PageInput } from "../ports/records.ts";
import { toReadableStateKey } from "../ports/state-prefix.ts";
import { type ChunkedPlace, removeChunks } from "../record-chunks.ts";
import { readCompressed, writeCompressed } from "./compressed-records.ts";
import { findCurrentVersion, type KeptState, toStateName } from "./terraform-states.ts";

/** A resource of a Terraform state. */
const UnsavedResource = Type.Object({
  address: Type.String(),
  arn: Type.Optional(Type.String()),
  id: Type.Optional(Type.String()),
});

/** The resources that a run has left and that are not in the saved state. */
const RunRemains = Type.Object({
  /** The path of the unsaved state on the run's host. Missing: the run was killed, so the file is missing. */
  file: Type.Optional(Type.String()),
  /** The content of that state, where the yard keeps it: its number of records, and its bytes. */
  content: Type.Optional(Type.Object({ chunks: Type.Integer(), bytes: Type.Integer() })),
  serial: Type.Optional(Type.Integer()),
  /** All resources; `resources` has fewer where a record cannot contain them all. */
  count: Type.Integer(),
  resources: Type.Array(UnsavedResource),
});
export type RunRemains = Static<typeof RunRemains>;

/**
 * A run of Terraform that changes a state, as a record of the yard: written before the run can leave anything, and
 * removed when its state is saved. What such a run has left is never forgotten.
 */
export const UnsavedRun = Type.Object({
  /** The key of the state; of a state that stacks share, the exclusive key. */
  state: Type.String(),
  stack: Type.String(),
  machine: Type.String(),
  attempt: Type.String(),
  /** The fencing token of the attempt. */
  token: Type.Integer(),
  action: Type.String(),
  host: Type.String(),
  /** Epoch milliseconds: when it began. */
  at: Type.Integer(),
  /** Greater than that of each run of the state that began before. */
  sequence: Type.Integer(),
  /** Where the state is, for people. */
  place: Type.Optional(Type.String()),
  /** The newest version of the state in the yard when the run began. Missing: the state is elsewhere. */
  base: Type.Optional(Type.Integer()),
  /** Missing: the run works, or its runner has not reported the end. */
  left: Type.Optional(RunRemains),
  /** A person has made the unsaved state the newest. The next run that succeeds removes the record. */
  pushed: Type.Optional(Type.Object({ at: Type.Integer(), ...BY_FIELDS })),
});
export type UnsavedRun = Static<typeof UnsavedRun>;

/** The runs of Terraform whose end is not saved. None may be left out where a run is decided on. */
export const unsavedRuns = defineRecordKind({
  prefix: "terraform-unsaved/run/",
  value: UnsavedRun,
  holds: "runs of Terraform whose state is not saved",
  kept: "until it is saved or given up",
});

/** A larger state is only in the file of its runner. */
const MAX_CONTENT_BYTES = 256 * 1024 * 1024;

/** Returns the id of an unsaved run among those of its state. */
export function toUnsavedId({ attempt, token }: Pick<UnsavedRun, "attempt" | "token">): string {
  return hash("sha256", JSON.stringify([attempt, token])).slice(0, 16);
}

function toName(run: Pick<UnsavedRun, "state" | "attempt" | "token">): string {
  return `${toStateName(run.state)}/${toUnsavedId(run)}`;
}

/** Returns a page of the unsaved runs of states with this key prefix, in order of states. */
export async function listUnsavedPage(
  deps: RecordsDeps,
  statePrefix: string,
  page: PageInput,
): Promise<Page<UnsavedRun>> {
  const found = await unsavedRuns.list(deps, page, toReadableStateKey(statePrefix));
  // Keys are readable only up to their cut.
  return { ...found, items: found.items.filter(({ state }) => state.startsWith(statePrefix)) };
}

/** Yields the unsaved runs of states with this key prefix, in order of states. Throws `STORE_CORRUPT`. */
export async function* listUnsavedRuns(deps: RecordsDeps, statePrefix = ""): AsyncGenerator<UnsavedRun> {
  for await (const run of unsavedRuns.all(deps, toReadableStateKey(statePrefix))) {
    if (run.state.startsWith(statePrefix)) yield run;
  }
}

/** Returns the unsaved runs of one state, in the order in which they began. */
export async function listUnsavedRunsOf(deps: RecordsDeps, state: string): Promise<readonly UnsavedRun[]> {
  const found: UnsavedRun[] = [];
  for await (const run of listUnsavedRuns(deps, state)) if (run.state === state) found.push(run);
  return found.sort((a, b) => a.sequence - b.sequence);
}

/** Writes an unsaved run. Only its runner, who recovers for it, and operators write it. */
export async function putUnsavedRun(deps: RecordsDeps, run: UnsavedRun): Promise<void> {
  await unsavedRuns.change(deps, toName(run), () => ({ write: { value: run } }));
}

/** Removes an unsaved run, with the content that is kept for it. */
export async function removeUnsavedRun(deps: RecordsDeps, run: UnsavedRun): Promise<void> {
  await unsavedRuns.remove(deps, toName(run));
  await removeContent(deps, run);
}

/**
 * Removes an unsaved run that a person gives up, as it was read. Throws `RECORD_CONFLICT` when the run has reported what it
 * has left since.
 */
export async function dismissUnsavedRun(deps: RecordsDeps, run: UnsavedRun): Promise<void> {
  await unsavedRuns.change(deps, toName(run), (found) => {
    if (run.left !== undefined || found?.value.left === undefined) return { write: "remove" };
    throw new StackyardError("RECORD_CONFLICT", `This has been reported meanwhile: ${formatUnsavedRun(found.value)}`);
  });
  await removeContent(deps, run);
}

async function removeContent(deps: RecordsDeps, run: UnsavedRun): Promise<void> {
  const { content } = run.left ?? {};
  if (content !== undefined) await removeChunks(deps.records, toContentPlace(deps, run), content.chunks);
}

/** Keeps the content of an unsaved state. Returns undefined when it is too large. */
export async function keepUnsavedContent(
  deps: RecordsDeps,
  run: UnsavedRun,
  bytes: Uint8Array,
): Promise<RunRemains["content"]> {
  if (bytes.byteLength > MAX_CONTENT_BYTES) return undefined;
  const chunks = await writeCompressed(deps.records, toContentPlace(deps, run), bytes);
  return { chunks, bytes: bytes.byteLength };
}

/** Returns the content of an unsaved state; undefined when the yard does not have it. */
export async function loadUnsavedContent(deps: RecordsDeps, run: UnsavedRun): Promise<Uint8Array | undefined> {
  const { content } = run.left ?? {};
  if (content === undefined) return undefined;
  return readCompressed(deps.records, toContentPlace(deps, run), { chunks: content.chunks, maxBytes: content.bytes });
}

function toContentPlace({ clock }: RecordsDeps, run: UnsavedRun): ChunkedPlace {
  const prefix = `terraform-unsaved/data/${toStateName(run.state)}/${toUnsavedId(run)}`;
  return { keyOf: (index) => `${prefix}/${index}`, now: clock.now() };
}

/** Returns true when the unsaved state of a run keeps later runs from beginning, until it is pushed or dismissed. */
export function isBlocking({ left, pushed }: UnsavedRun): boolean {
  return left?.file !== undefined && pushed === undefined;
}

/**
 * Returns true when another run has written resources into the state after this one had begun: the unsaved state must
 * not replace them.
 */
export function isOvertaken({ attempt, token, base = 0 }: UnsavedRun, head: KeptState | undefined): boolean {
  const current = head && findCurrentVersion(head);
  if (current === undefined || current.resources === 0 || current.version <= base) return false;
  return current.token !== token || !attempt.startsWith(current.by);
}

const MOST_NAMES = 10;

/** Describes an unsaved run to people: where it is, what it may have left, and what to do. */
export function formatUnsavedRun(run: UnsavedRun): string {
  const { state, action, attempt, host, at, left, pushed } = run;
  const which = `The ${action} of "${state}" that began on ${host} at ${new Date(at).toISOString()} (${attempt})`;
  const dismiss = `\`${toShellCommand`stackyard states dismiss ${state}`}\``;
  if (left === undefined) {
    return `${which} has not reported its end: what it may have created is in no saved state. If ${host} is gone, look at the log of the attempt, remove what is left, then ${dismiss}.`;
  }
  if (left.file === undefined) {
    return `${which} has not saved ${formatNames(left)}. These may exist, and are in no saved state. Remove or import them, then ${dismiss}.`;
  }
  const what = `${which} has left a state that its backend did not take, with ${formatNames(left)}. It is on ${host} as ${left.file}`;
  if (pushed !== undefined) return `${what}. ${pushed.by} has pushed it; the next run works with it.`;
  if (left.content === undefined) {
    return `${what}. Repair the backend, run \`${toShellCommand`terraform state push ${left.file}`}\` there in the configuration, then ${dismiss}.`;
  }
  const push = `\`${toShellCommand`stackyard states push ${state}`}\``;
  return `${what}, and in the yard. Make it the newest state: ${push}. Or give it up: ${dismiss}.`;
}

function formatNames({ count, resources }: RunRemains): string {
  const names = resources.slice(0, MOST_NAMES).map(({ address, arn, id }) => {
    const known = arn ?? id;
    return known === undefined ? address : `${address} (${known})`;
  });
  const more = count - names.length;
  if (names.length === 0) return count === 0 ? "no resources that can be read" : `${count} resources`;
  return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
