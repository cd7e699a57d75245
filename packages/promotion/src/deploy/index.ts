export type { TurnPlace } from "../gate/decide-turn.ts";
export { type ListedTurn, type ListTurnsDeps, listTurns, type TurnPart } from "../gate/list-turns.ts";
export { findSendLimits } from "./deploy-limits.ts";
export type { DeployRow, DeployRowState, DeployState } from "./deploy-row.ts";
export { findTrouble, type Trouble, type TroubleInput } from "./find-trouble.ts";
export { type ListRowsInput, listRows } from "./list-rows.ts";
export { listVersionChanges, type TaskChanges, type VersionChanges } from "./list-version-changes.ts";
export type { PickedRows, RowsRequest } from "./pick-rows.ts";
export { hasChanged, type PlanEntry, toAims } from "./plan-entry.ts";
export {
  findPlan,
  findPlanDigest,
  findPlanHead,
  listPlanPages,
  type PlanContent,
  type PlanDeps,
  type PlanHead,
  type PlannedTask,
  type StoredPlan,
} from "./plan-records.ts";
export { findPlannedTasks } from "./planned-tasks.ts";
export { findDeployState, listRowPages, loadRowPage, type RowsInput, type RowsOwner } from "./rows.ts";
