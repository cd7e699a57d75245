import { StartExecutionCommand } from "@aws-sdk/client-sfn";
import { StackyardError } from "@stackyard/core";
import type { DistributorContext } from "../function/distributor-context.ts";

/** A set that is to be sent. */
export interface StartSetInput {
  readonly account: string;
  readonly region: string;
  /** At most 80 characters; the same name starts one execution. */
  readonly executionName: string;
  /** Epoch milliseconds. */
  readonly since?: number | null;
  readonly artifact?: string | null;
  /** The execution that this one continues. */
  readonly line?: string;
}

/** An execution that has been started, now or before under the same name. */
export interface StartedSet {
  readonly executionArn: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** Starts the state machine. Throws `CONFIG_INVALID` where there is none, and what Step Functions refuses. */
export async function startSet(
  { states, config, clock }: Pick<DistributorContext, "states" | "config" | "clock">,
  { account, region, executionName, since, artifact, line }: StartSetInput,
): Promise<StartedSet> {
  const { machineArn } = config;
  if (machineArn === undefined) {
    throw new StackyardError(
      "CONFIG_INVALID",
      "This distributor has no state machine of initial sets (INITIAL_SET_MACHINE).",
    );
  }
  const input = {
    AccountId: account,
    Region: region,
    ...(since === undefined || since === null ? {} : { Since: new Date(since).toISOString() }),
    ...(artifact ? { Artifact: artifact } : {}),
    ...(line === undefined ? {} : { Line: line }),
  };
  const command = { stateMachineArn: machineArn, name: executionName, input: JSON.stringify(input) };
  try {
    const { executionArn = "", startDate } = await states.send(new StartExecutionCommand(command));
    return { executionArn, startedAt: startDate?.getTime() ?? clock.now() };
  } catch (error) {
    // The name is for one purpose, so whoever started it meant the same.
    if (!(error instanceof Error) || error.name !== "ExecutionAlreadyExists") throw error;
    return {
      executionArn: `${machineArn.replace(":stateMachine:", ":execution:")}:${executionName}`,
      startedAt: clock.now(),
    };
  }
}
