import { formatTable } from "@stackyard/sdk/commands";
import type { FleetInstanceReport, FleetReportPage } from "../report-page.ts";
import {
  type FleetReport,
  type FleetReportOptions,
  findSaid,
  formatVerdict,
  listRunFacts,
  STANDINGS,
  standingOf,
  toCell,
  toExit,
  toFleetReport,
  toLength,
} from "./to-fleet-report.ts";

/** Options of a table. */
export interface FleetTableOptions extends FleetReportOptions {
  /** Instances that are listed one by one; failing ones come first. Default: all. */
  readonly maxInstances?: number;
  /** Width of the terminal that the tables fit. Default: no limit. */
  readonly columns?: number | undefined;
}

/**
 * Formats a run's report as text for a terminal: its state, the instances by role and state, why some failed, and the
 * instances, failed ones first. Output of instances cannot move the cursor or color anything.
 */
export function toFleetTable(pages: readonly FleetReportPage[], options: FleetTableOptions = {}): string {
  const report = toFleetReport(pages, options);
  const facts = listRunFacts(report).map(([name, value]) => [`${name}:`, value]);
  return [
    `${formatVerdict(report)}\n${formatTable(facts, { columns: options.columns, keepLast: true })}`,
    toRoleTable(report),
    toCauseTable(report, options),
    toInstanceTable(report, options),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function toRoleTable({ roles, standings, instances }: FleetReport): string {
  if (instances.length === 0) return "";
  // A column of zeros has no information.
  const shown = STANDINGS.filter((standing) => standings[standing] > 0);
  const head = ["ROLE", ...shown.map((standing) => standing.toUpperCase()), "ALL"];
  const rows = roles.map(({ role, counts, total }) => {
    return [toRole(role), ...shown.map((standing) => String(counts[standing])), String(total)];
  });
  const all = ["all instances", ...shown.map((standing) => String(standings[standing])), String(instances.length)];
  return formatTable([head, ...rows, all], { numbers: [...head.keys()].slice(1) });
}

function toCauseTable({ causes }: FleetReport, { columns }: FleetTableOptions): string {
  if (causes.length === 0) return "";
  const rows = causes.map(({ code, responseCode, instanceIds, example }) => {
    const [first = ""] = instanceIds;
    const said = example === undefined ? toCell(first) : `${toCell(first)}: ${toCell(example, 100)}`;
    return [toCell(code), String(instanceIds.length), toExit(responseCode), said];
  });
  return formatTable([["WHY", "INSTANCES", "EXIT", "FOR EXAMPLE"], ...rows], {
    numbers: [1, 2],
    columns,
    keepLast: true,
  });
}

function toInstanceTable(
  { instances }: FleetReport,
  { maxInstances = instances.length, columns }: FleetTableOptions,
): string {
  if (instances.length === 0) return "";
  const head = ["STATE", "INSTANCE", "ROLES", "WHY", "EXIT", "TOOK", "LAST LINE"];
  const table = formatTable([head, ...instances.slice(0, maxInstances).map(toRow)], { numbers: [4], columns });
  const left = instances.length - maxInstances;
  return left > 0 ? `${table}\n… and ${left} more` : table;
}

function toRow(instance: FleetInstanceReport): readonly string[] {
  const { instanceId, roles, code = "", responseCode, startedAt, endedAt } = instance;
  const took = startedAt === undefined || endedAt === undefined ? "" : toLength(endedAt - startedAt);
  const said = standingOf(instance) === "succeeded" ? "" : toCell(findSaid(instance) ?? "", 100);
  return [
    standingOf(instance),
    toCell(instanceId),
    toCell(roles.join(","), 40),
    toCell(code),
    toExit(responseCode),
    took,
    said,
  ];
}

function toRole(role: string | undefined): string {
  return role === undefined ? "(no role)" : toCell(role, 63);
}
