import { Type } from "typebox";
import { defineExecutor, type Executor, type ExecutorContext, type Step, succeeded } from "../ports/executor.ts";

/** One call to a scripted executor. */
export interface ScriptedCall {
  readonly stackId: string;
  readonly task: string;
  readonly attempt: number;
}

/** An executor for tests: succeeds at once unless its script says otherwise, and notes what it was asked to start. */
export interface ScriptedExecutor {
  readonly executor: Executor;
  readonly calls: ScriptedCall[];
}

/** Makes one under a name; the script may answer a call with another step. */
export function createScriptedExecutor(
  name: string,
  script: (call: ScriptedCall) => Step | undefined = () => undefined,
): ScriptedExecutor {
  const calls: ScriptedCall[] = [];
  const answer = (call: ScriptedCall) => Promise.resolve(script(call) ?? succeeded({}));
  const executor = defineExecutor({
    name,
    config: Type.Object({}),
    start(ctx) {
      calls.push(toCall(ctx));
      return answer(toCall(ctx));
    },
    poll: (ctx) => answer(toCall(ctx)),
  });
  return { executor, calls };
}

function toCall({ stackId, task, attempt }: ExecutorContext): ScriptedCall {
  return { stackId, task, attempt: attempt.number };
}
