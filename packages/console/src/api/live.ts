import { createListeners } from "./listeners.ts";
import type { LiveEvent, LiveRequest } from "./live-messages.ts";
import workerUrl from "./live-worker.ts?sharedworker&url";
import plainWorkerUrl from "./live-worker.ts?worker&url";

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

interface WorkerPolicy {
  createScriptURL(url: string): string;
}

interface TrustedTypes {
  createPolicy(name: string, rules: Partial<WorkerPolicy> & { createHTML?(html: string): string }): WorkerPolicy;
}

/** Admits `innerHTML = ""`, with which React Aria clears its announcer, and no other text (Trusted Types). */
export function allowEmptyHtml(): void {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  trustedTypes?.createPolicy("default", {
    createHTML(html) {
      if (html === "") return "";
      throw new TypeError("The console writes no HTML.");
    },
  });
}

// Vite serves workers in development and tests from the sources.
const WORKER_PATH = import.meta.env.PROD ? /^\/assets\// : /\/src\//;

let policy: WorkerPolicy | undefined;

/** Admits the address of a worker of ours. The page's content security policy refuses every other one. */
export function toWorkerUrl(url: string): string {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  const rules = {
    createScriptURL(address: string) {
      const { origin, pathname } = new URL(address, location.href);
      if (origin === location.origin && !pathname.includes("..") && WORKER_PATH.test(pathname)) return address;
      throw new TypeError(`"${address}" is not a worker of the console.`);
    },
  };
  policy ??= trustedTypes?.createPolicy("stackyard-worker", rules) ?? rules;
  return policy.createScriptURL(url);
}
