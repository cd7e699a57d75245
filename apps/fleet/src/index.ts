import { createRunCommandExecutor } from "@stackyard/executor-runcommand";
import { createTaskRunner } from "@stackyard/runtime";
import { createFleetApp } from "./create-fleet-app.ts";
import { toRunnerOptions } from "./fleet-settings.ts";

/** The handler that CodePipeline, EventBridge's rules and the schedule invoke: `index.handler`. */
export const { handler } = createFleetApp({ environment: process.env });

/** The yard's task runner with the executor `runcommand`, for its task queue: `index.runner`. */
export const { handler: runner } = createTaskRunner({
  environment: process.env,
  executors: [createRunCommandExecutor(toRunnerOptions(process.env))],
});
