import type { MachineDetails, MachineSummary } from "@stackyard/sdk";
import { Type } from "typebox";
import { defineServerCommand } from "../client/server-command.ts";
import type { Output } from "../shell/output.ts";
import { toTable } from "../shell/table.ts";
import { tellProblems } from "../shell/tell-problems.ts";

/** `stackyard machines ls` */
export const machinesLs = defineServerCommand({
  name: "machines ls",
  summary: "List the machines that the server knows, with their problems.",
  examples: [{ command: "stackyard machines ls --json", what: "One JSON object a machine." }],
  args: Type.Object({}),
  async run({ out, yard, signal }) {
    const machines = await yard.machines.list({ signal });
    for (const machine of machines) {
      out.result(machine, () => {
        const { name, status, hash = "", origin, problems } = machine;
        const head = [
          tellMachineStatus(status, out),
          out.paint("bold", name),
          out.paint("dim", hash.slice(0, 12)),
          origin,
        ];
        return [head.join("  "), ...tellProblems(problems, out)].join("\n");
      });
    }
    if (machines.length === 0) out.note("There is no machine; put one into the project's machines folder.");
    return 0;
  },
});

/** `stackyard machines show` */
export const machinesShow = defineServerCommand({
  name: "machines show",
  summary: "Show a machine: events, states, tasks.",
  examples: [
    { command: "stackyard machines show review-app", what: "What it declares." },
    { command: "stackyard machines show review-app --source", what: "The document itself." },
  ],
  args: Type.Object({
    machine: Type.String({ minLength: 1, maxLength: 255, description: "The machine's name." }),
    source: Type.Optional(Type.Boolean({ description: "Print the document." })),
  }),
  positionals: ["machine"],
  async run({ out, yard, signal }, { machine: name, source = false }) {
    const machine = await yard.machines.get(name, { signal });
    if (source && !out.json) out.text(machine.source ?? "");
    else out.result(machine, () => tellMachine(machine, out));
    return 0;
  },
});

function tellMachineStatus(status: MachineSummary["status"], out: Pick<Output, "paint">): string {
  return out.paint(status === "valid" ? "green" : status === "stale" ? "yellow" : "red", status);
}

function tellMachine({ name, status, hash, events, states, tasks, problems }: MachineDetails, out: Output): string {
  const stateRows = states.map((state) => [
    `  ${state.name}${state.terminal ? " (terminal)" : ""}`,
    state.tasks.length === 0 ? "" : `tasks ${state.tasks.join(", ")}`,
    state.on.length === 0 ? "" : `on ${state.on.join(", ")}`,
  ]);
  return [
    `${out.paint("bold", name)}  ${tellMachineStatus(status, out)}  ${out.paint("dim", hash ?? "")}`,
    ...tellProblems(problems, out),
    `events  ${events.join(", ")}`,
    "states",
    toTable(stateRows),
    "tasks",
    toTable(tasks.map((task) => [`  ${task.name}`, task.executor ?? ""])),
  ].join("\n");
}
