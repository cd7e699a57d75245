import type { MetadataValue } from "../stack.ts";

/** A length of time with its unit, such as `10m`. */
export type DurationDocument = `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** A declared event of a v2 document. */
export interface EventDocument {
  readonly description?: string;
  readonly metadata?: readonly string[];
}

/** The rule of a metadata key. */
export interface MetadataRuleDocument {
  readonly type?: "string" | "number" | "boolean";
  readonly required?: boolean;
  readonly default?: MetadataValue;
  readonly pattern?: string;
  readonly enum?: readonly (string | number | boolean)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly sensitive?: boolean;
  readonly immutable?: boolean;
  readonly description?: string;
}

/** An AWS account and region, and how to get there. */
export interface TargetDocument {
  readonly account?: string;
  readonly region?: string;
  readonly role?: string;
  readonly externalId?: string;
}

interface ReactionEntryParts {
  readonly when?: string;
  readonly set?: Readonly<Record<string, MetadataValue>>;
}

/** One entry of a reaction; the first whose `when` holds is taken. */
export type ReactionEntryDocument<State extends string> =
  | (ReactionEntryParts & { readonly action: "advance"; readonly state: State })
  | (ReactionEntryParts & { readonly action: "no-op" });

/** What a state does on an event. */
export type ReactionDocument<State extends string> = State | "no-op" | readonly ReactionEntryDocument<State>[];

/** A state of a v2 document. */
export interface StateV2Document<Event extends string, State extends string, Task extends string> {
  readonly terminal?: boolean;
  readonly protected?: boolean;
  readonly tasks?: readonly Task[];
  readonly timeout?: DurationDocument;
  readonly after?: readonly { readonly in: DurationDocument; readonly event: Event }[];
  readonly leaving?: "abandon" | "wait" | "cancel";
  readonly on?: { readonly [Name in Event | "NEXT" | "FAILED" | "TIMEOUT"]?: ReactionDocument<State> };
}

/** How a task is tried again. */
export interface RetryDocument {
  readonly attempts?: number;
  readonly backoff?: { readonly from?: DurationDocument; readonly to?: DurationDocument; readonly factor?: number };
  readonly only?: readonly string[];
}

/** A task of a v2 document. */
export interface TaskV2Document<Task extends string, Target extends string> {
  readonly executor: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly target?: Target;
  readonly needs?: readonly Task[];
  readonly timeout?: DurationDocument;
  readonly retry?: RetryDocument;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly exclusive?: string;
  readonly when?: string;
}

/** A v2 document. */
export interface MachineV2Document<
  Event extends string,
  State extends string,
  Task extends string,
  Target extends string = string,
> {
  readonly version: 2;
  readonly description?: string;
  readonly events?: readonly Event[] | { readonly [Name in Event]: EventDocument };
  readonly metadata?: Readonly<Record<string, MetadataRuleDocument>>;
  readonly additionalMetadata?: boolean;
  readonly targets?: { readonly [Name in Target]: TargetDocument };
  readonly revision?: "pin" | "follow";
  readonly states: { readonly [Name in State]: StateV2Document<NoInfer<Event>, NoInfer<State>, NoInfer<Task>> } & {
    readonly INIT: unknown;
  };
  readonly tasks?: { readonly [Name in Task]: TaskV2Document<NoInfer<Task>, NoInfer<Target>> };
  readonly [extension: `x-${string}`]: unknown;
}
