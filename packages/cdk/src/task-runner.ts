import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Fn, Token } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { buildSync } from "esbuild";
import { AppFunction, type FunctionSettings, TASK_RUNNER_TIMEOUT_SECONDS } from "./app-function.ts";
import { createQueueSource } from "./function-triggers.ts";
import { type Conditional, type Given, mapGiven } from "./given.ts";
import type { Permission } from "./policies/statement.ts";
import { type BucketPrefix, workByLambda } from "./policies/yard-permissions.ts";
import {
  DEFAULT_YARD,
  type RunnerSettings,
  type StoreChoices,
  toDecisionEnvironment,
  toDecisionPermissions,
  toRunnerEnvironment,
  toRunnerPermissions,
} from "./yard-settings.ts";

/** The input of a runner. */
export interface TaskRunnerProps extends RunnerSettings, FunctionSettings {
  /** An existing zip or image. Set this or `entry`. */
  readonly code?: Code;
  /** An image instead of `code`, if a condition of the template is true. */
  readonly image?: Conditional<string>;
  /** A file of yours that exports the `handler` of `createTaskRunner({ executors })`; it is bundled. */
  readonly entry?: string;
  /** Default: none; then the runner works without a store, and `runnersHaveStore` must be false on the state manager. */
  readonly stores?: StoreChoices;
  /**
   * The location of machines. With them and the store the runner decides the results of its tasks itself, and runs the
   * next task of a stack in the same invocation: give it the state manager's `EXECUTORS` and settings of the engine
   * too. Default: none; the state manager decides.
   */
  readonly machines?: BucketPrefix;
  /** Seconds that an invocation may take. Default and most: 900. */
  readonly timeoutSeconds?: number;
  /** Tasks that run concurrently; at least 2. Default: Lambda's limit. */
  readonly maxConcurrency?: Given<number>;
  /** Additional policies of the account, for the resources of your tasks. */
  readonly managedPolicyArns?: Given<readonly string[]>;
  /**
   * Additional permissions for your executors, such as those of `runEcsTasks` and `dispatchCommands`. Default: none.
   */
  readonly permissions?: readonly Given<Permission>[];
  /** The handler in the zip. Default: `index.handler`. */
  readonly handler?: string;
}

const MEMORY_MB = 1_024;
/** Providers of Terraform are large, and are stored in `/tmp`. */
const TEMPORARY_MB = 4_096;

/** The function that works tasks, one an invocation. */
export class TaskRunner extends Construct {
  readonly function: AppFunction;

  constructor(scope: Construct, id: string, props: TaskRunnerProps) {
    super(scope, id);
    const { queues, yardName = DEFAULT_YARD, stores = [] } = props;
    const decisions = { queues, machines: stores.length === 0 ? undefined : props.machines };
    this.function = new AppFunction(this, "App", {
      memoryMb: MEMORY_MB,
      temporaryMb: TEMPORARY_MB,
      ...props,
      code: toCode(props),
      functionName: toName(yardName, props.image),
      logGroupName: `/stackyard/${yardName}/task-runner`,
      description: `Stackyard, yard ${yardName}: works tasks.`,
      timeoutSeconds: props.timeoutSeconds ?? TASK_RUNNER_TIMEOUT_SECONDS,
      permissions: [
        { name: "Queue", statements: [workByLambda("ReadTasks", queues.tasks.arn)] },
        ...toRunnerPermissions(props, stores),
        ...toDecisionPermissions(decisions),
        ...(props.permissions ?? []),
      ],
      environment: {
        SQS_TASK_QUEUE_URL: queues.tasks.url,
        SQS_LONG_TASK_QUEUE_URL: queues.longTasks && mapGiven(queues.longTasks, ({ url }) => url),
        ...toDecisionEnvironment(decisions),
        ...toRunnerEnvironment(props, stores),
      },
    });
    createQueueSource(this, "TaskSource", {
      functionName: this.function.name,
      queueArn: queues.tasks.arn,
      batchSize: 1,
      maxConcurrency: props.maxConcurrency,
    });
  }
}

/**
 * Returns the function's name. A function cannot change from a zip to an image: it is replaced, and so needs another
 * name.
 */
function toName(yardName: string, image: Conditional<string> | undefined): string {
  const name = `stackyard-${yardName}-task-runner`;
  return image === undefined ? name : Token.asString(Fn.conditionIf(image.condition.logicalId, `${name}-image`, name));
}

function toCode({ code, entry }: TaskRunnerProps): Code {
  if (code !== undefined && entry === undefined) return code;
  if (entry !== undefined && code === undefined) return bundleRunner(entry);
  throw new TypeError("A TaskRunner needs either `code` or `entry`.");
}

/** CommonJS modules in a bundle call `require`, which ES modules do not have. */
const BANNER = 'import { createRequire as toRequire } from "node:module"; const require = toRequire(import.meta.url);';

/**
 * Bundles a runner of yours into one module, without the SDK, which Lambda's runtimes include. The same sources produce
 * the same bytes, so a function with unchanged code is not updated. Throws the errors of esbuild.
 */
export function bundleRunner(entry: string): Code {
  const { outputFiles } = buildSync({
    entryPoints: [resolve(entry)],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node24",
    minify: true,
    external: ["@aws-sdk/*", "@smithy/*", "pg-native"],
    banner: { js: BANNER },
    logLevel: "silent",
  });
  const folder = mkdtempSync(join(tmpdir(), "stackyard-runner-"));
  for (const { contents } of outputFiles) writeFileSync(join(folder, "index.mjs"), contents);
  return Code.fromAsset(folder);
}
