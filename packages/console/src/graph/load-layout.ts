import type { GraphLayout, LayoutOptions } from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";
import { toWorkerUrl } from "../api/live.ts";
import type { LayoutAnswer, LayoutRequest } from "./layout-worker.ts";
import workerUrl from "./layout-worker.ts?worker&url";

const SILENT_MS = 10_000;

let worker: Worker | undefined;
let lastId = 0;

/** Lays a graph out in the worker. Undefined when that failed, or took too long: then the worker is ended. */
export function loadLayout(
  graph: MachineGraph,
  options: LayoutOptions,
  signal: AbortSignal,
): Promise<GraphLayout | undefined> {
  worker ??= new Worker(toWorkerUrl(workerUrl), { type: "module" });
  const asked = worker;
  lastId += 1;
  const id = lastId;
  return new Promise((resolve) => {
    const end = (layout: GraphLayout | undefined) => {
      clearTimeout(timer);
      asked.removeEventListener("message", onMessage);
      asked.removeEventListener("error", restart);
      signal.removeEventListener("abort", onAbort);
      resolve(layout);
    };
    const onMessage = ({ data }: MessageEvent<LayoutAnswer>) => {
      if (data.id === id) end(data.layout);
    };
    const onAbort = () => end(undefined);
    const restart = () => {
      asked.terminate();
      if (worker === asked) worker = undefined;
      end(undefined);
    };
    const timer = setTimeout(restart, SILENT_MS);
    asked.addEventListener("message", onMessage);
    asked.addEventListener("error", restart);
    signal.addEventListener("abort", onAbort);
    asked.postMessage({ id, graph, options } satisfies LayoutRequest);
  });
}
