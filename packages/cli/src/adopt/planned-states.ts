import { isMap } from "@stackyard/core";
import type { MachineDetails } from "@stackyard/core/api";
import { parseYamlDocument } from "@stackyard/core/machine";
import { type TerraformConfig, terraformDefinition } from "@stackyard/executor-terraform";
import { type Static, Type } from "typebox";
import { failWith } from "../failure.ts";
import { STACK_MARK } from "./state-source.ts";

/** An address of a state, of the named task, or of the only configuration. */
export interface GivenState {
  readonly task: string | undefined;
  readonly from: string;
}

/** An old state, and the key under which the yard has it. */
export interface PlannedState {
  readonly from: string;
  readonly key: string;
}

const MachineTasks = Type.Object({
  tasks: Type.Optional(
    Type.Record(Type.String(), Type.Object({ executor: Type.String(), config: Type.Optional(Type.Unknown()) })),
  ),
});
type MachineTasks = NonNullable<Static<typeof MachineTasks>["tasks"]>;

function tasksOf({ source = "" }: MachineDetails): MachineTasks {
  return parseYamlDocument(source, MachineTasks).value?.tasks ?? {};
}

/** Reads `--from` of a stack: `ADDRESS`, or `TASK=ADDRESS` for a task of the machine. */
export function parseGiven(machine: MachineDetails, texts: readonly string[], stack: string): readonly GivenState[] {
  const names = Object.keys(tasksOf(machine));
  return texts.map((text) => {
    const task = names.find((name) => text.startsWith(`${name}=`));
    const from = task === undefined ? text : text.slice(task.length + 1);
    return { task, from: from.replaceAll(STACK_MARK, stack) };
  });
}

interface AssignInput {
  readonly stack: string;
  readonly machine: MachineDetails;
  /** The state that the stack would enter. */
  readonly to: string | undefined;
  readonly given: readonly GivenState[];
}

/**
 * Pairs each configuration that the entered state plans with its old state. Refuses (`OUTCOME_NEGATIVE`) a state that does
 * anything else, and a configuration without exactly one old state.
 */
export function assignStates(input: AssignInput): readonly PlannedState[] {
  const { machine, to, given } = input;
  const tasks = listPlans(input);
  const keys = Map.groupBy(tasks.keys(), (task) => tasks.get(task) ?? "");
  const place = `The state ${to} of "${machine.name}"`;
  const unknown = given.find(({ task }) => task !== undefined && !tasks.has(task));
  if (unknown !== undefined) throw refusal(`${place} has no plan "${unknown.task}".`);
  return [...keys].map(([key, names]) => {
    const [own, ...others] = given.filter(({ task }) => (task === undefined ? keys.size === 1 : names.includes(task)));
    if (own === undefined) {
      const example = [...keys.values()].map(([name]) => `--from ${name}=ADDRESS`).join(" ");
      throw refusal(`${place} plans several configurations. Give each of them its state: ${example}.`);
    }
    if (others.length > 0) throw refusal(`Several states were given for the plan "${names[0]}".`);
    return { from: own.from, key };
  });
}

/** Returns the keys of the states that the tasks of the entered state plan with. */
function listPlans({ stack, machine, to }: AssignInput): ReadonlyMap<string, string> {
  const names = machine.states.find(({ name }) => name === to)?.tasks ?? [];
  const place = `The state ${to} of "${machine.name}"`;
  const rule = "What is adopted begins with a state that only plans.";
  if (names.length === 0) throw refusal(`${place} has no plan. ${rule}`);
  const tasks = tasksOf(machine);
  return new Map(
    names.map((name) => {
      const { executor, config } = tasks[name] ?? {};
      const isPlan = executor === "terraform" && isMap(config) && config["action"] === "plan";
      if (!isPlan) throw refusal(`${place} runs "${name}", which is not a plan of Terraform. ${rule}`);
      return [name, toKey(stack, machine.name, config)] as const;
    }),
  );
}

function toKey(stack: string, machine: string, config: unknown): string {
  const key = terraformDefinition.exclusiveKey({ machine, stackId: stack }, config as TerraformConfig);
  // An expression has its value only when the task runs.
  if (key === undefined || key.includes("${"))
    throw refusal(`The source of the plan in "${machine}" depends on values of the stack, so its key is not known.`);
  return key;
}

/** Returns the error that refuses a stack. */
export function refusal(message: string): Error {
  return failWith("OUTCOME_NEGATIVE", message);
}
