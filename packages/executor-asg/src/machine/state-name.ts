/** The states of a release, as the predecessor names them. */
export const RELEASE_STATE_NAMES = [
  "Validate",
  "Lock",
  "ValidateResources",
  "Deploy",
  "WaitForDeploy",
  "WaitForHealthy",
  "CheckHealthy",
  "Healthy?",
  "WaitForDetach",
  "DetachForSuccess",
  "WaitDetachForSuccess",
  "CleanUpSuccess",
  "DetachForFailure",
  "WaitDetachForFailure",
  "CleanUpFailure",
  "ReleaseLockFailure",
  "Success",
  "FailureClean",
  "FailureDirty",
] as const;

/** The name of a state. */
export type ReleaseStateName = (typeof RELEASE_STATE_NAMES)[number];

/**
 * What the deployer's function is called for: the states that do something, and to delete the groups that were kept for
 * a while.
 */
export type ReleaseTaskName =
  | Extract<
      ReleaseStateName,
      | "Validate"
      | "Lock"
      | "ValidateResources"
      | "Deploy"
      | "CheckHealthy"
      | "DetachForSuccess"
      | "CleanUpSuccess"
      | "DetachForFailure"
      | "CleanUpFailure"
      | "ReleaseLockFailure"
    >
  | "RetireKept";
