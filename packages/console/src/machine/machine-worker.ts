import type { WorkerAnswer, WorkerRequest } from "./messages.ts";
import { tasks } from "./tasks.ts";

const scope = globalThis as unknown as {
  postMessage(answer: WorkerAnswer): void;
  onmessage?: (message: MessageEvent<WorkerRequest>) => void;
};

scope.onmessage = ({ data: { id, kind, input } }) => {
  try {
    const run = tasks[kind] as (input: unknown) => unknown;
    scope.postMessage({ id, output: run(input) });
  } catch (error) {
    scope.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
};
