import { createHash } from "node:crypto";
import { type Clock, type Records, StackyardError } from "@stackyard/core";
import { Type } from "typebox";

/** What every claim has; its schema is made of these and of the progress. */
export const Claimed = {
  key: Type.String(),
  versionId: Type.Union([Type.String(), Type.Null()]),
  /** Nobody else works on it until then, in epoch milliseconds. */
  takenUntil: Type.Integer(),
};

interface ClaimedObject {
  readonly key: string;
  readonly versionId: string | null;
  readonly takenUntil: number;
}

/** An object of the source bucket that this process works on. */
export type Claim<Progress> = ClaimedObject & Progress & { readonly recordKey: string; readonly recordVersion: number };

/** Keeps progress, and the claim for some more time; undefined when somebody else has taken the object. */
export type SaveClaim<Progress> = (claim: Claim<Progress>, progress: Progress) => Promise<Claim<Progress> | undefined>;

/** Objects that must be worked on to the end by one process at a time, whoever dies. */
export interface ObjectClaims<Progress> {
  /** Works on an object. Undefined while somebody else does. Where `work` fails, others may go on at once. */
  hold<Outcome>(
    object: FreeObject,
    work: (claim: Claim<Progress>, save: SaveClaim<Progress>) => Promise<Outcome>,
  ): Promise<Outcome | undefined>;
  /** Lets somebody else go on at once. */
  release(claim: Claim<Progress>): Promise<void>;
  /** It is finished. */
  remove(claim: Claim<Progress>): Promise<void>;
  /** What nobody works on, a page at a time. */
  listFree(
    cursor: string | undefined,
  ): Promise<{ readonly free: readonly FreeObject[]; readonly busy: number; readonly cursor?: string }>;
}

/** An object that can be claimed. */
export interface FreeObject {
  readonly key: string;
  readonly versionId?: string;
}

/** What tells one kind of claims from another. */
export interface ClaimKind<Progress> {
  /** Of the keys of its records, such as `outbox`. */
  readonly name: string;
  /** How long a claim lasts that is not saved meanwhile. */
  readonly takenMs: number;
  /** Of an object that nobody has worked on. */
  readonly fresh: Progress;
  isClaim(value: unknown): value is ClaimedObject & Progress;
}

const PAGE = 100;

/** Claims in records. Errors: `STORE_CORRUPT`, for a record that is none of them. */
export function createObjectClaims<Progress>(
  records: Records,
  clock: Clock,
  kind: ClaimKind<Progress>,
): ObjectClaims<Progress> {
  async function change(claim: Claim<Progress>, over: Partial<ClaimedObject>): Promise<Claim<Progress> | undefined> {
    const { recordKey, recordVersion, ...value } = claim;
    const changed = { ...value, ...over };
    const put = await records.put({ key: recordKey, value: changed, expected: recordVersion, now: clock.now() });
    return put.kind === "written" ? toClaim(kind, put.record) : undefined;
  }

  async function take({ key, versionId }: FreeObject): Promise<Claim<Progress> | undefined> {
    const now = clock.now();
    const takenUntil = now + kind.takenMs;
    const value = { ...kind.fresh, key, versionId: versionId ?? null, takenUntil };
    const put = await records.put({ key: toRecordKey(kind.name, key, versionId), value, expected: "absent", now });
    if (put.kind === "written") return toClaim(kind, put.record);
    if (put.current === undefined) return undefined;
    const claim = toClaim(kind, put.current);
    return claim.takenUntil > now ? undefined : change(claim, { takenUntil });
  }

  async function release(claim: Claim<Progress>): Promise<void> {
    await change(claim, { takenUntil: clock.now() });
  }

  return {
    async hold(object, work) {
      const claim = await take(object);
      if (claim === undefined) return undefined;
      let held = claim;
      const save: SaveClaim<Progress> = async (given, progress) => {
        const saved = await change({ ...given, ...progress }, { takenUntil: clock.now() + kind.takenMs });
        held = saved ?? held;
        return saved;
      };
      try {
        return await work(claim, save);
      } catch (error) {
        // Where this fails too, the next one waits until the claim ends.
        await release(held).catch(() => undefined);
        throw error;
      }
    },
    release,
    async remove({ recordKey, recordVersion }) {
      await records.remove(recordKey, recordVersion);
    },
    async listFree(cursor) {
      const page = await records.list(`${kind.name}/`, { limit: PAGE, now: clock.now(), ...(cursor && { cursor }) });
      const claims = page.items.map((record) => toClaim(kind, record));
      const free = claims.filter(({ takenUntil }) => takenUntil <= clock.now()).map(toFree);
      return { free, busy: claims.length - free.length, ...(page.cursor && { cursor: page.cursor }) };
    },
  };
}

interface ClaimRecord {
  readonly key: string;
  readonly version: number;
  readonly value: unknown;
}

function toClaim<Progress>({ name, isClaim }: ClaimKind<Progress>, record: ClaimRecord): Claim<Progress> {
  const { key: recordKey, version: recordVersion, value } = record;
  if (isClaim(value)) return { ...value, recordKey, recordVersion };
  throw new StackyardError("STORE_CORRUPT", `The record ${recordKey} is none of ${name}.`);
}

function toRecordKey(name: string, key: string, versionId: string | undefined): string {
  return `${name}/${createHash("sha256")
    .update(`${key}\0${versionId ?? ""}`)
    .digest("hex")}`;
}

function toFree({ key, versionId }: ClaimedObject): FreeObject {
  return { key, ...(versionId === null ? {} : { versionId }) };
}
