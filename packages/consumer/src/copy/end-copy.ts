import { abortUpload } from "./begin-upload.ts";
import { type CopyFault, CopyStop } from "./copy-fault.ts";
import type { CopyJob } from "./copy-job.ts";
import type { CopyOutcome } from "./copy-outcome.ts";
import { settleFault } from "./settle-fault.ts";

/** Ends a copy that was not made: what is final leaves no upload behind, and anything else is kept for the next attempt. */
export async function endCopy(job: CopyJob, error: unknown, attempt: number): Promise<CopyOutcome> {
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
