import type { ExecutorDefinition } from "@stackyard/core";
import { createUlids, systemClock } from "@stackyard/core/engine";
import type { App, AppOptions } from "../app.ts";
import { type EnvironmentNeeds, parseEnvironment } from "../environment/parse-environment.ts";
import { toExecutorDefinitions } from "../executor-definitions.ts";
import { toInvocationFields } from "../invocation-fields.ts";
import { createOnce } from "../once.ts";
import { runMain } from "../run-main.ts";
import { type AppTelemetry, createAppTelemetry } from "../telemetry.ts";
import { createInvocationHandler } from "./handle-invocation.ts";
import { openStateManager, type StateManagerParts } from "./open-state-manager.ts";
import { runContainer } from "./run-container.ts";

/** What a state manager does differently from its defaults. */
export interface StateManagerOptions extends AppOptions {
  /** Definitions of executors besides `terraform` and `lambda`, so that machines that name them are checked in full. */
  readonly executors?: readonly ExecutorDefinition[];
}

const NEEDS = {
  app: "state manager",
  required: { SQS_TASK_QUEUE_URL: "tasks are sent there" },
  machines: true,
  store: true,
} as const satisfies EnvironmentNeeds;
const NEEDS_OF_CONTAINER = {
  ...NEEDS,
  required: { ...NEEDS.required, SQS_EVENT_QUEUE_URL: "a container consumes it" },
} as const satisfies EnvironmentNeeds;

/**
 * The app that decides events: the only writer of stacks. In Lambda it is called with batches of the event queue, of
 * `stack-ticks`, and by a schedule each minute; in a container it consumes and sweeps by itself.
 */
export function createStateManager(options: StateManagerOptions = {}): App {
  const telemetry = createOnce(async () => toTelemetry(options));
  // The next invocation tries again what could not be opened.
  const handling = createOnce(async () => createInvocationHandler(await open(options, await telemetry(), NEEDS)));
  // A function has its whole processor while it is initialised; the first invocation meets what went wrong.
  if (options.environment?.["AWS_LAMBDA_FUNCTION_NAME"] !== undefined) void handling().catch(() => undefined);
  return {
    async handler(event, context) {
      const { invoke } = await telemetry();
      return invoke(toInvocationFields(context), async () => (await handling())(event, context));
    },
    async main(signal) {
      const told = await telemetry();
      const run = async (stopping: AbortSignal) => {
        const parts = await open(options, told, NEEDS_OF_CONTAINER);
        try {
          await runContainer(parts, stopping);
        } finally {
          await parts.store.close();
          await told.flush();
        }
      };
      return runMain({ logger: told.logger, signal, run });
    },
  };
}

async function open(
  options: StateManagerOptions,
  telemetry: AppTelemetry,
  needs: EnvironmentNeeds,
): Promise<StateManagerParts> {
  const environment = parseEnvironment(options.environment ?? {}, needs);
  return openStateManager({
    ...{ environment, telemetry },
    executors: toExecutorDefinitions(options.executors, environment.executorNames),
    clock: options.clock ?? systemClock,
    ids: options.ids ?? createUlids(),
    random: options.random ?? Math.random,
  });
}

function toTelemetry({
  telemetry,
  environment = {},
  clock = systemClock,
}: StateManagerOptions): AppTelemetry | Promise<AppTelemetry> {
  return telemetry ?? createAppTelemetry({ service: "state-manager", environment, clock });
}
