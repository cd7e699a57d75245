import type { Phase } from "./run-operation.ts";
import type { SimStack } from "./sim-stack.ts";

/** What all operations share. */
export interface CloudFormationState {
  readonly stacks: Map<string, SimStack>;
  readonly failures: ResourceFailure[];
  /** Type and name, with a space between. */
  readonly takenNames: Set<string>;
  /** The text of an object, as CloudFormation reads it with the caller's permissions; undefined: it is not there. */
  readonly findObject: FindObject;
}

/** What fails once. */
export interface ResourceFailure {
  readonly logicalId: string;
  readonly reason: string;
  /** Default: `do`. */
  readonly phase?: Phase;
}

/** Where templates and code lie. */
export type FindObject = (bucket: string, key: string, versionId?: string) => string | undefined;
