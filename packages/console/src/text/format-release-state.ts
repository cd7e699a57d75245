/** What a release does in each of its states. */
const STATES: Readonly<Record<string, string>> = {
  Validate: "Check the document",
  Lock: "Lock",
  ValidateResources: "Check resources",
  Deploy: "Create groups",
  WaitForDeploy: "Wait for servers",
  WaitForHealthy: "Pause",
  CheckHealthy: "Check health",
  WaitForDetach: "Wait",
  DetachForSuccess: "Detach the old version",
  WaitDetachForSuccess: "Wait for connections",
  CleanUpSuccess: "Remove the old version",
  Success: "Success",
  DetachForFailure: "Detach the new version",
  WaitDetachForFailure: "Wait for connections",
  CleanUpFailure: "Remove the new version",
  ReleaseLockFailure: "Unlock",
  FailureClean: "Failed, cleaned up",
  FailureDirty: "Failed, left something behind",
};

/** Returns what a release does in a state, such as `Check health` for `CheckHealthy`; another state as it is called. */
export function formatReleaseState(state: string): string {
  return Object.hasOwn(STATES, state) ? (STATES[state] ?? state) : state;
}
