import { tmpdir } from "node:os";
import type { S3Client } from "@aws-sdk/client-s3";
import { type Clock, StackyardError } from "@stackyard/core";
import type { SourceBucket } from "../judge-url.ts";
import type { ArtifactMessage } from "../messages.ts";
import {
  type ArtifactSource,
  type CopyFault,
  CopyStop,
  type CountedCode,
  collectAlong,
  createAutoSource,
  createIdentitySource,
  createPresignedSource,
  type RefusalCode,
} from "./artifact-source.ts";
import { copyInOnePass } from "./copy-in-one-pass.ts";
import { copyInParts, findParts, MAX_WHOLE_BYTES } from "./copy-in-parts.ts";
import { abortUpload, type CopyJob, type CopyResult, findPresent } from "./copy-job.ts";
import { type CopyMemory, createCopyLedger, type FaultCounts, sweepUploads } from "./copy-memory.ts";
import type { SourceFetch } from "./source-fetch.ts";
import { createStoredObjects, createTargetBucket, type TargetInput } from "./target-bucket.ts";

/** What a copier works with. */
export interface CopierDeps {
  readonly fetch: SourceFetch;
  /** The consumer's own bucket. `region`: for the hosts in templates. */
  readonly target: TargetInput & { readonly region: string };
  /** The distributor's. `client`: of its region, with the consumer's role; needed for `identity`. */
  readonly source: SourceBucket & { readonly account?: string; readonly client?: S3Client };
  /** `auto`: by the role, and by the URL where the role may not read. */
  readonly transfer: "identity" | "presigned" | "auto";
  readonly memory: CopyMemory;
  readonly clock: Clock;
  /** Default: 50 GiB. */
  readonly maxBytes?: number;
  /** Parts of one file under way. Default: 4. */
  readonly partsAtOnce?: number;
  /** Larger files are uploaded in parts. Default: 64 MiB. */
  readonly wholeBytes?: number;
  /** Called now and then while bytes go by, such as by `createCollector`. Default: nothing is called. */
  readonly collect?: () => void;
  /** For temporary files: twice `wholeBytes` for each copy at work. Default: the system's. */
  readonly folder?: string;
}

/** Copies files from the source bucket into the consumer's own. */
export interface Copier {
  /**
   * Copies one file. It is in the bucket when its bytes are what was announced, and not before; a copy that fails, or that dies
   * anywhere, leaves what lay there. May be repeated, also at the same time. Throws only where records cannot be kept or nobody
   * knows what happened.
   */
  copy(input: CopyInput): Promise<CopyOutcome>;
  /** Ends the uploads that nobody has gone on with for a day. Gives their number. */
  sweepUploads(): Promise<number>;
}

const DEFAULT_MAX_BYTES = 50 * 1_024 ** 3;
const DEFAULT_PARTS_AT_ONCE = 4;

/** Creates a copier. Throws `CONFIG_INVALID` for `identity` without a client. */
export function createCopier(deps: CopierDeps): Copier {
  const { transfer, source, memory, clock } = deps;
  if (transfer === "identity" && source.client === undefined) {
    throw new StackyardError("CONFIG_INVALID", "The transfer by identity needs a client of the source's region.");
  }
  const target = createTargetBucket(deps.target);
  const fixed = {
    target,
    stored: createStoredObjects(deps.target),
    buckets: { source, target: deps.target },
    maxBytes: deps.maxBytes ?? DEFAULT_MAX_BYTES,
    partsAtOnce: deps.partsAtOnce ?? DEFAULT_PARTS_AT_ONCE,
    wholeBytes: deps.wholeBytes ?? MAX_WHOLE_BYTES,
    folder: deps.folder ?? tmpdir(),
  };
  return {
    async copy(input) {
      const { message, attempt = 1 } = input;
      const record = await memory.open(message.ArtifactKey, message.v === 2 ? message.artifact.sha256 : undefined);
      const time = limitTime(clock, input);
      const ledger = createCopyLedger(record);
      const job = { ...fixed, message, ledger, source: toSource(deps, message), signal: time.signal };
      try {
        const result = await run(job);
        await abortUpload(job);
        // Without its record it would only be copied again.
        await ledger.forget().catch(() => undefined);
        return result;
      } catch (error) {
        return await endCopy(job, error, attempt);
      } finally {
        time.end();
      }
    },
    sweepUploads: () => sweepUploads({ memory, target, clock }),
  };
}

