import { Type } from "typebox";
import { defineServerCommand } from "../client/server-command.ts";
import { tellMachine, tellMachineStatus } from "../client/tell-machine.ts";
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
    machine: Type.String({ minLength: 1, maxLength: 255, completes: "machine", description: "The machine's name." }),
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
