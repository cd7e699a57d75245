import { CopyStop } from "./copy-fault.ts";
import type { CopyJob } from "./copy-job.ts";
import { type AnnouncedFile, judgeStored } from "./judge-stored.ts";
import type { WriteCondition, WriteResult } from "./target-bucket.ts";

/** What would be written: size, and digest in hex. */
export interface OwnBytes {
  readonly size: number;
  readonly sha256: string;
}

/** What lies under the key: this very file, or what a write must find there. */
export type FoundObject =
  | { readonly kind: "present"; readonly storedSha256: string; readonly versionId?: string }
  | { readonly kind: "free"; readonly condition: WriteCondition };

/** What came of a write. */
export type Written = Extract<FoundObject, { readonly kind: "present" }> | (WriteResult & { readonly kind: "written" });

const TRIES = 3;

/**
 * Writes a file that has a version where nothing lies, or over an earlier version of the key. Where something lies it is
 * looked at: this very file is present, and anything else stops the copy. A file without a version is written over anything.
 */
export async function writeConditionally(
  job: Pick<CopyJob, "message" | "stored" | "signal">,
  own: OwnBytes,
  write: (condition: WriteCondition) => Promise<WriteResult>,
): Promise<Written> {
  const { message } = job;
  let condition: WriteCondition = message.v === 1 ? "any" : "absent";
  for (let tries = 0; tries < TRIES; tries += 1) {
    const result = await write(condition);
    if (result.kind === "written") return result;
    if (message.v === 1) break;
    const found = await findPresent(job, message, own);
    if (found.kind === "present") return found;
    condition = found.condition;
  }
  throw new CopyStop({ kind: "passing", code: "TARGET_UNAVAILABLE", reason: "Others write the same key." });
}

/** Looks at what lies under the key. Stops the copy where that is another file of the same version, or a later one. */
export async function findPresent(
  { stored, signal }: Pick<CopyJob, "stored" | "signal">,
  message: AnnouncedFile,
  own: OwnBytes,
): Promise<FoundObject> {
  const found = await stored.find(message.ArtifactKey);
  if (found === undefined) return { kind: "free", condition: "absent" };
  const first = judgeStored(found, message, { own });
  const read = first.kind === "unknown" ? await stored.digest(message.ArtifactKey, found.etag, signal) : undefined;
  const verdict = read === undefined ? first : judgeStored(found, message, { own, read });
  const { versionId } = found;
  const { name, version } = message.artifact;
  switch (verdict.kind) {
    case "same":
      return { kind: "present", storedSha256: verdict.storedSha256, ...(versionId !== undefined && { versionId }) };
    case "earlier":
      return { kind: "free", condition: { etag: found.etag } };
    case "unknown":
      return { kind: "free", condition: "absent" };
    case "later":
      throw new CopyStop({ kind: "superseded", reason: "A later version lies under the key." });
    case "conflict": {
      const reason = `Another file of ${name} ${version} lies under the key.`;
      throw new CopyStop({ kind: "refused", code: "VERSION_CONFLICT", reason });
    }
  }
}
