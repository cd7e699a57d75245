import { createReleasesClient, type Release } from "@stackyard/sdk/releases";
import { clientOptions } from "../api/client.ts";
import type { Status } from "../design/mark.tsx";

/** Releases of the yard that served this page. */
export const releases = createReleasesClient(clientOptions);

/** Returns the state of a release as a mark. */
export function toReleaseStatus({ standing, end, isHalting }: Release): { status: Status; word: string } {
  if (end === "Success") return { status: "succeeded", word: "Success" };
  if (end === "FailureDirty") return { status: "failed", word: "Failed, left something behind" };
  if (end === "FailureClean") return { status: "failed", word: "Failed, cleaned up" };
  if (standing === "succeeded") return { status: "succeeded", word: "Succeeded" };
  if (standing === "failed") return { status: "failed", word: "Failed" };
  if (standing === "cancelled") return { status: "cancelled", word: "Cancelled" };
  if (isHalting) return { status: "retrying", word: "Halting" };
  return standing === "waiting" ? { status: "waiting", word: "Waiting" } : { status: "running", word: "Running" };
}

/** Returns what a run of releases is called: `rel-42`, `rollback of rel-42`, `lock`. */
export function formatRelease({ operation, releaseId, jobId }: Release): string {
  if (operation === "deploy") return releaseId === "" ? jobId : releaseId;
  return releaseId === "" ? operation : `${operation} of ${releaseId}`;
}

/** Returns true for a release that has ended. */
export function isOver({ standing }: Release): boolean {
  return standing !== "running" && standing !== "waiting";
}
