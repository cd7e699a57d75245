import type { FleetCounts, FleetInstanceReport, FleetReportPage } from "../fleet-report.ts";
import { type FailureCause, groupFailures } from "./group-failures.ts";

/** Where an instance stands, for people: those that have failed come first. */
export type FleetStanding = "failed" | "cancelled" | "not sent" | "running" | "waiting" | "skipped" | "succeeded";

/** The standings in the order of a report. */
export const STANDINGS: readonly FleetStanding[] = [
  ...(["failed", "cancelled", "not sent", "running", "waiting", "skipped", "succeeded"] as const),
];

/** How many instances of a role stand where. An instance counts under each of its roles. */
export interface RoleCounts {
  /** Undefined: instances without a role. */
  readonly role: string | undefined;
  readonly counts: Readonly<Record<FleetStanding, number>>;
  readonly total: number;
}

/** A run's report as tables show it. */
export interface FleetReport extends Omit<FleetReportPage, "instances" | "counts"> {
  readonly counts: FleetCounts;
  /** All instances, each once. */
  readonly standings: Readonly<Record<FleetStanding, number>>;
  /** In order of their names; those without a role at the end. */
  readonly roles: readonly RoleCounts[];
  /** Why instances failed, the most frequent first. */
  readonly causes: readonly FailureCause[];
  /** Failing first, then by code and id. */
  readonly instances: readonly FleetInstanceReport[];
}

/** Puts the pages of a report together. An instance that stands on two pages, as while they are written, counts once. */
export function toFleetReport(pages: readonly FleetReportPage[]): FleetReport {
  const byId = new Map(pages.flatMap(({ instances }) => instances).map((each) => [keyOf(each), each]));
  const instances = [...byId.values()].toSorted(compareInstances);
  const { instances: _, counts: __, ...facts } = pages.find(({ counts }) => counts !== undefined) ?? pages[0] ?? NONE;
  const standings = countStandings(instances);
  return {
    ...facts,
    counts: toCounts(standings),
    standings,
    roles: countRoles(instances),
    causes: groupFailures(instances.filter(isFailing)),
    instances,
  };
}

/** Where an instance stands. */
export function standingOf({ state, code }: FleetInstanceReport): FleetStanding {
  if (state !== "not-sent") return state;
  return code === undefined ? "waiting" : "not sent";
}

/** True for what a retry would send again. */
export function isFailing(instance: FleetInstanceReport): boolean {
  const standing = standingOf(instance);
  return standing === "failed" || standing === "cancelled" || standing === "not sent";
}

const NONE: FleetReportPage = { runId: "", instances: [] };

// What is skipped may be listed twice on purpose, once for each reason.
function keyOf({ instanceId, state, code }: FleetInstanceReport): string {
  return state === "skipped" ? `skipped ${code} ${instanceId}` : instanceId;
}

function compareInstances(a: FleetInstanceReport, b: FleetInstanceReport): number {
  return (
    STANDINGS.indexOf(standingOf(a)) - STANDINGS.indexOf(standingOf(b)) ||
    compareTexts(a.code ?? "\uffff", b.code ?? "\uffff") ||
    compareTexts(a.instanceId, b.instanceId)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function countStandings(instances: readonly FleetInstanceReport[]): Record<FleetStanding, number> {
  const counts = { failed: 0, cancelled: 0, "not sent": 0, running: 0, waiting: 0, skipped: 0, succeeded: 0 };
  for (const instance of instances) counts[standingOf(instance)] += 1;
  return counts;
}

function toCounts(standings: Readonly<Record<FleetStanding, number>>): FleetCounts {
  const { failed, cancelled, running, waiting, skipped, succeeded, "not sent": notSent } = standings;
  return {
    selected: failed + cancelled + notSent + running + waiting + succeeded,
    succeeded,
    running,
    skipped,
    failed: failed + cancelled,
    notSent: notSent + waiting,
  };
}

function countRoles(instances: readonly FleetInstanceReport[]): readonly RoleCounts[] {
  const byRole = new Map<string | undefined, FleetInstanceReport[]>();
  for (const instance of instances) {
    const roles: readonly (string | undefined)[] = instance.roles.length === 0 ? [undefined] : instance.roles;
    for (const role of new Set(roles)) {
      const members = byRole.get(role);
      if (members === undefined) byRole.set(role, [instance]);
      else members.push(instance);
    }
  }
  return [...byRole]
    .toSorted(([a], [b]) => Number(a === undefined) - Number(b === undefined) || compareTexts(a ?? "", b ?? ""))
    .map(([role, members]) => ({ role, counts: countStandings(members), total: members.length }));
}
