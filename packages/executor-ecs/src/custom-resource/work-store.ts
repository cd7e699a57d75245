import type { CustomResourceRequest } from "@stackyard/aws/custom-resource";
import { type Clock, type Records, StackyardError } from "@stackyard/core";
import { toExecutionName } from "./identity.ts";
import { type TaskWork, toNewWork, type WorkProgress } from "./task-work.ts";
import type { TextCipher } from "./text-cipher.ts";

/** Work that this process alone may go on with, until it is released or its time is over. */
export interface ClaimedWork {
  readonly work: TaskWork;
  /** Notes progress. Throws `RECORD_CONFLICT` when another process has claimed the work meanwhile. */
  save(changes: Partial<WorkProgress>): Promise<TaskWork>;
  /** Lets others go on. */
  release(): Promise<void>;
}

/** What a claim gives; `none`: no such request is known, or it is older than two hours. */
export type ClaimResult =
  | { readonly kind: "claimed"; readonly claimed: ClaimedWork }
  | { readonly kind: "held"; readonly work: TaskWork; readonly until: number }
  | { readonly kind: "none" };

/** What is remembered of requests. */
export interface WorkStore {
  /** True when the request is new; a known one stays as it is. */
  add(request: CustomResourceRequest): Promise<boolean>;
  claim(requestId: string, owner: string, ttlMs: number): Promise<ClaimResult>;
}

/** The address of an answer is good for an hour or so, and no request is worked for longer. */
const KEPT_MS = 2 * 3_600_000;
const PREFIX = "ecs-task/request/";

interface StoredWork extends WorkProgress {
  /** The request, hidden: it holds the address of the answer, and overrides may hold secrets. */
  readonly sealed: string;
  readonly receivedAt: number;
  readonly claim?: { readonly owner: string; readonly until: number } | undefined;
}

/** What a store needs. */
export interface WorkStoreDeps {
  readonly records: Records;
  readonly clock: Clock;
  readonly cipher: TextCipher;
}

/** Requests and how far they are, as records under `ecs-task/request/` that expire after two hours. */
export function createWorkStore(deps: WorkStoreDeps): WorkStore {
  const { records, clock, cipher } = deps;
  return {
    async add(request) {
      const key = toKey(request.RequestId);
      const { request: _, ...progress } = toNewWork(request, clock.now());
      const value: StoredWork = { ...progress, sealed: cipher.seal(JSON.stringify(request), key) };
      const expiresAt = clock.now() + KEPT_MS;
      const result = await records.put({ key, value, expected: "absent", expiresAt, now: clock.now() });
      return result.kind === "written";
    },
    claim: (requestId, owner, ttlMs) => claimWork(deps, toKey(requestId), { owner, ttlMs }),
  };
}

async function claimWork(
  deps: WorkStoreDeps,
  key: string,
  { owner, ttlMs }: { readonly owner: string; readonly ttlMs: number },
): Promise<ClaimResult> {
  const { records, clock } = deps;
  for (;;) {
    const record = await records.get(key, clock.now());
    if (record === undefined) return { kind: "none" };
    // Written by this very file.
    const stored = record.value as StoredWork;
    const { claim } = stored;
    if (claim !== undefined && claim.owner !== owner && claim.until > clock.now()) {
      return { kind: "held", work: toWork(deps, key, stored), until: claim.until };
    }
    const value = { ...stored, claim: { owner, until: clock.now() + ttlMs } };
    const written = await records.put({ key, value, expected: record.version, ...toTimes(clock, value) });
    if (written.kind === "written") {
      return { kind: "claimed", claimed: toClaimed(deps, value, written.record) };
    }
  }
}

function toClaimed(
  deps: WorkStoreDeps,
  first: StoredWork,
  { key, version: firstVersion }: { readonly key: string; readonly version: number },
): ClaimedWork {
  const { records, clock } = deps;
  let [stored, version] = [first, firstVersion];
  let work = toWork(deps, key, first);

  async function write(value: StoredWork): Promise<void> {
    const result = await records.put({ key, value, expected: version, ...toTimes(clock, value) });
    if (result.kind === "conflict") {
      throw new StackyardError("RECORD_CONFLICT", "Another invocation goes on with this request.");
    }
    [stored, version] = [value, result.record.version];
  }

  return {
    get work() {
      return work;
    },
    async save(changes) {
      await write({ ...stored, ...changes });
      work = { ...work, ...changes };
      return work;
    },
    async release() {
      await write({ ...stored, claim: undefined });
    },
  };
}

function toWork({ cipher }: WorkStoreDeps, key: string, { sealed, claim: _, ...progress }: StoredWork): TaskWork {
  return { ...progress, request: JSON.parse(cipher.open(sealed, key)) as CustomResourceRequest };
}

function toTimes(clock: Clock, { receivedAt }: StoredWork) {
  return { expiresAt: receivedAt + KEPT_MS, now: clock.now() };
}

function toKey(requestId: string): string {
  return PREFIX + toExecutionName(requestId);
}