function toSource(deps: CopierDeps, message: ArtifactMessage): ArtifactSource {
  const source = chooseSource(deps, message);
  return deps.collect === undefined ? source : collectAlong(source, deps.collect);
}

/** A message of the first version names a URL and nothing else. */
function chooseSource({ transfer, source, fetch }: CopierDeps, message: ArtifactMessage): ArtifactSource {
  const presigned = createPresignedSource(fetch);
  const { client } = source;
  if (message.v === 1 || transfer === "presigned" || client === undefined) return presigned;
  const identity = createIdentitySource({ ...source, client });
  return transfer === "identity" ? identity : createAutoSource(identity, presigned);
}

async function run(job: CopyJob): Promise<CopyResult> {
  const { message, source, signal, maxBytes, wholeBytes } = job;
  if (message.v === 1) return copyInOnePass(job);
  const { size, sha256 } = message.artifact;
  if (size > maxBytes) {
    throw new CopyStop({ kind: "refused", code: "TOO_LARGE", reason: `The file has more than ${maxBytes} bytes.` });
  }
  if (size <= wholeBytes) return copyInOnePass(job);
  // A small file is found there when it is put. What takes long is looked for first.
  const found = await findPresent(job, message, { size, sha256 });
  if (found.kind === "present") {
    const { storedSha256, versionId } = found;
    const facts = { verified: true, sourceSha256: sha256, storedSha256, size };
    return { kind: "present", ...facts, ...(versionId !== undefined && { versionId }) };
  }
  const plan = await findParts(source, message, signal);
  return plan === undefined ? copyInOnePass(job) : copyInParts(job, message, plan);
}

/** One file to be copied. */
export interface CopyInput {
  /** One that `decideMessage` lets through. */
  readonly message: ArtifactMessage;
  /** Deliveries of the message so far. Default: 1. */
  readonly attempt?: number;
  /** Epoch milliseconds: when the function ends. The copy stops five seconds before. */
  readonly deadlineAt?: number;
  readonly signal?: AbortSignal;
}

/** What came of a copy. No reason holds a URL. */
export type CopyOutcome =
  | CopyResult
  | Exclude<SettledFault, { readonly kind: "retry" | "suspended" }>
  /** `stalls`: attempts in a row that got nowhere, with this one. */
  | { readonly kind: "retry"; readonly code: string; readonly reason: string; readonly stalls: number }
  /** The time is over; the next attempt goes on. `newBytes`: what this one got done for good. */
  | { readonly kind: "suspended"; readonly newBytes: number; readonly stalls: number };

/** Ends a copy that was not made: what is final leaves no upload behind, and anything else is kept for the next attempt. */
async function endCopy(job: CopyJob, error: unknown, attempt: number): Promise<CopyOutcome> {
  const { ledger } = job;
  const fault = await findFault(job, error);
  if (fault === undefined) throw error;
  const settled = settleFault(fault, ledger.counts, attempt);
  switch (settled.kind) {
    case "retry": {
      if (fault.kind === "lost") await abortUpload(job);
      const { code, reason, counts } = settled;
      return { kind: "retry", code, reason, stalls: await ledger.close(counts, true) };
    }
    case "suspended": {
      const stalls = await ledger.close(ledger.counts, true);
      return { kind: "suspended", newBytes: ledger.newBytes, stalls };
    }
    case "refresh":
      await ledger.close(ledger.counts, false);
      return settled;
    default:
      await abortUpload(job);
      await ledger.forget().catch(() => undefined);
      return settled;
  }
}

