import { answerRequests } from "../api/answer-requests.ts";
import type { WorkerAnswer, WorkerRequest } from "./messages.ts";
import { tasks } from "./tasks.ts";

answerRequests(({ id, kind, input }: WorkerRequest): WorkerAnswer => {
  try {
    const run = tasks[kind] as (input: unknown) => unknown;
    return { id, output: run(input) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
});
postMessage({ kind: "ready" } satisfies WorkerAnswer);
