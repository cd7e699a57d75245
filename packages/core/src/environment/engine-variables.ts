import { type Static, Type } from "typebox";
import { AUDIT_RETENTION_DAYS } from "../access/audit-entry.ts";
import { DURATION_PATTERN, parseDuration } from "../machine/document/duration.ts";

/** The variables of the engine, which every app that decides events reads. */
export const EngineVariables = Type.Object({
  REFUSED_EVENTS: Type.Enum(["park", "redeliver", "drop"], {
    description:
      "What happens to events that a stack refuses for now: `park` retries them, `drop` only records them, `redeliver` leaves them in the queue, as CloudSeam did (not with FIFO queues)",
    default: "park",
  }),
  REFUSED_EVENTS_KEEP: Type.String({
    description: "How long a parked event is retried, such as `90m`",
    pattern: DURATION_PATTERN,
    expected: "a duration such as 90m",
    default: "1h",
  }),
  AUTOMATIC_TRANSITIONS_PER_HOUR: Type.Integer({
    description: "Entries of a stack that results and timers may cause within an hour before it is stalled",
    minimum: 1,
    maximum: 999_999_999,
    expected: "a whole number above 0",
    default: 1_000,
  }),
  HISTORY_RETENTION_DAYS: Type.Integer({
    description: "How many days the history of stacks is kept",
    minimum: 1,
    maximum: 99_999,
    expected: "a whole number of days above 0",
    default: 30,
  }),
  AUDIT_RETENTION_DAYS: Type.Integer({
    description: "How many days lines of the audit log are kept",
    minimum: AUDIT_RETENTION_DAYS.least,
    maximum: AUDIT_RETENTION_DAYS.most,
    expected: "a whole number of days from 30 to 3650",
    default: AUDIT_RETENTION_DAYS.default,
  }),
  ALLOW_EXTERNAL_NEXT: Type.Boolean({
    description: "`true` accepts the event `NEXT` from outside, as CloudSeam did",
    default: false,
  }),
});
export type EngineVariables = Static<typeof EngineVariables>;

const DAY_MS = 86_400_000;

/** The options of a yard in these variables. */
export interface EngineSettings {
  readonly engine: {
    readonly refusedEvents: EngineVariables["REFUSED_EVENTS"];
    readonly parking: { readonly keepMs: number };
    readonly limits: { readonly automaticEntriesPerHour: number };
    readonly allowExternalNext: boolean;
  };
  readonly retention: { readonly historyMs: number; readonly auditMs: number };
}

/** Returns the options of the engine and the retention of history. */
export function toEngineSettings(variables: EngineVariables): EngineSettings {
  return {
    engine: {
      refusedEvents: variables.REFUSED_EVENTS,
      parking: { keepMs: parseDuration(variables.REFUSED_EVENTS_KEEP) ?? 3_600_000 },
      limits: { automaticEntriesPerHour: variables.AUTOMATIC_TRANSITIONS_PER_HOUR },
      allowExternalNext: variables.ALLOW_EXTERNAL_NEXT,
    },
    retention: {
      historyMs: variables.HISTORY_RETENTION_DAYS * DAY_MS,
      auditMs: variables.AUDIT_RETENTION_DAYS * DAY_MS,
    },
  };
}
