import type { App, AppOptions } from "../app.ts";
import { parseEnvironment } from "../environment/parse-environment.ts";
import type { ExecutorDefinition } from "../executor-definitions.ts";

/** What a state manager does differently from its defaults. */
export interface StateManagerOptions extends AppOptions {
  /** Definitions of executors besides `terraform` and `lambda`, so that machines that name them are checked in full. */
  readonly executors?: readonly ExecutorDefinition[];
}

/** The app that decides events. */
export function createStateManager(options: StateManagerOptions = {}): App {
  const read = () =>
    parseEnvironment(options.environment ?? {}, {
      app: "state manager",
      required: { SQS_TASK_QUEUE_URL: "tasks are sent there" },
      machines: true,
      store: true,
    });
  return {
    async handler() {
      return read();
    },
    async main() {
      read();
      return 0;
    },
  };
}
