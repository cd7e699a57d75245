import { AutoScalingClient, type AutoScalingGroup, DeleteAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import { detachTraffic } from "../drain/detach-traffic.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { toReleaseError } from "../to-release-error.ts";
import { deleteAlarms } from "./delete-alarms.ts";
import { deleteLaunch } from "./delete-launch.ts";
import { deleteIfThere } from "./is-gone.ts";
import { loadPolicyAlarms } from "./load-policy-alarms.ts";

/** What tearing down needs. */
export type TearDownDeps = Pick<ReleaseDeps, "target" | "signal" | "report" | "logger" | "constants">;

/**
 * Deletes a group with all that was made for it, in an order in which a repeat after a crash finds what is left: the alarms while
 * the policies still name them, the group with its instances, and last what it was launched from, which the group names for as long
 * as its instances end. Instances are not waited for, and outstanding hooks are dropped (API reference, "DeleteAutoScalingGroup",
 * ForceDelete). Throws `CLEAN_UP_FAILED`.
 */
export async function tearDownGroup(deps: TearDownDeps, group: AutoScalingGroup): Promise<void> {
  const { AutoScalingGroupName: name = "" } = group;
  try {
    if (deps.constants.generation === "step-asg-deployer") await loseTraffic(deps, group);
    await deleteGroup(deps, name);
    await deleteLaunch(deps, group);
  } catch (error) {
    throw toReleaseError("CLEAN_UP_FAILED", error, `Group "${name}" was not deleted with all that belongs to it.`);
  }
}

/** The first generation has no states for it, and waits for nothing: what goes wrong does not keep the group. */
async function loseTraffic(deps: TearDownDeps, group: AutoScalingGroup): Promise<void> {
  try {
    await detachTraffic(deps, group);
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("a group was not detached", { group: group.AutoScalingGroupName, error });
  }
}

async function deleteGroup(deps: TearDownDeps, AutoScalingGroupName: string): Promise<void> {
  const { target, signal } = deps;
  await deleteIfThere(async () => deleteAlarms(deps, await loadPolicyAlarms(deps, AutoScalingGroupName)));
  const command = new DeleteAutoScalingGroupCommand({ AutoScalingGroupName, ForceDelete: true });
  await deleteIfThere(() => target.client(AutoScalingClient).send(command, { abortSignal: signal }));
  deps.report(`deleted group ${AutoScalingGroupName}`);
}
