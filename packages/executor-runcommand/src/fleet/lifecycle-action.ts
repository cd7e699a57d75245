import type { Fleet } from "./fleet-deps.ts";
import { toFleetFailure } from "./fleet-error.ts";
import type { LifecycleHook } from "./parse-hook-event.ts";

/**
 * Lets an instance go on into service (`CONTINUE`) or be replaced (`ABANDON`). An action that somebody has completed, or whose
 * time is over, is over. Throws what else Auto Scaling answers.
 */
export async function completeLifecycleAction(
  fleet: Fleet,
  hook: LifecycleHook,
  result: "CONTINUE" | "ABANDON",
): Promise<void> {
  const { AutoScalingClient, CompleteLifecycleActionCommand } = await import("@aws-sdk/client-auto-scaling");
  const command = new CompleteLifecycleActionCommand({ ...toInput(hook), LifecycleActionResult: result });
  if (!(await unlessOver(fleet, hook, () => fleet.aws.fleet.client(AutoScalingClient, undefined).send(command))))
    return;
  fleet.logger.info("A lifecycle action was completed.", { group: hook.group, hook: hook.hook, result });
}

/** Keeps an instance waiting; false: nobody waits any more. */
export async function recordHeartbeat(fleet: Fleet, hook: LifecycleHook): Promise<boolean> {
  const { AutoScalingClient, RecordLifecycleActionHeartbeatCommand } = await import("@aws-sdk/client-auto-scaling");
  const command = new RecordLifecycleActionHeartbeatCommand(toInput(hook));
  return unlessOver(fleet, hook, () => fleet.aws.fleet.client(AutoScalingClient, undefined).send(command));
}

function toInput({ group, hook, token }: LifecycleHook) {
  return { AutoScalingGroupName: group, LifecycleHookName: hook, LifecycleActionToken: token };
}

/** Auto Scaling answers `ValidationError`, "No active Lifecycle Action found with token …". */
async function unlessOver(fleet: Fleet, hook: LifecycleHook, call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ValidationError") throw error;
    const { message } = toFleetFailure(error);
    fleet.logger.warn("A lifecycle action is over already.", { group: hook.group, hook: hook.hook, message });
    return false;
  }
}
