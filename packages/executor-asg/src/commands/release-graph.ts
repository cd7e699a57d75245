import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import { RELEASE_MACHINES } from "../machine/release-machine.ts";
import type { ReleaseMachine, ReleaseRow } from "../machine/release-row.ts";
import { toReleaseStateMachine } from "../machine/release-state-machine.ts";
import { toConstants } from "./open-place.ts";
import { presetArg } from "./release-args.ts";
import type { ReleaseCommandSpec } from "./release-command.ts";

const Args = Type.Object({
  format: Type.Optional(
    Type.Union([Type.Literal("text"), Type.Literal("mermaid"), Type.Literal("asl")], {
      description: "A table (default), a Mermaid diagram, or the definition for Step Functions.",
    }),
  ),
  function: Type.Optional(
    Type.String({ minLength: 1, placeholder: "arn", description: "Of asl: the deployer's function." }),
  ),
  preset: presetArg,
});

/** `release graph`: the states of a release. */
export const releaseGraph: ReleaseCommandSpec<typeof Args> = {
  name: "release graph",
  summary: "Show the states of a release: as a table, as a diagram, or as a definition for Step Functions.",
  examples: [{ command: "stackyard release graph --format asl --preset odin", what: "What `odin json` printed" }],
  args: Args,
  async run(context, { format = "text", function: functionArn = FUNCTION, ...words }) {
    const { generation } = toConstants(context, words);
    const machine = RELEASE_MACHINES[generation];
    const edges = listEdges(machine);
    if (format === "asl") {
      const definition = toReleaseStateMachine({ functionArn, generation });
      context.out.result(definition, () => JSON.stringify(definition, null, 2));
    } else
      context.out.result({ edges }, () =>
        format === "mermaid" ? toMermaid(edges) : toTable(machine, edges, context.out.columns),
      );
    return 0;
  },
};

/** To be replaced, unless --function says it. */
const FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:stackyard-releases";

interface Edge {
  readonly from: string;
  readonly to: string;
  /** Empty: when the state is done. */
  readonly on: string;
}

function listEdges(machine: ReleaseMachine): readonly Edge[] {
  return Object.entries(machine).flatMap(([from, row]) => toEdges(row).map((edge) => ({ from, ...edge })));
}

function toEdges(row: ReleaseRow): readonly Omit<Edge, "from">[] {
  switch (row.kind) {
    case "task":
      return [
        { to: row.next, on: "" },
        ...row.catches.map(({ errors, next }) => ({ to: next, on: errors === "all" ? "error" : errors.join(", ") })),
      ];
    case "wait":
      return [{ to: row.next, on: "" }];
    case "choice":
      return [
        { to: row.healthy, on: "healthy" },
        { to: row.unhealthy, on: "not yet" },
        { to: row.otherwise, on: "neither" },
      ];
    case "end":
      return [];
  }
}

function toMermaid(edges: readonly Edge[]): string {
  const id = (name: string) => name.replaceAll("?", "");
  const lines = edges.map(({ from, to, on }) => `  ${id(from)} --> ${id(to)}${on === "" ? "" : `: ${on}`}`);
  return ["stateDiagram-v2", `  [*] --> Validate`, ...lines].join("\n");
}

function toTable(machine: ReleaseMachine, edges: readonly Edge[], columns: number | undefined): string {
  const rows = Object.entries(machine).map(([name, row]) => {
    const own = edges.filter(({ from }) => from === name);
    const next = own.filter(({ on }) => on === "").map(({ to }) => to);
    const other = own.filter(({ on }) => on !== "").map(({ on, to }) => `${on} → ${to}`);
    return [name, toKind(row), next.join(", "), other.join(", ")];
  });
  return formatTable([["STATE", "KIND", "NEXT", "ELSE"], ...rows], { columns });
}

function toKind(row: ReleaseRow): string {
  if (row.kind !== "wait") return row.kind;
  return `wait ${typeof row.seconds === "number" ? `${row.seconds}s` : row.seconds}`;
}
