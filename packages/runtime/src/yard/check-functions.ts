import type { EventSourceMappingConfiguration, LambdaClient } from "@aws-sdk/client-lambda";
import { toAwsError } from "@stackyard/aws";
import type { QueueFacts, QueueRole } from "./load-queue.ts";

/** A function that reads a queue, and how it is connected. */
export interface FunctionFacts {
  readonly queue: QueueRole;
  readonly arn: string;
  readonly name: string;
  /** The settings of the event source mapping. */
  readonly mapping: {
    readonly id: string;
    readonly isEnabled: boolean;
    readonly batchSize: number;
    /** `ReportBatchItemFailures`. */
    readonly reportsFailures: boolean;
  };
  readonly timeoutMs: number;
  /** The variables, or undefined if they cannot be read. */
  readonly variables: Readonly<Record<string, string>> | undefined;
  /** The mode for recursive loops, or undefined if it cannot be read. */
  readonly recursiveLoop: string | undefined;
}

type Settings = Pick<FunctionFacts, "timeoutMs" | "variables" | "recursiveLoop">;

/** Loads the functions that read these queues; one that reads two is listed twice. Throws errors of Lambda. */
export async function loadFunctions(
  lambda: LambdaClient,
  queues: readonly QueueFacts[],
): Promise<readonly FunctionFacts[]> {
  const settings = new Map<string, Promise<Settings>>();
  const found: FunctionFacts[] = [];
  try {
    for (const { role, arn: queueArn } of queues) {
      for (const mapping of await listMappings(lambda, queueArn)) {
        const arn = mapping.FunctionArn ?? "";
        const loading = settings.get(arn) ?? loadSettings(lambda, arn);
        settings.set(arn, loading);
        found.push({ ...toConnection(role, arn, mapping), ...(await loading) });
      }
    }
    return found;
  } catch (error) {
    throw toAwsError(error, "Could not list the functions that read the queues.");
  }
}

async function listMappings(
  lambda: LambdaClient,
  queueArn: string,
): Promise<readonly EventSourceMappingConfiguration[]> {
  const { paginateListEventSourceMappings } = await import("@aws-sdk/client-lambda");
  const found: EventSourceMappingConfiguration[] = [];
  for await (const page of paginateListEventSourceMappings({ client: lambda }, { EventSourceArn: queueArn })) {
    found.push(...(page.EventSourceMappings ?? []));
  }
  return found;
}

function toConnection(
  queue: QueueRole,
  arn: string,
  { UUID: id = "", State = "Enabled", BatchSize = 10, FunctionResponseTypes = [] }: EventSourceMappingConfiguration,
): Pick<FunctionFacts, "queue" | "arn" | "name" | "mapping"> {
  return {
    queue,
    arn,
    name: arn.split(":")[6] ?? arn,
    mapping: {
      id,
      // A mapping that is being created or changed will be on.
      isEnabled: !["Disabled", "Disabling", "Deleting"].includes(State),
      batchSize: BatchSize,
      reportsFailures: FunctionResponseTypes.includes("ReportBatchItemFailures"),
    },
  };
}

async function loadSettings(lambda: LambdaClient, arn: string): Promise<Settings> {
  const { GetFunctionConfigurationCommand } = await import("@aws-sdk/client-lambda");
  const { Timeout = 3, Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: arn }));
  return {
    timeoutMs: Timeout * 1_000,
    variables: Environment?.Error === undefined ? (Environment?.Variables ?? {}) : undefined,
    recursiveLoop: await findRecursiveLoop(lambda, arn),
  };
}

/** Reads the setting of the function, not of its versions and aliases. */
async function findRecursiveLoop(lambda: LambdaClient, arn: string): Promise<string | undefined> {
  const { GetFunctionRecursionConfigCommand } = await import("@aws-sdk/client-lambda");
  try {
    const FunctionName = arn.split(":").slice(0, 7).join(":");
    return (await lambda.send(new GetFunctionRecursionConfigCommand({ FunctionName }))).RecursiveLoop;
  } catch {
    // It needs a separate permission, and emulators do not support it. The other checks work without it.
    return undefined;
  }
}
