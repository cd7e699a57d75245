import type { ParseMachineOptions } from "@stackyard/core/machine";

/** One fault of a document. */
export type Problem = ReturnType<typeof import("@stackyard/core/machine").parseMachine>["problems"][number];

/** Executors that machines may name, besides the built-in ones. */
export type ExecutorRegistry = NonNullable<ParseMachineOptions["executors"]>;
