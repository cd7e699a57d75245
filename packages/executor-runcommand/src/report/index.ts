export type { FleetCounts, FleetInstanceReport, FleetReportPage } from "../report-page.ts";
export {
  type CodeAdvice,
  explainCode,
  explainSaid,
  type FailureCause,
  type FleetReport,
  type FleetReportOptions,
  type FleetStanding,
  isFailing,
  type RoleCounts,
  STANDINGS,
  standingOf,
  toFleetReport,
} from "./to-fleet-report.ts";
