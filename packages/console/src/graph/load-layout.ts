import type { GraphLayout, LayoutOptions } from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";
import { toWorkerUrl } from "../api/live.ts";
import type { LayoutAnswer, LayoutRequest } from "./layout-worker.ts";
import workerUrl from "./layout-worker.ts?worker&url";

const SILENT_MS = 10_000;

/** Lays a graph out. Undefined when that failed, or took too long. */
type LoadLayout = (
  graph: MachineGraph,
  options: LayoutOptions,
  signal: AbortSignal,
) => Promise<GraphLayout | undefined>;

/** A worker, which answers once it has been loaded. */
interface Started {
  readonly worker: Worker;
  readonly loaded: Promise<void>;
}

/** Creates a function that lays graphs out in a worker, which is ended when it has been loaded and is silent for 10 s. */
export function createLayoutLoader(
  startWorker: () => Worker = () => new Worker(toWorkerUrl(workerUrl), { type: "module" }),
  silentMs = SILENT_MS,
): LoadLayout {
  let started: Started | undefined;
  let lastId = 0;
  return (graph, options, signal) => {
    started ??= start(startWorker());
    const asked = started;
    const { worker } = asked;
    lastId += 1;
    const id = lastId;
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      let isOver = false;
      const end = (layout: GraphLayout | undefined) => {
        isOver = true;
        clearTimeout(timer);
        worker.removeEventListener("message", onMessage);
        worker.removeEventListener("error", restart);
        signal.removeEventListener("abort", onAbort);
        resolve(layout);
      };
      const onMessage = ({ data }: MessageEvent<LayoutAnswer>) => {
        if ("id" in data && data.id === id) end(data.layout);
      };
      const onAbort = () => end(undefined);
      const restart = () => {
        worker.terminate();
        if (started === asked) started = undefined;
        end(undefined);
      };
      worker.addEventListener("message", onMessage);
      worker.addEventListener("error", restart);
      signal.addEventListener("abort", onAbort);
      worker.postMessage({ id, graph, options } satisfies LayoutRequest);
      // The network decides how long the worker loads.
      void asked.loaded.then(() => {
        if (!isOver) timer = setTimeout(restart, silentMs);
      });
    });
  };
}

function start(worker: Worker): Started {
  const loaded = new Promise<void>((resolve) => worker.addEventListener("message", () => resolve(), { once: true }));
  return { worker, loaded };
}

/** Lays a graph out in the worker of this page. */
export const loadLayout: LoadLayout = createLayoutLoader();
