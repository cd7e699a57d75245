import { createListeners } from "./listeners.ts";
import type { LiveEvent, LiveRequest } from "./live-messages.ts";
import workerUrl from "./live-worker.ts?sharedworker&url";
import plainWorkerUrl from "./live-worker.ts?worker&url";
import { findTrustedTypes, type WorkerPolicy } from "./trusted-types.ts";

/** A connection of this page to the worker that has the yard's stream. */
export interface Live {
  readonly send: (request: LiveRequest) => void;
  readonly subscribe: (listener: (event: LiveEvent) => void) => () => void;
}

/** Connects to the worker that all tabs share, or, where the browser has no shared workers, to one of this tab. */
export function connectLive(): Live {
  const { subscribe, notify } = createListeners<LiveEvent>();
  const port = openPort();
  port.onmessage = (message: MessageEvent<LiveEvent>) => notify(message.data);
  const send = (request: LiveRequest) => port.postMessage(request);
  const onVisibility = () => send({ kind: "visible", visible: document.visibilityState === "visible" });
  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("pagehide", ({ persisted }) =>
    send(persisted ? { kind: "visible", visible: false } : { kind: "close" }),
  );
  onVisibility();
  return { send, subscribe };
}

function openPort(): MessagePort | Worker {
  if (typeof SharedWorker !== "undefined") {
    const worker = new SharedWorker(toWorkerUrl(workerUrl), { type: "module", name: "stackyard-live" });
    worker.port.start();
    return worker.port;
  }
  return new Worker(toWorkerUrl(plainWorkerUrl), { type: "module" });
}

// Vite serves workers in development and tests from the sources.
const WORKER_PATH = import.meta.env.PROD ? /^\/assets\// : /\/src\//;

let policy: WorkerPolicy | undefined;

/** Admits the address of a worker of ours. The page's content security policy refuses every other one. */
export function toWorkerUrl(url: string): string {
  const rules = {
    createScriptURL(address: string) {
      const { origin, pathname } = new URL(address, location.href);
      if (origin === location.origin && !pathname.includes("..") && WORKER_PATH.test(pathname)) return address;
      throw new TypeError(`"${address}" is not a worker of the console.`);
    },
  };
  policy ??= findTrustedTypes()?.createPolicy("stackyard-worker", rules) ?? rules;
  return policy.createScriptURL(url);
}
