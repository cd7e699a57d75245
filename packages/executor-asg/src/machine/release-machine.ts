import type { ReleaseConstants } from "../release-constants.ts";
import type { Catcher, ErrorsOf, ReleaseMachine, Retrier } from "./release-row.ts";
import type { ReleaseStateName } from "./state-name.ts";

function retry(errors: ErrorsOf, intervalSeconds: number, maxAttempts: number, backoffRate: number): Retrier {
  return { errors, intervalSeconds, maxAttempts, backoffRate };
}

function to(next: ReleaseStateName, errors: ErrorsOf = "all"): Catcher {
  return { errors, next };
}

const ENDS: ReleaseMachine = {
  Success: { kind: "end", end: "Success" },
  FailureClean: { kind: "end", end: "FailureClean" },
  FailureDirty: { kind: "end", end: "FailureDirty" },
};

// biome-ignore format: a line is a state.
const ODIN: ReleaseMachine = {
  Validate: { kind: "task", task: "Validate", next: "Lock", retries: [], catches: [to("FailureClean")] },
  Lock: { kind: "task", task: "Lock", next: "ValidateResources", retries: [], catches: [to("FailureClean", ["LockExistsError"]), to("ReleaseLockFailure")] },
  ValidateResources: { kind: "task", task: "ValidateResources", next: "Deploy", retries: [], catches: [to("ReleaseLockFailure")] },
  Deploy: { kind: "task", task: "Deploy", next: "WaitForDeploy", retries: [], catches: [to("ReleaseLockFailure", ["HaltError"]), to("DetachForFailure")] },
  // Instances that cannot boot need some time to die.
  WaitForDeploy: { kind: "wait", seconds: 90, next: "WaitForHealthy", halted: "DetachForFailure" },
  WaitForHealthy: { kind: "wait", seconds: "wait_for_healthy", next: "CheckHealthy", halted: "DetachForFailure" },
  CheckHealthy: { kind: "task", task: "CheckHealthy", next: "Healthy?", retries: [retry(["HaltError"], 1, 0, 1), retry("all", 15, 3, 2)], catches: [to("DetachForFailure")] },
  "Healthy?": { kind: "choice", healthy: "WaitForDetach", unhealthy: "WaitForHealthy", otherwise: "DetachForFailure" },
  WaitForDetach: { kind: "wait", seconds: "wait_for_detach", next: "DetachForSuccess", halted: "DetachForFailure" },
  DetachForSuccess: { kind: "task", task: "DetachForSuccess", next: "WaitDetachForSuccess", retries: [retry(["DetachError"], 10, 60, 1), retry("all", 60, 3, 2)], catches: [to("WaitDetachForSuccess")] },
  WaitDetachForSuccess: { kind: "wait", seconds: 5, next: "CleanUpSuccess" },
  CleanUpSuccess: { kind: "task", task: "CleanUpSuccess", next: "Success", retries: [retry("all", 60, 3, 1)], catches: [to("FailureDirty")] },
  DetachForFailure: { kind: "task", task: "DetachForFailure", next: "WaitDetachForFailure", retries: [retry("all", 60, 3, 2)], catches: [to("WaitDetachForFailure")] },
  WaitDetachForFailure: { kind: "wait", seconds: 60, next: "CleanUpFailure" },
  CleanUpFailure: { kind: "task", task: "CleanUpFailure", next: "ReleaseLockFailure", retries: [retry("all", 30, 3, 2)], catches: [to("FailureDirty")] },
  ReleaseLockFailure: { kind: "task", task: "ReleaseLockFailure", next: "FailureClean", retries: [retry("all", 30, 3, 2)], catches: [to("FailureDirty")] },
  ...ENDS,
};

// The seed names classes and lets all others end the execution wherever it is; the last rule of a state is ours, for those.
const CLEAN_UP_ERRORS: ErrorsOf = ["CleanUpError", "PanicError"];
const UNLOCK_ERRORS: ErrorsOf = ["LockError", "PanicError"];

// biome-ignore format: a line is a state.
const SEED: ReleaseMachine = {
  Validate: { kind: "task", task: "Validate", next: "Lock", retries: [], catches: [to("FailureClean")] },
  Lock: { kind: "task", task: "Lock", next: "ValidateResources", retries: [], catches: [to("FailureClean", ["LockExistsError"]), to("ReleaseLockFailure", ["LockError"]), to("FailureDirty")] },
  ValidateResources: { kind: "task", task: "ValidateResources", next: "Deploy", retries: [], catches: [to("ReleaseLockFailure")] },
  Deploy: { kind: "task", task: "Deploy", next: "WaitForDeploy", retries: [], catches: [to("ReleaseLockFailure", ["HaltError"]), to("CleanUpFailure")] },
  WaitForDeploy: { kind: "wait", seconds: 30, next: "WaitForHealthy", halted: "CleanUpFailure" },
  WaitForHealthy: { kind: "wait", seconds: 15, next: "CheckHealthy", halted: "CleanUpFailure" },
  CheckHealthy: { kind: "task", task: "CheckHealthy", next: "Healthy?", retries: [retry(["HealthError", "PanicError"], 15, 3, 2)], catches: [to("CleanUpFailure")] },
  "Healthy?": { kind: "choice", healthy: "CleanUpSuccess", unhealthy: "WaitForHealthy", otherwise: "CleanUpFailure" },
  CleanUpSuccess: { kind: "task", task: "CleanUpSuccess", next: "Success", retries: [retry(["CleanUpError", "LockError", "PanicError"], 30, 3, 2)], catches: [to("FailureDirty")] },
  CleanUpFailure: { kind: "task", task: "CleanUpFailure", next: "ReleaseLockFailure", retries: [retry(CLEAN_UP_ERRORS, 30, 3, 2)], catches: [to("FailureDirty")] },
  ReleaseLockFailure: { kind: "task", task: "ReleaseLockFailure", next: "FailureClean", retries: [retry(UNLOCK_ERRORS, 30, 3, 2)], catches: [to("FailureDirty")] },
  ...ENDS,
};

/**
 * The states of a release, what each leads to, how often it is retried and where its errors lead, as both generations
 * of the predecessor have them.
 */
export const RELEASE_MACHINES: Readonly<Record<ReleaseConstants["generation"], ReleaseMachine>> = {
  odin: ODIN,
  "step-asg-deployer": SEED,
};
