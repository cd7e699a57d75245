import { defineCommand, defined, optionalInteger, optionalText, StackyardError } from "@stackyard/core";
import { formatTable, toCell } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import { readJson } from "../document/decode.ts";
import type { Release } from "../document/release.ts";
import { forecastRelease, type ReleaseForecast, type RolloutForecast } from "../plan/forecast.ts";
import { toLength } from "../plan/format-release.ts";
import { planOffline, type ServicePlan } from "../plan/plan-release.ts";
import type { ReleaseConstants } from "../presets.ts";
import { RELEASE_MACHINES, type ReleaseMachine, type ReleaseRow } from "../release-machine.ts";
import { toReleaseStateMachine } from "../step-functions.ts";
import { accountArgs, fileArg, presetArg, type ReleaseContext, toConstants } from "./place.ts";
import { formatProblems, formatWarnings, loadReleaseFile } from "./release-file.ts";

/** `asg plan`: shows sizes, steps and durations of a release, without an account. */
export const releasePlan = defineCommand({
  name: "asg plan",
  summary: "Show the capacities, steps and shortest duration of an ASG release. Does not need an account.",
  description: "Read-only, without network calls. Exit code 1: the file has problems.",
  examples: {
    [`stackyard asg plan shop.json --previous '{"web": 4}'`]: "Assuming four running instances of web",
  },
  args: Type.Object({
    file: fileArg,
    previous: optionalText('Desired capacities of the running groups, such as {"web": 4}. Default: no groups.', {
      minLength: 2,
      maxLength: 65_536,
      placeholder: "json",
    }),
    slowStart: optionalInteger("The longest slow start of the target groups.", {
      minimum: 0,
      maximum: 900,
      placeholder: "seconds",
    }),
    preset: presetArg,
    ...accountArgs,
  }),
  async run(context: ReleaseContext, args) {
    const { out } = context;
    const prepared = await loadReleaseFile(context, args.file, args);
    if (prepared.kind === "refused") {
      formatProblems(out, args.file, prepared.problems);
      return 1;
    }
    const { release, warnings } = prepared;
    const previous = parsePrevious(args.previous, release);
    const { generation } = toConstants(context, args);
    const forecast = forecastRelease(release, previous, defined({ generation, slowStartSeconds: args.slowStart }));
    const services = toServices(release, previous, { generation, forecast });
    formatWarnings(out, warnings);
    const { healthyAfterSeconds = null, doneAfterSeconds = null } = forecast;
    const { timeout: timeoutSeconds, wait_for_healthy: pollSeconds } = release;
    const timing = { healthyAfterSeconds, doneAfterSeconds, timeoutSeconds, pollSeconds };
    out.result({ file: args.file, services, timing, warnings, problems: [] }, () =>
      formatPlan(services, forecast, release),
    );
    return 0;
  },
});

/** Throws `USAGE`. */
function parsePrevious(text: string | undefined, { services }: Release): Readonly<Record<string, number>> {
  const shape = `--previous must be a JSON object of capacities, such as {"web": 4}.`;
  const read = readJson(text ?? "{}");
  const given = read.kind === "value" ? read.value : undefined;
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw new StackyardError("USAGE", shape);
  const entries = Object.entries({ ...given } as Readonly<Record<string, unknown>>).map(([name, capacity]) => {
    if (!Object.hasOwn(services, name)) {
      const known = Object.keys(services).join(", ");
      throw new StackyardError("USAGE", `Unknown service "${name}" in --previous. Services of the release: ${known}.`);
    }
    if (typeof capacity !== "number" || !Number.isSafeInteger(capacity) || capacity < 0)
      throw new StackyardError("USAGE", shape);
    return [name, capacity] as const;
  });
  return Object.fromEntries(entries);
}

interface PlannedService extends Omit<ServicePlan, "serviceId" | "previous" | "steps"> {
  /** Null: the group's name is chosen when it deploys. */
  readonly group: string | null;
  readonly previous: number | null;
  readonly steps: RolloutForecast["steps"];
  /** Null: not within the timeout. */
  readonly healthyAfterSeconds: number | null;
}

function toServices(
  release: Release,
  previous: Readonly<Record<string, number>>,
  { generation, forecast }: { readonly generation: ReleaseConstants["generation"]; readonly forecast: ReleaseForecast },
): readonly PlannedService[] {
  return planOffline(release, previous).map(({ service, serviceId, previous: before, steps: _steps, ...figures }) => ({
    service,
    // The first generation chooses names when it deploys.
    group: generation === "odin" ? serviceId : null,
    previous: before ?? null,
    ...figures,
    steps: forecast.services[service]?.steps ?? [],
    healthyAfterSeconds: forecast.services[service]?.healthyAfterSeconds ?? null,
  }));
}

function formatPlan(services: readonly PlannedService[], forecast: ReleaseForecast, release: Release): string {
  const head = ["SERVICE", "BEFORE", "DESIRED", "LAUNCHED", "HEALTHY", "MIN AT START", "MAX", "STRATEGY"];
  const rows = services.map((each) => {
    const { previous, desired, targetLaunched, targetHealthy, initial, strategy } = each;
    const before = previous === null ? "-" : String(previous);
    const figures = [desired, targetLaunched, targetHealthy, initial.min, initial.max].map(String);
    return [toCell(each.service, 40), before, ...figures, strategy];
  });
  const steps = services.map(({ service, steps: each, healthyAfterSeconds }) => {
    const sizes = each.map(({ afterSeconds, desired }) => `${desired} after ${toLength(afterSeconds)}`).join(", ");
    const end =
      healthyAfterSeconds === null ? "not within the timeout" : `healthy after ${toLength(healthyAfterSeconds)}`;
    return `${toCell(service, 40)}: ${sizes}; ${end}`;
  });
  const { doneAfterSeconds } = forecast;
  const done =
    doneAfterSeconds === undefined
      ? `It cannot finish within its timeout of ${toLength(release.timeout)}.`
      : `Done after ${toLength(doneAfterSeconds)} at the earliest; the timeout is ${toLength(release.timeout)}.`;
  return [formatTable([head, ...rows], { numbers: [1, 2, 3, 4, 5, 6] }), steps.join("\n"), done].join("\n\n");
}

/** `asg graph`: shows the states of a release. */
export const releaseGraph = defineCommand({
  name: "asg graph",
  summary: "Show the states of an ASG release: as a table, as a diagram, or as a definition for Step Functions.",
  examples: { "stackyard asg graph --format asl --preset odin": "What `odin json` printed" },
  args: Type.Object({
    format: Type.Optional(
      Type.Union([Type.Literal("text"), Type.Literal("mermaid"), Type.Literal("asl")], {
        description: "A table (default), a Mermaid diagram, or the definition for Step Functions.",
      }),
    ),
    function: optionalText("For asl: the ARN of the deployer's function.", { minLength: 1, placeholder: "arn" }),
    preset: presetArg,
  }),
  async run(context: ReleaseContext, { format = "text", function: functionArn = FUNCTION, ...words }) {
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
});

/** Placeholder, unless --function is given. */
const FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:stackyard-releases";

interface Edge {
  readonly from: string;
  readonly to: string;
  /** Empty: the transition when the state is done. */
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
