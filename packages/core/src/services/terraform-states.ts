import { hash } from "node:crypto";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { StackyardError } from "../errors/stackyard-error.ts";
import { listPages, type PageStart } from "../list-pages.ts";
import type { Clock } from "../ports/clock.ts";
import { requireRecords } from "../ports/read-records.ts";
import type { Records } from "../ports/records.ts";
import { toReadableStateKey } from "../ports/state-prefix.ts";
import { readCompressed } from "./compressed-records.ts";

/** The beginning of the keys of the records of Terraform states. */
export const STATE_HEADS = "terraform-state/head/";

/**
 * Returns the unique name of a state in the keys of its records, which have at most 512 characters: readable and sorted
 * up to its cut.
 */
export function toStateName(stateKey: string): string {
  return `${toReadableStateKey(stateKey)}~${hash("sha256", stateKey).slice(0, 32)}`;
}

/** Returns the key of a state's head, the record with everything except its content. */
export function toStateHeadKey(stateKey: string): string {
  return `${STATE_HEADS}${toStateName(stateKey)}`;
}

/** Returns the key prefix of a state's content, in order of versions. */
export function toContentPrefix(stateKey: string): string {
  return `terraform-state/data/${toStateName(stateKey)}/`;
}

/** Returns the key of one part of a version's content; `blob` is unique for each write. */
export function toContentKey(
  stateKey: string,
  { version, blob }: { readonly version: number; readonly blob: string },
  index: number,
): string {
  return `${toContentPrefix(stateKey)}${pad(version, 10)}/${blob}/${pad(index, 4)}`;
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, "0");
}

/** The facts about a Terraform state that the yard stores, for services and executors. */
const KeptState = Type.Object({
  key: Type.String(),
  /** Missing: only its lock was stored until now, or it was deleted. */
  current: Type.Optional(Type.Integer()),
  /** The number of the next version. */
  next: Type.Integer(),
  versions: Type.Array(
    Type.Object({
      version: Type.Integer(),
      blob: Type.String(),
      chunks: Type.Integer(),
      bytes: Type.Integer(),
      by: Type.String(),
      /** The fencing token of the attempt that has written it. Missing: a person has. */
      token: Type.Optional(Type.Integer()),
      /** Missing: the state is encrypted. */
      resources: Type.Optional(Type.Integer()),
    }),
  ),
  lock: Type.Optional(
    Type.Object({
      /** A person has neither attempt nor token. */
      holder: Type.Object({
        kind: Type.String(),
        attemptId: Type.Optional(Type.String()),
        token: Type.Optional(Type.Integer()),
      }),
    }),
  ),
});
export type KeptState = Static<typeof KeptState>;

interface StatesDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
}

/** Returns the state with this key; undefined when it was never written or locked. Throws `STORE_CORRUPT`. */
export async function findKeptState({ records, clock }: StatesDeps, stateKey: string): Promise<KeptState | undefined> {
  const record = await records.get(toStateHeadKey(stateKey), clock.now());
  if (record === undefined || Check(KeptState, record.value)) return record?.value as KeptState | undefined;
  throw new StackyardError("STORE_CORRUPT", `The record of the Terraform state "${stateKey}" cannot be read.`);
}

/** Returns the current version; undefined when the state is empty or was deleted. */
export function findCurrentVersion({ current, versions }: KeptState) {
  return versions.find(({ version }) => version === current);
}

/** Returns the current content of a state; undefined when it has none. Throws `STORE_CORRUPT` when a part is missing. */
export async function loadKeptContent({ records, clock }: StatesDeps, state: KeptState): Promise<string | undefined> {
  const version = findCurrentVersion(state);
  if (version === undefined) return undefined;
  const place = { keyOf: (index: number) => toContentKey(state.key, version, index), now: clock.now() };
  const bytes = await readCompressed(records, place, { chunks: version.chunks, maxBytes: version.bytes });
  if (bytes !== undefined) return new TextDecoder().decode(bytes);
  throw new StackyardError("STORE_CORRUPT", `A part of the Terraform state "${state.key}" is missing in the store.`);
}

const PAGE = 100;

/**
 * Yields the keys of Terraform states that contain resources, or of which it is not known: of the yard, or those that begin
 * with a prefix. Throws `STORE_CORRUPT`.
 */
export async function* listFilledStates({ records, clock }: StatesDeps, prefix = ""): AsyncGenerator<string> {
  const beginning = `${STATE_HEADS}${toReadableStateKey(prefix)}`;
  const load = (start: PageStart) => records.list(beginning, { limit: PAGE, now: clock.now(), ...start });
  for await (const page of listPages(load)) {
    const heads = requireRecords(page, ({ value }) => (Check(KeptState, value) ? value : undefined));
    for (const head of heads) if (isFilled(head) && head.key.startsWith(prefix)) yield head.key;
  }
}

function isFilled(state: KeptState): boolean {
  const current = findCurrentVersion(state);
  return current !== undefined && current.resources !== 0;
}
