/** Seconds that an invocation of the state manager may take: a sweep of a large yard, and ten events at most. */
export const STATE_MANAGER_TIMEOUT_SECONDS = 60;

/** Seconds that an invocation of the task runner may take: as long as Lambda lets a function work. */
export const TASK_RUNNER_TIMEOUT_SECONDS = 900;
