import { tmpdir } from "node:os";
import type { S3Client } from "@aws-sdk/client-s3";
import { type Clock, StackyardError } from "@stackyard/core";
import type { ArtifactMessage } from "../artifact-message.ts";
import type { SourceFetch } from "../fetch/source-answer.ts";
import type { SourceBucket } from "../source-hosts.ts";
import type { ArtifactSource } from "./artifact-source.ts";
import { abortUpload } from "./begin-upload.ts";
import { collectAlong } from "./collect-garbage.ts";
import { CopyStop } from "./copy-fault.ts";
import { copyInOnePass } from "./copy-in-one-pass.ts";
import { copyInParts } from "./copy-in-parts.ts";
import type { CopyJob, CopyResult } from "./copy-job.ts";
import { createCopyLedger } from "./copy-ledger.ts";
import type { CopyInput, CopyOutcome } from "./copy-outcome.ts";
import type { CopyMemory } from "./create-copy-memory.ts";
import { endCopy } from "./end-copy.ts";
import { findParts } from "./find-parts.ts";
import { createAutoSource, createIdentitySource } from "./identity-source.ts";
import { limitTime } from "./limit-time.ts";
import { MAX_WHOLE_BYTES } from "./plan-parts.ts";
import { createPresignedSource } from "./presigned-source.ts";
import { createStoredObjects } from "./stored-object.ts";
import { sweepUploads } from "./sweep-uploads.ts";
import { createTargetBucket, type TargetInput } from "./target-bucket.ts";
import { findPresent } from "./write-conditionally.ts";

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
