import { formatDuration } from "@stackyard/core/machine";
import type { MachineDetails, MachineSummary } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import type { Output } from "../shell/output.ts";
import { tellProblems } from "../shell/tell-problems.ts";

/** Whether a machine can be used, in colour. */
export function tellMachineStatus(status: MachineSummary["status"], out: Pick<Output, "paint" | "columns">): string {
  return out.paint(status === "valid" ? "green" : status === "stale" ? "yellow" : "red", status);
}

/** A machine for a reader: its problems, events, states and tasks. */
export function tellMachine(machine: MachineDetails, out: Pick<Output, "paint" | "columns">): string {
  const { name, status, hash, events, states, tasks, problems } = machine;
  return [
    `${out.paint("bold", name)}  ${tellMachineStatus(status, out)}  ${out.paint("dim", hash ?? "")}`,
    ...tellProblems(problems, out),
    ...tellVersion(machine),
    `events  ${events.join(", ")}`,
    "states",
    formatTable(states.map(toStateRow), { columns: out.columns, keepLast: true }),
    "tasks",
    formatTable(tasks.map(toTaskRow), { columns: out.columns, keepLast: true }),
  ].join("\n");
}

function tellVersion({ version, revision }: MachineDetails): readonly string[] {
  if (version === undefined) return [];
  const kept =
    revision === "pin" ? "stacks keep the revision that they began with" : "stacks follow the newest revision";
  return [`version ${version}, ${kept}`];
}

function toStateRow({ name, terminal, tasks, on, ...state }: MachineDetails["states"][number]): readonly string[] {
  const time = (state.after ?? []).map(({ inMs, event }) => `${event} after ${formatDuration(inMs)}`);
  if (state.timeoutMs !== undefined) time.unshift(`TIMEOUT after ${formatDuration(state.timeoutMs)}`);
  const marks = [terminal ? ["terminal"] : [], state.protected ? ["protected"] : []].flat();
  return [
    `  ${name}${marks.length > 0 ? ` (${marks.join(", ")})` : ""}`,
    tasks.length === 0 ? "" : `tasks ${tasks.join(", ")}`,
    on.length === 0 ? "" : `on ${on.join(", ")}`,
    time.join(", "),
    // What v2 does without being told is not worth a word.
    state.leaving === undefined || state.leaving === "wait" ? "" : `leaving: ${state.leaving}`,
  ];
}

function toTaskRow({ name, executor = "", target, needs = [] }: MachineDetails["tasks"][number]): readonly string[] {
  return [
    `  ${name}`,
    executor,
    target === undefined ? "" : `target ${target}`,
    needs.length === 0 ? "" : `needs ${needs.join(", ")}`,
  ];
}
