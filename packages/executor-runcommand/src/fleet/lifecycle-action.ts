import { type Fleet, toFleetFailure } from "./fleet-deps.ts";
import type { LifecycleHook } from "./parse-instance-event.ts";

/**
 * Completes a lifecycle action (`CONTINUE` or `ABANDON`). Ignores an action that was already completed or has expired.
 * Throws other errors of Auto Scaling.
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

/** Keeps an instance waiting. Returns false if the action has already ended. */
export async function recordHeartbeat(fleet: Fleet, hook: LifecycleHook): Promise<boolean> {
  const { AutoScalingClient, RecordLifecycleActionHeartbeatCommand } = await import("@aws-sdk/client-auto-scaling");
  const command = new RecordLifecycleActionHeartbeatCommand(toInput(hook));
  return unlessOver(fleet, hook, () => fleet.aws.fleet.client(AutoScalingClient, undefined).send(command));
}

function toInput({ group, hook, token }: LifecycleHook) {
  return { AutoScalingGroupName: group, LifecycleHookName: hook, LifecycleActionToken: token };
}

/** Returns false if the action is over: `ValidationError`, "No active Lifecycle Action found with token …". */
async function unlessOver(fleet: Fleet, hook: LifecycleHook, call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ValidationError") throw error;
    const { message } = toFleetFailure(error);
    fleet.logger.warn("A lifecycle action has already ended.", { group: hook.group, hook: hook.hook, message });
    return false;
  }
}
