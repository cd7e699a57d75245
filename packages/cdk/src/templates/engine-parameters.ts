import { optional, type ParameterDefinition } from "./parameter-forms.ts";

const EXECUTOR = "[a-z][a-z0-9-]{0,62}";

/** Settings of the state manager's decisions, with its own defaults. */
export const ENGINE_PARAMETERS = {
  Executors: {
    group: "Decisions",
    description:
      "Executors of runners of your own, by commas, such as delay,ecs: machines may name them. Empty: terraform and lambda alone.",
    ...optional(`${EXECUTOR}( *, *${EXECUTOR}){0,63}`, "Names of executors with commas between them, or nothing."),
  },
  RefusedEvents: {
    group: "Decisions",
    description:
      "What becomes of events that a stack refuses for the present; redeliver, as CloudSeam does, not with EventOrder fifo.",
    default: "park",
    values: ["park", "redeliver", "drop"],
  },
  RefusedEventsKeep: {
    group: "Decisions",
    description: "How long a parked event is tried again, such as 90m.",
    default: "1h",
    pattern: "^[1-9][0-9]{0,8}(ms|s|m|h|d)$",
    constraint: "A duration such as 90m.",
  },
  AutomaticTransitionsPerHour: {
    group: "Decisions",
    description: "Entries of a stack that results and timers may cause within an hour before it is stopped.",
    type: "Number",
    default: 1000,
    min: 1,
    max: 999_999_999,
  },
  HistoryRetentionDays: {
    group: "Decisions",
    description: "Days that the history of stacks is kept.",
    type: "Number",
    default: 30,
    min: 1,
    max: 99_999,
  },
  AllowExternalNext: {
    group: "Decisions",
    description: "true lets the event NEXT in from outside, as CloudSeam did.",
    default: "false",
    values: ["true", "false"],
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
