import type { Instance } from "@aws-sdk/client-ec2";
import { type Absence, decideAbsence, toAnswer } from "@stackyard/aws";
import { type KnownInstance, toKnownInstance } from "../select-instances.ts";
import { type Fleet, FleetError } from "./fleet-deps.ts";

/** An instance that has started, and when. */
interface LoadedInstance {
  readonly known: KnownInstance;
  /** ISO 8601; another one after a stop and start. */
  readonly launchedAt: string;
}

/** EC2's answers are eventually consistent: an instance may be unknown for a while after its event. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Loads one instance from EC2; undefined if it is unknown for a minute. Throws `FLEET_OUT_OF_TIME` when time is up
 * before, and other errors of EC2.
 */
export async function loadInstance(
  fleet: Fleet,
  instanceId: string,
  signal: AbortSignal,
): Promise<LoadedInstance | undefined> {
  const { clock } = fleet;
  let absence: Absence | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const instance = await describe(fleet, instanceId);
    if (instance !== undefined) {
      return { known: toKnownInstance(instance), launchedAt: instance.LaunchTime?.toISOString() ?? "unknown" };
    }
    const after = decideAbsence(absence, clock.now());
    if (after.kind === "unknown") return undefined;
    absence = after.absence;
    await clock.sleep(Math.min(pauseMs, after.afterMs), signal);
    // The event is redelivered then: an interrupted poll must decide nothing.
    if (signal.aborted)
      throw new FleetError({ code: "FLEET_OUT_OF_TIME", message: `EC2 does not know ${instanceId} yet.` });
  }
}

async function describe(fleet: Fleet, instanceId: string): Promise<Instance | undefined> {
  const { EC2Client, paginateDescribeInstances } = await import("@aws-sdk/client-ec2");
  const client = fleet.aws.fleet.client(EC2Client, undefined);
  try {
    // A page may be empty and have a token.
    for await (const { Reservations = [] } of paginateDescribeInstances({ client }, { InstanceIds: [instanceId] })) {
      const instances = Reservations.flatMap(({ Instances = [] }) => Instances);
      const found = instances.find((each) => each.InstanceId === instanceId);
      if (found !== undefined) return found;
    }
    return undefined;
  } catch (error) {
    if (toAnswer(error) === "gone") return undefined;
    throw error;
  }
}
