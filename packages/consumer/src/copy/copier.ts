import { tmpdir } from "node:os";
import type { S3Client } from "@aws-sdk/client-s3";
import { listUnanswered } from "@stackyard/aws";
import { type Clock, StackyardError } from "@stackyard/core";
import type { SourceBucket } from "../evaluate-url.ts";
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
import { abortUpload, type CopyJob, type CopyResult, findPresent, toResult } from "./copy-job.ts";
import { type CopyMemory, createCopyLedger, type FaultCounts, sweepUploads } from "./copy-memory.ts";
import type { SourceFetch } from "./source-fetch.ts";
import { createStoredObjects, createTargetBucket, type TargetInput } from "./target-bucket.ts";

/** Dependencies and limits of a copier. */
export interface CopierDeps {
  readonly fetch: SourceFetch;
  /** The consumer's own bucket. `region`: used in the host names of rewritten templates. */
  readonly target: TargetInput & { readonly region: string };
  /** The distributor's bucket. `client`: in its region, with the consumer's role; required for `identity`. */
  readonly source: SourceBucket & { readonly account?: string; readonly client?: S3Client };
  /** `auto`: with the role, or with the URL when access is denied. */
  readonly transfer: "identity" | "presigned" | "auto";
  readonly memory: CopyMemory;
  readonly clock: Clock;
  /** Default: 50 GiB. */
  readonly maxBytes?: number;
  /** Parts of one file that are copied concurrently. Default: 4. */
  readonly partsAtOnce?: number;
  /** Larger files are uploaded in parts. Default: 64 MiB. */
  readonly wholeBytes?: number;
  /** Called after each MiB, such as the function of `createCollector`. Default: none. */
  readonly collect?: () => void;
  /** For temporary files: up to twice `wholeBytes` per running copy. Default: the system's folder. */
  readonly folder?: string;
}

/** Copies files from the source bucket into the consumer's own. */
export interface Copier {
  /**
   * Copies one file. The object appears only when its content matches the announcement; a copy that fails or crashes leaves
   * the previous object. Safe to repeat, also concurrently. Throws only when records cannot be written or for an unknown
   * error.
   */
  copy(input: CopyInput): Promise<CopyOutcome>;
  /** Aborts uploads without progress for a day. Returns their number. */
  sweepUploads(): Promise<number>;
}

const DEFAULT_MAX_BYTES = 50 * 1_024 ** 3;
const DEFAULT_PARTS_AT_ONCE = 4;

