import { createRunCommandExecutor } from "@stackyard/executor-runcommand";
import { createTaskRunner } from "@stackyard/runtime";
import { toRunnerOptions } from "./fleet-settings.ts";

// The runner as a container: runs until SIGTERM, and drains.
const executors = [createRunCommandExecutor(toRunnerOptions(process.env))];
process.exitCode = await createTaskRunner({ environment: process.env, executors }).main();
