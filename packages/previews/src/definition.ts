import type { Executor } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { findQuotaFault } from "./find-quota-fault.ts";

const closed = { additionalProperties: false };

/** A preview may wait for a place, or be idle, for so long. */
const LONGEST_WAIT_MS = 400 * 86_400_000;

const Hold = Type.Object(
  {
    key: Type.String({
      pattern: "^[!-~]{1,128}$",
      description: "What is limited, such as `team-shop`; one of the option `quotas` must fit it",
    }),
    weight: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1e9, description: "How much of the capacity is used. Default: 1" }),
    ),
  },
  closed,
);

/** What a task takes of which quotas, or that it returns everything. */
export const QuotaConfig = Type.Object(
  {
    holds: Type.Optional(Type.Array(Hold, { minItems: 1, maxItems: 10, description: "What the stack takes" })),
    onFull: Type.Optional(
      Type.Union([Type.Literal("wait"), Type.Literal("refuse"), Type.Literal("evict")], {
        description: "What the task does when a quota is full. Default: `wait`",
      }),
    ),
    evictEvent: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: "With `onFull: evict`: the event that the oldest holder is sent",
      }),
    ),
    release: Type.Optional(Type.Literal(true, { description: "Instead of `holds`: return what the stack holds" })),
  },
  closed,
);
export type QuotaConfig = Static<typeof QuotaConfig>;

/** What a waiting task keeps. */
export const QuotaProgress = Type.Object({ since: Type.Number() });

/** What engine, validator and editor need to know of the executor `quota`. */
export const quotaDefinition = {
  name: "quota",
  config: QuotaConfig,
  progress: QuotaProgress,
  resumable: true,
  cancelWithin: "1m",
  timeout: (): number => LONGEST_WAIT_MS,
  checkTasks(configs, report) {
    for (const [task, config] of configs) {
      const fault = findQuotaFault(config);
      if (fault !== undefined) report.warn("quota-config", { task, path: [] }, `${fault} The task fails.`);
    }
  },
} as const satisfies Omit<Executor, "start">;

/** What a project may set for this plugin. */
export const PreviewsOptions = Type.Object(
  {
    quotas: Type.Optional(
      Type.Record(Type.String({ minLength: 1, maxLength: 128 }), Type.Number({ minimum: 0, maximum: 1e12 }), {
        maxProperties: 1_000,
        description:
          "Capacities by key; a star fits any characters. An exact key counts first, then the first that fits.",
      }),
    ),
  },
  closed,
);
export type PreviewsOptions = Static<typeof PreviewsOptions>;
