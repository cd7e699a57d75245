import { hash } from "node:crypto";
import {
  type Clock,
  listPages,
  type PageStart,
  type Records,
  StackyardError,
  type StoredRecord,
} from "@stackyard/core";
import { type Static, Type } from "typebox";

/** The schema fields of every claim; the progress adds more. */
export const Claimed = {
  key: Type.String(),
  versionId: Type.Union([Type.String(), Type.Null()]),
  /** When the object was claimed first, in epoch milliseconds. */
  since: Type.Integer(),
  /** End of the claim, in epoch milliseconds. */
  takenUntil: Type.Integer(),
};

const ClaimedObject = Type.Object(Claimed);
type ClaimedObject = Static<typeof ClaimedObject>;

/** An object of the source bucket that this process has claimed. */
export type Claim<Progress> = ClaimedObject & Progress & { readonly recordKey: string; readonly recordVersion: number };

/** Saves progress and extends the claim. Returns undefined when another process has claimed the object. */
export type SaveClaim<Progress> = (claim: Claim<Progress>, progress: Progress) => Promise<Claim<Progress> | undefined>;

/** Objects that must be processed to the end, by one process at a time, also after crashes. */
export interface ObjectClaims<Progress> {
  /** Processes an object. Returns undefined while another process has claimed it. An error of `work` releases the claim, or ends it. */
  hold<Outcome>(
    object: FreeObject,
    work: (claim: Claim<Progress>, save: SaveClaim<Progress>) => Promise<Outcome>,
  ): Promise<Outcome | undefined>;
  /** Releases the claim. */
  release(claim: Claim<Progress>): Promise<void>;
  /** Removes the claim of a finished object. */
  remove(claim: Claim<Progress>): Promise<void>;
  /** Processes all unclaimed objects with the `work` of one, which does not throw. */
  drain(work: (object: FreeObject) => Promise<keyof DrainedClaims>, options: DrainOptions): Promise<DrainedClaims>;
}

/** Counts of objects: finished, failed, and left to another process or a later run. */
export interface DrainedClaims {
  readonly finished: number;
  readonly failed: number;
  readonly left: number;
}

/** When to leave the rest to a later run. */
export interface DrainOptions {
  /** The limit of finished objects; failures do not count, so that they do not block later objects. Default: none. */
  readonly limit?: number;
  /** Epoch milliseconds; no object is started afterwards. Default: none. */
  readonly deadlineAt?: number;
}

/** An object that can be claimed. */
export interface FreeObject {
  readonly key: string;
  readonly versionId?: string;
}

/** A kind of claims. */
interface ClaimKind<Progress> {
  /** Prefix of its record keys, such as `outbox`. */
  readonly name: string;
  /** Duration of a claim without a save. */
  readonly takenMs: number;
  /** The progress of a new object. */
  readonly fresh: Progress;
  parse(value: unknown): (ClaimedObject & Progress) | undefined;
}

/** Called when an object could not be processed. Returns true when it is given up: then its claim is removed. */
type OnFailure = (claim: ClaimedObject, error: unknown) => Promise<boolean>;

const CLAIMS_PAGE = 100;

/** Creates claims in records. Throws `STORE_CORRUPT` for an invalid record. */
export function createObjectClaims<Progress>(
  records: Records,
  clock: Clock,
  kind: ClaimKind<Progress>,
  onFailure: OnFailure,
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
    const value = { ...kind.fresh, key, versionId: versionId ?? null, since: now, takenUntil };
    const put = await records.put({ key: toRecordKey(kind.name, key, versionId), value, expected: "absent", now });
    if (put.kind === "written") return toClaim(kind, put.record);
    if (put.current === undefined) return undefined;
    const claim = toClaim(kind, put.current);
    return claim.takenUntil > now ? undefined : change(claim, { takenUntil });
  }

  async function release(claim: Claim<Progress>): Promise<void> {
    await change(claim, { takenUntil: clock.now() });
  }

  async function remove({ recordKey, recordVersion }: Claim<Progress>): Promise<void> {
    await records.remove(recordKey, recordVersion);
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
        const isGivenUp = await onFailure(held, error).catch(() => false);
        // If the release fails too, the claim expires.
        await (isGivenUp ? remove(held) : release(held)).catch(() => undefined);
        throw error;
      }
    },
    release,
    remove,
    async drain(work, { limit = Number.POSITIVE_INFINITY, deadlineAt = Number.POSITIVE_INFINITY }) {
      const counts = { finished: 0, failed: 0, left: 0 };
      const isOver = () => counts.finished >= limit || clock.now() >= deadlineAt;
      const list = (start: PageStart) =>
        records.list(`${kind.name}/`, { limit: CLAIMS_PAGE, now: clock.now(), ...start });
      for await (const { items } of listPages(list)) {
        const claims = items.map((record) => toClaim(kind, record));
        const free = claims.filter(({ takenUntil }) => takenUntil <= clock.now());
        counts.left += claims.length - free.length;
        for (const each of free) counts[isOver() ? "left" : await work(toFree(each))] += 1;
        if (isOver()) break;
      }
      return counts;
    },
  };
}

function toClaim<Progress>({ name, parse }: ClaimKind<Progress>, record: StoredRecord): Claim<Progress> {
  const { key: recordKey, version: recordVersion } = record;
  const claim = parse(record.value);
  if (claim !== undefined) return { ...claim, recordKey, recordVersion };
  throw new StackyardError("STORE_CORRUPT", `The record ${recordKey} is not a valid record of ${name}.`);
}

function toRecordKey(name: string, key: string, versionId: string | undefined): string {
  return `${name}/${hash("sha256", `${key}\0${versionId ?? ""}`)}`;
}

function toFree({ key, versionId }: ClaimedObject): FreeObject {
  return { key, ...(versionId === null ? {} : { versionId }) };
}