/** What an error means for the copy; undefined: nobody knows. */
async function findFault({ signal, target }: CopyJob, error: unknown): Promise<CopyFault | undefined> {
  const fault = error instanceof CopyStop ? error.fault : undefined;
  if (signal.aborted && isOwnDoing(fault)) return { kind: "stopped", reason: "The time is over." };
  if (fault?.kind !== "target" || !(await target.isForeign())) return fault;
  return { kind: "target", code: "BUCKET_FOREIGN", reason: "The target bucket is of another account." };
}

/** What breaks when the time is over was broken off, and what ends too early was too. */
function isOwnDoing(fault: CopyFault | undefined): boolean {
  if (fault?.kind === "counted") return fault.code === "SIZE_MISMATCH";
  return fault === undefined || (fault.kind === "passing" && fault.code !== "COPY_BUSY");
}

/** What became of a fault, in view of those before. */
type SettledFault =
  | {
      readonly kind: "failed";
      readonly code: CountedCode | "TARGET_DENIED" | "BUCKET_FOREIGN";
      readonly reason: string;
    }
  | { readonly kind: "rejected"; readonly code: RefusalCode; readonly reason: string }
  | { readonly kind: "refresh"; readonly code: "URL_EXPIRED"; readonly reason: string }
  | { readonly kind: "retry"; readonly code: string; readonly reason: string; readonly counts: FaultCounts }
  | { readonly kind: "superseded" }
  | { readonly kind: "suspended" };

/** At which time it is final. The wire may lie: a mismatch is tried again three times. */
const FINAL_AT: Readonly<Record<CountedCode, number>> = {
  SOURCE_DENIED: 3,
  SOURCE_MISSING: 5,
  SIZE_MISMATCH: 4,
  SHA256_MISMATCH: 4,
};
/** Permissions of a new stack take a while; what is denied then stays denied. */
const TARGET_FINAL_AT = 3;

/** Is it tried again, or is this the end? `attempt`: deliveries of the message so far, from 1. */
export function settleFault(fault: CopyFault, counts: FaultCounts, attempt: number): SettledFault {
  switch (fault.kind) {
    case "expired":
      return { kind: "refresh", code: "URL_EXPIRED", reason: fault.reason };
    case "refused":
      return { kind: "rejected", code: fault.code, reason: fault.reason };
    case "counted": {
      const { code, reason } = fault;
      const count = (counts[code] ?? 0) + 1;
      if (count >= FINAL_AT[code]) return { kind: "failed", code, reason };
      return { kind: "retry", code, reason, counts: { ...counts, [code]: count } };
    }
    case "target": {
      const { code, reason } = fault;
      return attempt >= TARGET_FINAL_AT ? { kind: "failed", code, reason } : { kind: "retry", code, reason, counts };
    }
    case "passing":
      return { kind: "retry", code: fault.code, reason: fault.reason, counts };
    case "lost":
      return { kind: "retry", code: "TARGET_UNAVAILABLE", reason: fault.reason, counts };
    case "stopped":
      return { kind: "suspended" };
    case "superseded":
      return { kind: "superseded" };
  }
}

/** Until when a copy may work. */
interface TimeLimit {
  readonly signal: AbortSignal;
  end(): void;
}

/** To save what is done. */
const MARGIN_MS = 5_000;

/** A signal that is aborted shortly before an instant, or by the caller. */
export function limitTime(
  clock: Clock,
  { deadlineAt, signal }: { readonly deadlineAt?: number; readonly signal?: AbortSignal },
): TimeLimit {
  const controller = new AbortController();
  const over = new AbortController();
  if (deadlineAt !== undefined) {
    const left = deadlineAt - MARGIN_MS - clock.now();
    if (left <= 0) over.abort();
    clock.sleep(left, controller.signal).then(
      () => (controller.signal.aborted ? undefined : over.abort()),
      () => over.abort(),
    );
  }
  return {
    signal: signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]),
    end: () => controller.abort(),
  };
}
