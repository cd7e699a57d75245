import { toWorkerUrl } from "../api/live.ts";
import workerUrl from "./machine-worker.ts?worker&url";
import type { Tasks, WorkerAnswer, WorkerRequest } from "./messages.ts";

/** Longer than this the worker must not be silent; then it is replaced. */
const SILENT_MS = 5_000;

/** The worker did not answer in time and was replaced. */
export class MachineTimeout extends Error {
  readonly code = "MACHINE_TIMEOUT";

  constructor() {
    super("Parsing took too long. Undo the last change or make the machine smaller.");
  }
}

interface Waiting {
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Runs tasks about machines in a worker. */
export interface MachineClient {
  /**
   * Runs a task.
   *
   * @throws MachineTimeout when the worker, once it has been loaded, does not answer within 5 s; it is replaced.
   */
  readonly run: <Kind extends keyof Tasks>(kind: Kind, input: Tasks[Kind]["in"]) => Promise<Tasks[Kind]["out"]>;
}

/** Creates a client; its worker starts with the first task. */
export function createMachineClient(
  startWorker: () => Worker = () => new Worker(toWorkerUrl(workerUrl), { type: "module" }),
  silentMs = SILENT_MS,
): MachineClient {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let isReady = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastId = 0;

  const watch = () => {
    clearTimeout(timer);
    // The network decides how long the worker loads.
    if (isReady && waiting.size > 0) timer = setTimeout(() => restart(new MachineTimeout()), silentMs);
  };
  const restart = (error: Error) => {
    worker?.terminate();
    worker = undefined;
    isReady = false;
    const lost = [...waiting.values()];
    waiting.clear();
    for (const { reject } of lost) reject(error);
  };
  const start = (): Worker => {
    const started = startWorker();
    started.onmessage = ({ data }: MessageEvent<WorkerAnswer>) => {
      if ("kind" in data) {
        isReady = true;
        return watch();
      }
      const own = waiting.get(data.id);
      waiting.delete(data.id);
      watch();
      if ("error" in data) own?.reject(new Error(data.error));
      else own?.resolve(data.output);
    };
    started.onerror = () => restart(new Error("The worker that reads machines could not be started."));
    return started;
  };

  return {
    run: (kind, input) =>
      new Promise((resolve, reject) => {
        worker ??= start();
        lastId += 1;
        waiting.set(lastId, { resolve: resolve as Waiting["resolve"], reject });
        worker.postMessage({ id: lastId, kind, input } as WorkerRequest);
        if (waiting.size === 1) watch();
      }),
  };
}

/** The worker of this page. */
export const machineClient = createMachineClient();
