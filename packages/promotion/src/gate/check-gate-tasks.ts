import { type DocumentConfig, isMap, type TasksReport } from "@stackyard/core";
import { findSenderFault } from "../deploy/check-deploy-tasks.ts";

/** Checks what the gates of a machine name: tasks that they soak, and states in which a turn is kept. */
export function checkGateTasks(configs: ReadonlyMap<string, DocumentConfig>, report: TasksReport): void {
  for (const [task, config] of configs) {
    checkConsumers(task, config, report);
    checkSoak(task, config, report);
    checkTurn(task, config, report);
  }
}

/** Without a condition a gate would open at once. */
function checkConsumers(task: string, config: DocumentConfig, report: TasksReport): void {
  const { consumers, artifacts } = config;
  if (consumers === undefined || artifacts !== undefined) return;
  const message = "consumers is for artifacts: name the versions that they must have, or remove it.";
  const isAlone = Object.keys(config).length === 1;
  report[isAlone ? "error" : "warn"]("gate-consumers", { task, path: ["consumers"] }, message);
}

/** A soak of a task that does not exist would wait for it until the task's time is over. */
function checkSoak(task: string, { soak }: DocumentConfig, report: TasksReport): void {
  const of = isMap(soak) ? soak["of"] : undefined;
  const why = typeof of === "string" ? findSenderFault(of, "soak.of", report) : undefined;
  if (why !== undefined) report.error("gate-soak", { task, path: ["soak", "of"] }, why);
}

/** In a state that is misspelled the turn would be lost, and another release would come between plan and arrival. */
function checkTurn(task: string, { turn }: DocumentConfig, report: TasksReport): void {
  const states = isMap(turn) && Array.isArray(turn["states"]) ? turn["states"] : [];
  const known = report.listStates();
  for (const [index, state] of states.entries()) {
    if (typeof state !== "string" || state.includes("${") || known.includes(state)) continue;
    const message = `turn.states names ${report.quote(state)}, which is not a state of this machine.${report.suggest(state, known)}`;
    report.error("gate-turn-state", { task, path: ["turn", "states", String(index)] }, message);
  }
}
