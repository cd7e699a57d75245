import { addFleet, type FleetDefect, type FleetMember } from "@stackyard/aws-sim";
import type { RunCommandConfig } from "../definition.ts";
import { aSimFleet, type SimFleet } from "./a-sim-fleet.ts";

/** A fleet with our document published. */
export interface LargeFleet extends SimFleet {
  readonly members: readonly FleetMember[];
  /** Ids of those with one of these defects, in the fleet's order. */
  idsWith(...defects: readonly FleetDefect[]): readonly string[];
  /** Returns the ids of accepted SendCommand calls, one for each time. */
  sentIds(): readonly string[];
}

/** What all of them are sent. */
export const ANSIBLE: RunCommandConfig = {
  profile: "ansible",
  artifact: { bucket: "artifacts", key: "GARLC/SourceOutp/abc.zip", versionId: "v1", sha256: "0".repeat(64) },
  maxConcurrency: "100%",
  maxErrors: 29,
  deliveryTimeout: "5m",
};

/** Creates one; `broken` is the number of each defect. */
export async function aLargeFleet(
  count: number,
  broken: Readonly<Partial<Record<FleetDefect, number>>> = {},
): Promise<LargeFleet> {
  const fleet = aSimFleet();
  const members = addFleet(fleet.sim, { account: "111122223333", region: "eu-west-1", count, broken });
  await fleet.addDocument();
  return {
    ...fleet,
    members,
    idsWith: (...defects) =>
      members.flatMap(({ instanceId, defect }) => (defect && defects.includes(defect) ? [instanceId] : [])),
    sentIds: () => fleet.sim.ssm.listCommands().flatMap(({ instanceIds }) => instanceIds),
  };
}
