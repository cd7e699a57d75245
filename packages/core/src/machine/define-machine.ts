import type { Static, TSchema } from "typebox";
import { defined } from "./json.ts";
import type { MetadataValue } from "./stack.ts";
import type { EventPart, MetadataRulePart, RetryPart, TargetPart } from "./v2/machine-v2-schema.ts";

/** Marks the result of `defineMachine`. A text, because projects may contain two copies of this package. */
const KIND = "stackyard.machine";

/** The reaction of a state to an event, in the terms of version 1. */
type ActionDocument<State extends string> =
  | { readonly action: "advance"; readonly state: State }
  | { readonly action: "no-op" };

/** A state of a v1 document. */
interface StateDocument<Event extends string, State extends string, Task extends string> {
  readonly terminal?: boolean;
  readonly tasks?: readonly Task[];
  readonly on?: { readonly [Name in Event | "NEXT"]?: readonly ActionDocument<State>[] };
}

/** A task of a v1 document. */
interface TaskDocument {
  readonly executor: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A v1 document. */
export interface MachineDocument<Event extends string, State extends string, Task extends string> {
  readonly version: 1;
  readonly events: readonly Event[];
  readonly states: { readonly [Name in State]: StateDocument<NoInfer<Event>, NoInfer<State>, NoInfer<Task>> } & {
    readonly INIT: unknown;
  };
  readonly tasks: { readonly [Name in Task]: TaskDocument };
  readonly [extension: `x-${string}`]: unknown;
}

/** A document of any version. */
type AnyDocument<Event extends string, State extends string, Task extends string> =
  | MachineDocument<Event, State, Task>
  | MachineV2Document<Event, State, Task>;

/**
 * A machine written in TypeScript: the default export of a file in a machine folder, or an entry of a project's config.
 */
export interface DefinedMachine<
  Event extends string = string,
  State extends string = string,
  Task extends string = string,
  Document = AnyDocument<Event, State, Task>,
> {
  readonly kind: typeof KIND;
  /** Without it the file's name counts. */
  readonly name?: string;
  readonly document: Document;
}

/** The events that may be sent to stacks of a machine. */
export type EventOf<Machine extends { readonly document: { readonly events?: unknown } }> = NameIn<
  Machine["document"]["events"]
>;

type NameIn<Events> = Events extends readonly (infer Name extends string)[]
  ? Name
  : Events extends object
    ? Extract<keyof Events, string>
    : never;

interface Named {
  readonly name?: string;
}

/**
 * Types a machine for the compiler: a state, event, task or target that is not in the document is a type error. Checks
 * nothing at run time; `parseMachineDocument` does that.
 */
export function defineMachine<const Event extends string, const State extends string, const Task extends string>(
  machine: MachineDocument<Event, State, Task> & Named,
): DefinedMachine<Event, State, Task, MachineDocument<Event, State, Task>>;
export function defineMachine<
  const Event extends string = never,
  const State extends string = never,
  const Task extends string = never,
  const Target extends string = never,
>(
  machine: MachineV2Document<Event, State, Task, Target> & Named,
): DefinedMachine<Event, State, Task, MachineV2Document<Event, State, Task, Target>>;
export function defineMachine(machine: AnyDocument<string, string, string> & Named): DefinedMachine {
  const { name, ...document } = machine;
  return { kind: KIND, ...defined({ name }), document };
}

/** Returns the document of a machine from `defineMachine`; any other value is treated as a document itself. */
export function findMachineDocument(value: unknown): unknown {
  const isDefined = typeof value === "object" && value !== null && "kind" in value && value.kind === KIND;
  return isDefined && "document" in value ? value.document : value;
}

/** A length of time with its unit, such as `10m`. */
type DurationDocument = `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** A part of a v2 document, which may be a constant. */
type Part<Schema extends TSchema> = DeepReadonly<Static<Schema>>;

type DeepReadonly<Value> = { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> };

interface ReactionEntryParts<Event extends string> {
  readonly when?: string;
  readonly set?: Readonly<Record<string, MetadataValue>>;
  readonly raise?: Event;
}

/** One entry of a reaction; the first entry whose `when` is true is taken. */
type ReactionEntryDocument<Event extends string, State extends string> =
  | (ReactionEntryParts<Event> & { readonly action: "advance"; readonly state: State })
  | (ReactionEntryParts<Event> & { readonly action: "no-op" });

/** The reaction of a state to an event. */
type ReactionDocument<Event extends string, State extends string> =
  | State
  | "no-op"
  | readonly ReactionEntryDocument<Event, State>[];

/** An event that a state sends itself. */
type AfterDocument<Event extends string> =
  | { readonly in: DurationDocument; readonly event: Event }
  | { readonly at: string; readonly event: Event }
  | { readonly cron: string; readonly zone?: string; readonly event: Event };

/** A state of a v2 document. */
interface StateV2Document<Event extends string, State extends string, Task extends string> {
  readonly terminal?: boolean;
  readonly protected?: boolean;
  readonly tasks?: readonly Task[];
  readonly timeout?: DurationDocument;
  readonly after?: readonly AfterDocument<Event>[];
  readonly leaving?: "abandon" | "wait" | "cancel";
  readonly on?: { readonly [Name in Event | "NEXT" | "FAILED" | "TIMEOUT"]?: ReactionDocument<Event, State> };
}

/** A task of a v2 document. */
interface TaskV2Document<Task extends string, Target extends string> {
  readonly executor: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly target?: Target;
  readonly needs?: readonly Task[];
  readonly timeout?: DurationDocument;
  readonly retry?: Part<typeof RetryPart>;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly exclusive?: string;
  readonly when?: string;
}

/** A v2 document. */
interface MachineV2Document<
  Event extends string,
  State extends string,
  Task extends string,
  Target extends string = string,
> {
  readonly version: 2;
  readonly description?: string;
  readonly events?: readonly Event[] | { readonly [Name in Event]: Part<typeof EventPart> };
  readonly metadata?: Readonly<Record<string, Part<typeof MetadataRulePart>>>;
  readonly additionalMetadata?: boolean;
  readonly targets?: { readonly [Name in Target]: Part<typeof TargetPart> };
  readonly revision?: "pin" | "follow";
  readonly states: { readonly [Name in State]: StateV2Document<NoInfer<Event>, NoInfer<State>, NoInfer<Task>> } & {
    readonly INIT: unknown;
  };
  readonly tasks?: { readonly [Name in Task]: TaskV2Document<NoInfer<Task>, NoInfer<Target>> };
  readonly [extension: `x-${string}`]: unknown;
}
