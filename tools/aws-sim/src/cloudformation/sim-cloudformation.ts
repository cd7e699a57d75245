import type { SimCall, SimService } from "../sim-call.ts";
import { createChangeSet, deleteChangeSet, describeChangeSet, executeChangeSet } from "./change-sets.ts";
import type { CloudFormationState, FindObject, ResourceFailure } from "./cloudformation-state.ts";
import { deleteStack, describeStackEvents, describeStacks } from "./stacks.ts";
import { cloudFormationFaults } from "./templates.ts";

/** Stacks of JSON templates, by change sets. What their resources would do is not simulated. */
export interface SimCloudFormation {
  readonly service: SimService;
  /**
   * Makes the resource fail the next time that it is created or changed (`do`), undone or deleted, it fails for this
   * reason.
   */
  failResource(input: ResourceFailure): void;
  /** Takes a name outside of all stacks: `takeName("AWS::SQS::Queue", "stack-events")`. */
  takeName(type: string, name: string): void;
}

/** Creates CloudFormation without stacks. Source: API reference of version 2010-05-15. */
export function createCloudFormation({ findObject }: { readonly findObject: FindObject }): SimCloudFormation {
  const state: CloudFormationState = { stacks: new Map(), failures: [], takenNames: new Set(), findObject };
  const bind = (serve: (state: CloudFormationState, call: SimCall) => unknown) => (call: SimCall) => serve(state, call);
  return {
    service: {
      operations: {
        CreateChangeSet: bind(createChangeSet),
        DescribeChangeSet: bind(describeChangeSet),
        ExecuteChangeSet: bind(executeChangeSet),
        DeleteChangeSet: bind(deleteChangeSet),
        DescribeStacks: bind(describeStacks),
        DescribeStackEvents: bind(describeStackEvents),
        DeleteStack: bind(deleteStack),
      },
      toAction: (operation) => `cloudformation:${operation}`,
      faults: cloudFormationFaults,
    },
    failResource: (failure) => void state.failures.push(failure),
    takeName: (type, name) => void state.takenNames.add(`${type} ${name}`),
  };
}