/** Creates a copier. Throws `CONFIG_INVALID` for `identity` without a client. */
export function createCopier(deps: CopierDeps): Copier {
  const { transfer, source, memory, clock } = deps;
  if (transfer === "identity" && source.client === undefined) {
    throw new StackyardError("CONFIG_INVALID", 'Transfer "identity" requires an S3 client for the source\'s region.');
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
        // If the record is lost, the next delivery finds the object present.
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

/** Returns the source for a message. One of version 1 contains only a key and a URL. */
function chooseSource({ transfer, source, fetch }: CopierDeps, message: ArtifactMessage): ArtifactSource {
  const presigned = createPresignedSource(fetch);
  const { client } = source;
  if (message.v === 1 || transfer === "presigned" || client === undefined) return presigned;
  if (transfer === "identity") return createIdentitySource({ ...source, client });
  return createAutoSource(createIdentitySource({ ...source, client, isProbe: true }), presigned);
}

async function run(job: CopyJob): Promise<CopyResult> {
  const { message, source, signal, maxBytes, wholeBytes } = job;
  if (message.v === 1) return copyInOnePass(job);
  const { size, sha256 } = message.artifact;
  if (size > maxBytes) {
    throw new CopyStop({ kind: "refused", code: "TOO_LARGE", reason: `The file has more than ${maxBytes} bytes.` });
  }
  if (size <= wholeBytes) return copyInOnePass(job);
  // For a small file the conditional put detects an existing object. Before a long copy it is worth checking first.
  const found = await findPresent(job, message, { size, sha256 });
  if (found.kind === "present") return toResult(found, sha256, { verified: true, sourceSha256: sha256, size });
  const plan = await findParts(source, message, signal);
  return plan === undefined ? copyInOnePass(job) : copyInParts(job, message, plan);
}

/** One file to be copied. */
export interface CopyInput {
  /** A message that `decideMessage` accepted. */
  readonly message: ArtifactMessage;
  /** Deliveries of the message so far. Default: 1. */
  readonly attempt?: number;
  /** When the invocation ends, in epoch milliseconds. The copy stops five seconds earlier. */
  readonly deadlineAt?: number;
  readonly signal?: AbortSignal;
}

/** The outcome of a copy. Reasons never contain a URL. */
export type CopyOutcome =
  | CopyResult
  | Exclude<SettledFault, { readonly kind: "retry" | "suspended" }>
  /** `stalls`: attempts in a row without progress, including this one. */
  | { readonly kind: "retry"; readonly code: string; readonly reason: string; readonly stalls: number }
  /** The invocation ran out of time; the next attempt continues. `newBytes`: bytes that this attempt uploaded. */
  | { readonly kind: "suspended"; readonly newBytes: number; readonly stalls: number; readonly reason: string };

/** Handles the error of a copy: aborts the upload when the error is final, and saves the progress otherwise. */
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
      return { kind: "suspended", newBytes: ledger.newBytes, stalls, reason: settled.reason };
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

/** Returns the fault behind an error, or undefined for an unknown error. */
async function findFault({ signal, target }: CopyJob, error: unknown): Promise<CopyFault | undefined> {
  const fault = error instanceof CopyStop ? error.fault : undefined;
  if (signal.aborted && isOwnDoing(fault)) return { kind: "stopped", reason: toStopReason(signal) };
  if (fault?.kind !== "target" || !(await target.isForeign())) return fault;
  return { kind: "target", code: "BUCKET_FOREIGN", reason: "Another account owns the target bucket." };
}

/** The end of the time for a copy. */
class TimeOver extends Error {}

const TIME_OVER = "The invocation ran out of time.";

function toTimeOver(): TimeOver {
  const calls = [...new Set(listUnanswered())].join(", ");
  return new TimeOver(calls === "" ? TIME_OVER : `${TIME_OVER} ${calls} did not answer.`);
}

function toStopReason({ reason }: AbortSignal): string {
  return reason instanceof TimeOver ? reason.message : TIME_OVER;
}

/** Returns true for a consequence of our own abort: stream errors and short bodies. */
function isOwnDoing(fault: CopyFault | undefined): boolean {
  if (fault?.kind === "counted") return fault.code === "SIZE_MISMATCH";
  return fault === undefined || (fault.kind === "passing" && fault.code !== "COPY_BUSY");
}

/** The decision about a fault, given the faults before it. */
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
  | { readonly kind: "suspended"; readonly reason: string };

/** The occurrence at which a fault is final. A mismatch can be a transmission error, so it is retried three times. */
const FINAL_AT: Readonly<Record<CountedCode, number>> = {
  SOURCE_DENIED: 3,
  SOURCE_MISSING: 5,
  SIZE_MISMATCH: 4,
  SHA256_MISMATCH: 4,
};
/** New permissions take a while to apply; after the third attempt they are missing. */
const TARGET_FINAL_AT = 3;

/** Decides whether a fault is retried or final. `attempt`: deliveries of the message so far, from 1. */
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
      return { kind: "suspended", reason: fault.reason };
    case "superseded":
      return { kind: "superseded" };
  }
}

/** Reserved for saving the progress. */
const MARGIN_MS = 5_000;

/** Creates a signal that aborts shortly before the deadline, or when the caller aborts. */
export function limitTime(
  clock: Clock,
  { deadlineAt, signal }: Pick<CopyInput, "deadlineAt" | "signal">,
): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const over = new AbortController();
  if (deadlineAt !== undefined) {
    const left = deadlineAt - MARGIN_MS - clock.now();
    if (left <= 0) over.abort(toTimeOver());
    clock.sleep(left, controller.signal).then(
      () => (controller.signal.aborted ? undefined : over.abort(toTimeOver())),
      () => over.abort(toTimeOver()),
    );
  }
  return {
    signal: signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]),
    end: () => controller.abort(),
  };
}
