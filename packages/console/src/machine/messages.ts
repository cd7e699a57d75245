import type { Graph, Problem, SimulationLine } from "@stackyard/core/machine";
import type { NameKind, Operation, Plan, Range } from "./edits/operation.ts";
import type { Outline } from "./outline.ts";

/** A machine's text with its name. */
export interface MachineText {
  readonly name: string;
  readonly text: string;
}

/** An executor of the yard, with JSON Schemas of its config. */
export interface KnownExecutor {
  readonly name: string;
  readonly config?: JsonSchema;
  /** The schemas of the config in machines of the two versions. Without them, `config` applies. */
  readonly documents?: MachineSchemas;
}

/** The meaning of a text. Without a graph the machine has errors. */
export interface ParsedMachine {
  readonly problems: readonly Problem[];
  readonly outline?: Outline;
  readonly graph?: Graph;
}

/** A machine of version 1 as version 2, or why not. */
export interface UpgradedText {
  readonly text?: string;
  readonly problems: readonly Problem[];
}

/** A timer that fires next. */
export interface NextTimer {
  readonly event: string;
  /** When it fires, by the clock, ISO 8601. */
  readonly at: string;
  /** A step of a scenario that moves the clock there. */
  readonly step: { readonly advance: string };
}

/** Something that can happen next in a scenario. */
export interface NextStep {
  /** What happens, such as `app succeeds`. It ends in an ellipsis when it needs more input. */
  readonly title: string;
  /** The steps that let it happen; none when more must be entered. */
  readonly steps: readonly unknown[];
  /** The arrows that it takes, by index. */
  readonly edges: readonly number[];
  /** The input that it needs: how a task ends, or what an event brings. */
  readonly form?: { readonly kind: "answer" | "event"; readonly name: string };
}

/** A scenario that was played. */
export interface Simulated {
  readonly lines: readonly SimulationLine[];
  /** The time of the clock, ISO 8601. */
  readonly now: string;
  /** The time of the clock before the first step, ISO 8601. */
  readonly start: string;
  /** The timers that fire in the present state, in order. */
  readonly timers: readonly NextTimer[];
  /** What can happen next to the stack of the last step, the most likely first. */
  readonly can: readonly NextStep[];
  /** The number of times that each arrow of the first machine's graph was taken, by its index. */
  readonly edges: readonly number[];
  /** The number of entries of each state. */
  readonly states: Readonly<Record<string, number>>;
  /** When each step was over, by the clock, ISO 8601. */
  readonly times: readonly string[];
  /** The number of its arrows that were taken. */
  readonly tried: number;
  /** The number of arrows to take. */
  readonly total: number;
}

/** The further effects of a deletion, and what prevents it. */
export interface Removals {
  readonly removed: readonly (Range & { readonly path: string })[];
  readonly blocked: readonly Range[];
}

/** A graph of a machine as a text that other programs draw. */
export type ExportFormat = "mermaid" | "dot";

/** JSON Schemas of machines of both versions. */
export interface MachineSchemas {
  readonly v1: JsonSchema;
  readonly v2: JsonSchema;
}

/** JSON Schema, as far as completion and forms read it. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  /** The expected form of a text, such as `a duration such as 30s`. Executors describe their patterns with it. */
  readonly expected?: string;
  readonly type?: string | readonly string[];
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  /** Keys that are possible only with others. */
  readonly dependentRequired?: Readonly<Record<string, readonly string[]>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
}

/** The tasks of the worker, by name: their inputs and results. */
export interface Tasks {
  readonly parse: {
    /** Without executors any name is accepted, and configs are not checked. */
    readonly in: MachineText & { readonly executors?: readonly KnownExecutor[] };
    readonly out: ParsedMachine;
  };
  readonly plan: { readonly in: { readonly text: string; readonly operation: Operation }; readonly out: Plan };
  readonly removals: {
    readonly in: { readonly text: string; readonly what: NameKind; readonly name: string };
    readonly out: Removals;
  };
  /** Expressions with texts that equal a name. */
  readonly literals: { readonly in: { readonly text: string; readonly name: string }; readonly out: readonly Range[] };
  readonly schemas: { readonly in: undefined; readonly out: MachineSchemas };
  /** The executors that Stackyard contains. */
  readonly executors: { readonly in: undefined; readonly out: readonly KnownExecutor[] };
  readonly upgrade: { readonly in: MachineText; readonly out: UpgradedText };
  readonly export: {
    readonly in: MachineText & {
      readonly format: ExportFormat;
      readonly vertical: boolean;
    };
    readonly out: string;
  };
  readonly simulate: {
    readonly in: {
      /** The first one's graph is what is tried. */
      readonly machines: readonly MachineText[];
      /** The revisions that `load` steps name. */
      readonly revisions: readonly (MachineText & { readonly file: string })[];
      readonly steps: readonly unknown[];
    };
    readonly out: Simulated;
  };
}

/** To the worker. */
export type WorkerRequest = {
  readonly [Kind in keyof Tasks]: { readonly id: number; readonly kind: Kind; readonly input: Tasks[Kind]["in"] };
}[keyof Tasks];

/** From the worker. The first message says that it has been loaded. */
export type WorkerAnswer =
  | { readonly kind: "ready" }
  | { readonly id: number; readonly output: unknown }
  | { readonly id: number; readonly error: string };
