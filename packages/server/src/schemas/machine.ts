import { defined, type LocatedMachine, type MachineListing } from "@stackyard/core";
import type { MachineDetails, MachineSummary } from "@stackyard/core/api";
/** Converts a machine to a row of the list. */
export function toMachineSummary({ name, located, origin }: MachineListing): MachineSummary {
  return { ...toFields(name, located), origin };
}

/** Converts a machine with its parts. Lists are empty when no revision can be used. */
export function toMachineDetails(name: string, located: LocatedMachine): MachineDetails {
  const fields = toFields(name, located);
  if (located.kind !== "found") return { ...fields, events: [], states: [], tasks: [] };
  const { machine, revision } = located;
  return {
    ...fields,
    version: machine.version,
    revision: machine.revision,
    events: [...machine.events],
    states: [...machine.states.values()].map((state) => toState(machine, state)),
    tasks: [...machine.tasks.values()].map(toTask),
    ...(machine.version === 2 && { metadata: toMetadataRules(machine) }),
    source: revision.source,
  };
}

type Machine = Extract<LocatedMachine, { readonly kind: "found" }>["machine"];
type State = Machine["states"] extends ReadonlyMap<string, infer Value> ? Value : never;
type Task = Machine["tasks"] extends ReadonlyMap<string, infer Value> ? Value : never;

function toState({ version }: Machine, state: State): MachineDetails["states"][number] {
  const { name, terminal, tasks, on, timeoutMs, after, leaving } = state;
  return {
    name,
    terminal,
    tasks,
    on: [...on.keys()],
    ...defined({ timeoutMs }),
    ...(after.length > 0 && { after: after.map(toAfter) }),
    ...(version === 2 && { leaving }),
    ...(state.protected && { protected: true }),
    ...(state.approved.length > 0 && { approved: state.approved }),
  };
}

type After = NonNullable<MachineDetails["states"][number]["after"]>[number];

function toAfter(timer: State["after"][number]): After {
  const { event } = timer;
  switch (timer.kind) {
    case "in":
      return { event, inMs: timer.inMs };
    case "at":
      return { event, at: timer.at.source };
    case "cron":
      return { event, ...timer.repeats };
  }
}

function toTask({ name, executor, target, needs }: Task): MachineDetails["tasks"][number] {
  return {
    name,
    ...defined({ executor, target }),
    ...(needs.length > 0 && { needs }),
  };
}

function toMetadataRules({ metadata, requiredMetadata }: Machine): NonNullable<MachineDetails["metadata"]> {
  const keys = [...metadata.keys].map(([name, rule]) => ({
    name,
    ...defined({
      type: rule.type,
      default: rule.default,
      pattern: rule.pattern?.source,
      enum: rule.enum,
      minimum: rule.minimum,
      maximum: rule.maximum,
    }),
    ...(rule.required && { required: true as const }),
    ...(rule.sensitive && { sensitive: true as const }),
    ...(rule.immutable && { immutable: true as const }),
    ...(rule.readOnly && { readOnly: true as const }),
  }));
  return { keys, additional: metadata.additional, requiredBy: Object.fromEntries(requiredMetadata) };
}

function toFields(name: string, located: LocatedMachine): Omit<MachineSummary, "origin"> {
  const problems = located.kind === "unknown" ? [] : located.problems;
  if (located.kind !== "found") return { name, status: "invalid", problems };
  const hasErrors = problems.some(({ severity }) => severity === "error");
  return { name, status: hasErrors ? "stale" : "valid", hash: located.machine.hash, problems };
}
