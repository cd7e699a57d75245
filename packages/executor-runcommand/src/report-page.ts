import type { InstanceState } from "./instance-state.ts";
import type { Platform } from "./select-instances.ts";

/** The state of one instance in a run. */
export interface FleetInstanceReport {
  readonly instanceId: string;
  /** `not-sent` without a code: still to be sent. */
  readonly state: InstanceState;
  /** Why it failed, was skipped or not sent; `NO_ROLES` is a warning of a success. */
  readonly code?: string;
  readonly roles: readonly string[];
  readonly platform?: Platform;
  readonly commandId?: string;
  /** As in SSM; the code of SSM or ours if SSM rejected its command. */
  readonly detailedStatus?: string;
  /** `-1`: not started. */
  readonly responseCode?: number;
  /** Epoch milliseconds. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly stdoutTail?: string;
  readonly stderrTail?: string;
  /** True if one of the texts was cut. */
  readonly cut?: boolean;
  readonly links?: { readonly stdout?: string; readonly stderr?: string };
}

/** The number of a run's instances in each state. */
export interface FleetCounts {
  readonly selected: number;
  readonly succeeded: number;
  /** Failed or cancelled. */
  readonly failed: number;
  readonly running: number;
  readonly skipped: number;
  /** Still to be sent, or never sent. */
  readonly notSent: number;
}

/** A part of a run's report, as stored in its record: at most 200 KiB. */
export interface FleetReportPage {
  readonly runId: string;
  readonly instances: readonly FleetInstanceReport[];
  /** On the first page: the whole run. */
  readonly counts?: FleetCounts;
  readonly artifact?: { readonly bucket: string; readonly key: string; readonly versionId?: string };
  readonly source?: string;
  readonly startedAt?: number;
  readonly endedAt?: number;
}

/** Instances per page, so that a poll writes little and a page has space for their output. */
export const PAGE_SIZE = 50;

/** Returns the key of a page's record. */
export function toPageKey(runId: string, page: number): string {
  return `job-report/${runId}/${String(page).padStart(4, "0")}`;
}
