import { type TSchema, Type } from "typebox";
import { ADVICE_TO_UPGRADE } from "../document/check-document.ts";
import { adviseQuotes, closedMap, type Fault, listKeys, must, namedMap, RULE } from "../document/check-structure.ts";
import { MACHINE_LIMITS, suggestOrList } from "../document/compile-context.ts";
import { type Field, findText, isMapField } from "../document/tree.ts";
import { quote } from "../document/wording.ts";
import type { ExecutorDefinition } from "../executor-definition.ts";
import { NEXT } from "../machine.ts";
import {
  ACTION_MISFIT,
  AdvancePart,
  AnyConfig,
  machineV2Schema,
  NoOpPart,
  STATE_MISFIT,
  STATE_NAME_RULE,
  STATE_TASK_RULE,
  STATE_TASKS_RULE,
  StatePart,
  TASK_RULE,
  TASKS_MISFIT,
  TaskPart,
} from "../v2/machine-v2-schema.ts";
import { adviseTopLevel, statesOf, toMachineOptions } from "../v2/schema-parts.ts";

const NAME = "^[A-Z0-9-]+$";

const WHOLE_NAME = new RegExp(NAME);

/** Returns true for names that events and states may have: capitals, digits and hyphens. */
export function isUpperName(name: string): boolean {
  return WHOLE_NAME.test(name);
}

function explainUpperName(name: string): string {
  if (name === "") return "It is empty.";
  const proposal = name.toUpperCase().replaceAll(/[\s_.]+/g, "-");
  const example = isUpperName(proposal) ? ` Write ${quote(proposal)}.` : "";
  return `Only capitals, digits and hyphens are allowed.${example}`;
}

function findStateNameFault(name: string): Fault | undefined {
  if (isUpperName(name)) return undefined;
  return { code: "state-name-pattern", message: `${quote(name)} is not a state name. ${explainUpperName(name)}` };
}

const refuseEvent = must("event-not-string", "a name", { subject: "An event", advice: adviseQuotes });

function findEventFault(field: Field): Fault | undefined {
  const name = findText(field);
  if (name === undefined) return refuseEvent(field);
  if (name === NEXT) {
    return { code: "event-reserved", message: "NEXT is reserved: the engine sends it itself. Remove it from events." };
  }
  if (isUpperName(name)) return undefined;
  return { code: "event-name-pattern", message: `${quote(name)} is not an event name. ${explainUpperName(name)}` };
}

/** Returns advice for an unknown key: to upgrade, if version 2 has it. */
function adviseUpgrade(newer: TSchema, otherwise = suggestOrList) {
  return (key: string, known: readonly string[]) =>
    listKeys(newer).includes(key) ? ADVICE_TO_UPGRADE : otherwise(key, known);
}

const StateName = Type.String({ pattern: NAME, [RULE]: STATE_NAME_RULE });

const ACTION_RULE = { misfit: ACTION_MISFIT };

const closed = { code: "action-unknown-key", owner: "an action", advise: adviseUpgrade(AdvancePart) };

const Advance = closedMap({ action: Type.Literal("advance", { [RULE]: ACTION_RULE }), state: StateName }, { closed });

const NoOp = closedMap(
  { action: Type.Literal("no-op", { [RULE]: ACTION_RULE }) },
  { closed: { ...closed, owner: "a no-op", advise: adviseUpgrade(NoOpPart) } },
);

const Nothing = closedMap({ state: Type.Optional(StateName) }, { closed });

const Action = Type.Union([Advance, NoOp, Nothing], {
  description: "What happens; several are done in order.",
  [RULE]: { misfit: must("action-not-map", "a map such as {action: advance, state: NAME}", { subject: "An action" }) },
});

function findHandlerFault(field: Field): Fault | undefined {
  if (field.node.kind === "list") return undefined;
  const advice = findText(field) === undefined ? ' Put "- " before the action.' : ADVICE_TO_UPGRADE;
  return must("handler-not-list", "a list of actions", { subject: "A handler", advice })(field);
}

