/** Time-out of the state manager in seconds: enough for a sweep of a large yard, and ten events at most. */
export const STATE_MANAGER_TIMEOUT_SECONDS = 60;

/** Time-out of the task runner in seconds: the maximum of Lambda. */
export const TASK_RUNNER_TIMEOUT_SECONDS = 900;
