import { isCloudFormationEvent } from "@stackyard/aws/custom-resource";
import { StackyardError } from "@stackyard/core";
import { advanceWork } from "./advance-work.ts";
import { answerWork } from "./answer-work.ts";
import { createEcsTaskApp, type EcsTaskApp } from "./ecs-task-app.ts";
import { createInvocation, type Invocation, type InvocationContext } from "./invocation.ts";
import { type FunctionCall, parseCall } from "./parse-call.ts";
import { receiveRequest } from "./receive-request.ts";
import { findRememberedRun } from "./resource-memory.ts";
import type { EcsTaskDeps } from "./turn.ts";

/** The function behind resources of the type `Custom::ECSTask`. */
export interface EcsTaskFunction {
  /**
   * Takes requests of CloudFormation, the states of the machine (`{ op, requestId }`), and events of EventBridge: executions
   * that ended badly, and tasks that stopped. Rejects with `EVENT_INVALID` for everything else.
   */
  readonly handler: (event: unknown, context?: InvocationContext) => Promise<unknown>;
}

/** Makes the function. Nothing is called before the first event. */
export function createEcsTask(deps: EcsTaskDeps): EcsTaskFunction {
  const app = createEcsTaskApp(deps);
  return {
    async handler(event, context) {
      const invocation = createInvocation(deps.clock, context);
      if (isCloudFormationEvent(event)) return receiveRequest(app, event, invocation);
      const call = parseCall(event, deps.stateMachineArn);
      if (call !== undefined) return invocation.run(answerCall(app, call, invocation));
      throw new StackyardError("EVENT_INVALID", "The event is no request of CloudFormation, and no step of its work.");
    },
  };
}

async function answerCall(app: EcsTaskApp, call: FunctionCall, invocation: Invocation): Promise<unknown> {
  switch (call.kind) {
    case "step":
      return advanceWork(app, call.requestId, { invocation, sends: false });
    case "answer":
      return answerWork(app, call.requestId, { invocation, cause: call.cause });
    case "task-stopped": {
      const run = await findRememberedRun(app.deps, call.resourceId);
      if (run === undefined) return { done: true, waitSeconds: 1 };
      return advanceWork(app, run.requestId, { invocation, sends: true });
    }
  }
}