const State = closedMap(
  {
    terminal: Type.Optional(
      Type.Union([Type.Boolean(), Type.Literal("true"), Type.Literal("false")], {
        description: "The stack is removed when the state's tasks have succeeded.",
        [RULE]: { misfit: must("terminal-not-boolean", "true or false") },
      }),
    ),
    tasks: Type.Optional(
      Type.Array(Type.String({ [RULE]: STATE_TASK_RULE }), {
        description: "Names of tasks to run when the state is entered.",
        [RULE]: STATE_TASKS_RULE,
      }),
    ),
    on: Type.Optional(
      namedMap(NAME, Type.Array(Action, { [RULE]: { check: findHandlerFault } }), {
        description: "Events that the state handles; NEXT comes when its tasks have succeeded.",
        [RULE]: { misfit: must("on-not-map", "a map from events to lists of actions") },
      }),
    ),
  },
  {
    misfit: STATE_MISFIT,
    closed: { code: "state-unknown-key", owner: "a state", advise: adviseUpgrade(StatePart) },
  },
);

/** Returns the schema of a task; tasks of executors without a schema may have any config. */
function createTaskSchema(executors: Iterable<ExecutorDefinition>): TSchema {
  const known = [...executors].flatMap(({ name, documentSchemas }) =>
    documentSchemas?.v1 === undefined ? [] : [{ name, config: documentSchemas.v1 }],
  );
  const rule = { ...TASK_RULE, closed: { ...TASK_RULE.closed, advise: adviseUpgrade(TaskPart) } };
  if (known.length === 0) {
    // That the executor exists is checked later, with the nearest name.
    const executor = Type.Optional(Type.String({ minLength: 1, [RULE]: { check: () => undefined } }));
    return closedMap({ executor, config: Type.Optional(AnyConfig) }, rule);
  }
  const names = known.map(({ name }) => name).join("|");
  // Other executors, and the configs that they accept, are known only in a yard.
  const other = Type.String({ minLength: 1, pattern: `^(?!(?:${names})$)` });
  return Type.Union([
    ...known.map(({ name, config }) =>
      closedMap({ executor: Type.Literal(name), config: Type.Optional(config) }, rule),
    ),
    closedMap({ config: Type.Optional(Type.Union(known.map(({ config }) => config))) }, rule),
    closedMap({ executor: other, config: Type.Optional(AnyConfig) }, rule),
  ]);
}

const Events = Type.Array(Type.String({ pattern: "^(?!NEXT$)[A-Z0-9-]+$", [RULE]: { check: findEventFault } }), {
  uniqueItems: true,
  description: "Events that may come from outside.",
  [RULE]: {
    misfit: (field: Field) => {
      const advice = isMapField(field) ? ADVICE_TO_UPGRADE : " Without events write [].";
      return must("events-not-list", "a list of names", { advice })(field);
    },
    missing: {
      code: "events-required",
      message: "events is missing: a list of the events that may come. Without events write [].",
    },
  },
});

/**
 * Returns machines of version 1 as JSON Schema, for editors, with the configs of these executors. It accepts everything
 * that `parseMachine` accepts; names that must exist elsewhere in the document, duplicates and executors without
 * schemas for documents are beyond a schema.
 */
export function createMachineV1Schema(executors: Iterable<ExecutorDefinition> = []): TSchema {
  return Type.Object(
    {
      version: Type.Union([Type.Literal(1), Type.Literal("1")]),
      events: Events,
      states: statesOf(NAME, State, findStateNameFault),
      tasks: namedMap("[\\s\\S]", createTaskSchema(executors), {
        maxProperties: MACHINE_LIMITS.maxTasks,
        [RULE]: {
          name: (name: string) =>
            name === "" ? { code: "task-name-empty", message: "A task needs a name." } : undefined,
          misfit: TASKS_MISFIT,
          missing: {
            code: "tasks-required",
            message: "tasks is missing: a map of the machine's tasks. Without tasks write {}.",
          },
        },
      }),
    },
    toMachineOptions(1, adviseUpgrade(machineV2Schema, adviseTopLevel)),
  );
}

/** As `createMachineV1Schema`, with any config for any executor. */
export const machineV1Schema = createMachineV1Schema();
