import { answerRequests } from "../api/answer-requests.ts";
import type { WorkerAnswer, WorkerRequest } from "./messages.ts";
import { tasks } from "./tasks.ts";

answerRequests(async ({ id, kind, input }: WorkerRequest): Promise<WorkerAnswer> => {
  try {
    const run = tasks[kind] as (input: unknown) => unknown;
    return { id, output: await run(input) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
});
postMessage({ kind: "ready" } satisfies WorkerAnswer);
