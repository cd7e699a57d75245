import type { Static, TSchema } from "typebox";
import { defined } from "./json.ts";
import type {
  AdvancePart,
  EventPart,
  MachineV2Part,
  NoOpPart,
  StatePart,
  TargetPart,
  TaskPart,
} from "./v2/machine-v2-schema.ts";
import type { AfterKind, AfterPart } from "./v2/schema-parts.ts";

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

/** A part of a v2 document, which may be a constant. */
type Part<Schema extends TSchema> = DeepReadonly<Static<Schema>>;

type DeepReadonly<Value> = unknown extends Value ? Value : { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> };

/** One entry of a reaction; the first entry whose `when` is true is taken. */
type ReactionEntryDocument<Event extends string, State extends string> =
  | (Omit<Part<typeof AdvancePart>, "state" | "raise"> & { readonly state: State; readonly raise?: Event })
  | (Omit<Part<typeof NoOpPart>, "raise"> & { readonly raise?: Event });

/** The reaction of a state to an event. */
type ReactionDocument<Event extends string, State extends string> =
  | State
  | "no-op"
  | readonly ReactionEntryDocument<Event, State>[];

/** An event that a state sends itself: with one of the keys that name when. */
type AfterDocument<Event extends string> = {
  [Kind in AfterKind]: Required<Pick<AfterEntry, Kind>> &
    Omit<AfterEntry, AfterKind | "event"> & { readonly event: Event };
}[AfterKind];

type AfterEntry = Part<typeof AfterPart>;

/** A state of a v2 document. */
interface StateV2Document<Event extends string, State extends string, Task extends string>
  extends Omit<Part<typeof StatePart>, "tasks" | "approved" | "after" | "on"> {
  readonly tasks?: readonly Task[];
  readonly approved?: readonly Task[];
  readonly after?: readonly AfterDocument<Event>[];
  readonly on?: { readonly [Name in Event | "NEXT" | "FAILED" | "TIMEOUT"]?: ReactionDocument<Event, State> };
}

/** A task of a v2 document. */
interface TaskV2Document<Task extends string, Target extends string>
  extends Omit<Part<typeof TaskPart>, "target" | "needs"> {
  readonly target?: Target;
  readonly needs?: readonly Task[];
}

/** A v2 document. */
interface MachineV2Document<
  Event extends string,
  State extends string,
  Task extends string,
  Target extends string = string,
> extends Omit<DeepReadonly<MachineV2Part>, "events" | "targets" | "states" | "tasks"> {
  readonly events?: readonly Event[] | { readonly [Name in Event]: Part<typeof EventPart> };
  readonly targets?: { readonly [Name in Target]: Part<typeof TargetPart> };
  readonly states: { readonly [Name in State]: StateV2Document<NoInfer<Event>, NoInfer<State>, NoInfer<Task>> } & {
    readonly INIT: unknown;
  };
  readonly tasks?: { readonly [Name in Task]: TaskV2Document<NoInfer<Task>, NoInfer<Target>> };
  readonly [extension: `x-${string}`]: unknown;
}
