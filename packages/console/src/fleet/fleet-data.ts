import {
  type FleetInstanceReport,
  type FleetReport,
  type FleetReportPage,
  type FleetStanding,
  STANDINGS,
  standingOf,
} from "@stackyard/executor-runcommand/report";
import type { Status } from "../design/mark.tsx";

/** The mark of each standing in lists. */
export const STANDING_MARKS: Readonly<Record<FleetStanding, Status>> = {
  failed: "failed",
  cancelled: "cancelled",
  "not sent": "skipped",
  unknown: "overdue",
  running: "running",
  waiting: "waiting",
  skipped: "skipped",
  succeeded: "succeeded",
};

/** Which instances are shown: by role, standing, code and wave. */
export interface FleetFilter {
  /** The empty text: instances without a role. */
  readonly role?: string | undefined;
  readonly state?: FleetStanding | undefined;
  readonly code?: string | undefined;
  /** Commands of a wave. */
  readonly commandIds?: readonly string[] | undefined;
}

/** The grouping of the map. */
export type FleetGrouping = "role" | "state" | "code";

/** Cells of the map that belong together. */
export interface FleetGroup {
  readonly name: string;
  readonly instances: readonly FleetInstanceReport[];
}

/** Returns the standing with this name, or undefined. */
export function toStanding(text: string | undefined): FleetStanding | undefined {
  return STANDINGS.find((standing) => standing === text);
}

/** Returns whether a value is a page of a fleet's report. Reports of other executors are not shown here. */
export function isFleetPage(value: unknown): value is FleetReportPage {
  if (typeof value !== "object" || value === null) return false;
  const { instances } = value as { readonly instances?: unknown };
  return Array.isArray(instances) && instances.every(isInstance);
}

function isInstance(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { instanceId, state, roles } = value as Record<string, unknown>;
  return typeof instanceId === "string" && typeof state === "string" && Array.isArray(roles);
}

/** Returns the instances that fit a filter, in their order. */
export function filterInstances(
  instances: readonly FleetInstanceReport[],
  { role, state, code, commandIds }: FleetFilter,
): readonly FleetInstanceReport[] {
  return instances.filter(
    (instance) =>
      (role === undefined || (role === "" ? instance.roles.length === 0 : instance.roles.includes(role))) &&
      (state === undefined || standingOf(instance) === state) &&
      (code === undefined || instance.code === code) &&
      (commandIds === undefined || commandIds.includes(instance.commandId ?? "")),
  );
}

export const NO_ROLE = "no role";

/** Returns the groups of the map. An instance with several roles is in each of them. */
export function groupInstances(instances: readonly FleetInstanceReport[], by: FleetGrouping): readonly FleetGroup[] {
  const placed = instances.flatMap((instance) => namesOf(instance, by).map((name) => ({ name, instance })));
  const groups = Map.groupBy(placed, ({ name }) => name);
  const all = [...groups].map(([name, members]) => ({ name, instances: members.map(({ instance }) => instance) }));
  // Standings and codes come failing first, as the instances do; roles by their names.
  return by === "role" ? all.sort((a, b) => compareRoles(a.name, b.name)) : all;
}

function namesOf(instance: FleetInstanceReport, by: FleetGrouping): readonly string[] {
  if (by === "state") return [standingOf(instance)];
  if (by === "code") return [instance.code ?? standingOf(instance)];
  return instance.roles.length === 0 ? [NO_ROLE] : [...new Set(instance.roles)];
}

function compareRoles(a: string, b: string): number {
  return Number(a === NO_ROLE) - Number(b === NO_ROLE) || (a < b ? -1 : Number(a > b));
}

/** The failures that a run allows, and those that it has. */
export interface ErrorBudget {
  readonly allowed: number;
  readonly used: number;
}

/** Returns the error budget of a run from `maxErrors`: a number, or a share of the selected instances, rounded down. */
export function toErrorBudget(maxErrors: unknown, { counts: { selected, failed } }: FleetReport): ErrorBudget {
  const [, share] = /^(\d{1,3})%$/.exec(String(maxErrors ?? 0)) ?? [];
  const allowed = share === undefined ? Number(maxErrors ?? 0) : Math.floor((selected * Number(share)) / 100);
  return { allowed: Number.isFinite(allowed) ? allowed : 0, used: failed };
}
