import type { Platform } from "./select-instances.ts";
import type { InstanceState } from "./to-instance-state.ts";

/** What a run knows of one instance. */
export interface FleetInstanceReport {
  readonly instanceId: string;
  /** `not-sent` without a code: still to be sent. */
  readonly state: InstanceState;
  /** Why it failed, was skipped or not sent; `NO_ROLES` is a warning of a success. */
  readonly code?: string;
  readonly roles: readonly string[];
  readonly platform?: Platform;
  readonly commandId?: string;
  /** As SSM spells it; of an instance whose command SSM refused, SSM's or our code. */
  readonly detailedStatus?: string;
  /** `-1`: not started. */
  readonly responseCode?: number;
  /** Epoch milliseconds. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly stdoutTail?: string;
  readonly stderrTail?: string;
  /** One of the texts is not whole. */
  readonly cut?: boolean;
  readonly links?: { readonly stdout?: string; readonly stderr?: string };
}

/** How many instances of a run stand where. */
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

/** A part of a run's report, as its record holds it: at most 200 KiB. */
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

/** Instances of one page, so that a poll writes little and a page has room for what they said. */
export const PAGE_SIZE = 50;

/** The key of a page's record. */
export function toPageKey(runId: string, page: number): string {
  return `run-report/${runId}/${String(page).padStart(4, "0")}`;
}
