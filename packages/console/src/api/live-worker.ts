import { backoff } from "@stackyard/core";
import { openStream, StackyardApiError, type StreamMessage } from "@stackyard/sdk";
import { createLiveLogs } from "./live-logs.ts";
import type { LiveEvent, LiveRequest, LiveState } from "./live-messages.ts";
import { refuseWebPages, WebPageError } from "./web-page.ts";

// The yard's stream, once a browser: all tabs are ports of this worker. It passes on at most 4 batches a second, and closes the
// stream when no tab has been visible for 5 minutes.

const BATCH_MS = 250;
const HIDDEN_MS = 5 * 60_000;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
const KINDS = ["history", "progress", "bulk"] as const;

interface Port {
  postMessage(event: LiveEvent): void;
  onmessage: ((message: MessageEvent<LiveRequest>) => void) | null;
}

interface Tab {
  readonly port: Port;
  visible: boolean;
  attemptId: string | undefined;
}

const yard = { url: location.origin, fetch: refuseWebPages((...input) => globalThis.fetch(...input)) };
const tabs = new Set<Tab>();
let state: LiveState = { kind: "connecting" };
let pending: StreamMessage[] = [];
let restart = false;
let flushing: ReturnType<typeof setTimeout> | undefined;
let hiding: ReturnType<typeof setTimeout> | undefined;
let yardStream: AbortController | undefined;
const logs = createLiveLogs((attemptId, signal) => void followLog(attemptId, signal));

function broadcast(event: LiveEvent): void {
  for (const { port } of tabs) port.postMessage(event);
}

function setState(next: LiveState): void {
  state = next;
  broadcast({ kind: "state", state });
}

function flush(): void {
  flushing = undefined;
  if (pending.length === 0 && !restart) return;
  broadcast({ kind: "batch", messages: pending, ...(restart && { restart: true as const }) });
  pending = [];
  restart = false;
}

function enqueue(message: StreamMessage): void {
  pending.push(message);
  if (flushing === undefined) flushing = setTimeout(flush, BATCH_MS);
}

const position: { lastEventId?: string } = {};

/** Follows the stream over lost connections until the signal is aborted. The SDK's own retries would hide that it is lost. */
async function follow(signal: AbortSignal): Promise<void> {
  let lostAt: number | undefined;
  for (let tries = 0; !signal.aborted; tries += 1) {
    const end = await readConnection(signal);
    if (signal.aborted) return;
    if (end === "signed-out") return setState({ kind: "signed-out" });
    if (end === "was-live") [tries, lostAt] = [0, undefined];
    lostAt ??= Date.now();
    setState({ kind: "reconnecting", sinceMs: lostAt, ...(end === "web-page" && { meetsWebPage: true }) });
    await pause(backoff(tries + 1, { first: FIRST_RETRY_MS, most: MAX_RETRY_MS }) * (0.5 + Math.random() / 2), signal);
  }
}

/** Passes on one connection's messages until it ends. */
async function readConnection(signal: AbortSignal): Promise<"was-live" | "never-live" | "signed-out" | "web-page"> {
  let end: "was-live" | "never-live" = "never-live";
  try {
    for await (const message of openStream(yard, { kinds: KINDS, signal, reconnect: false, ...position })) {
      if (message.kind === "ready") {
        end = "was-live";
        restart = true;
        setState({ kind: "live" });
      }
      position.lastEventId = message.id;
      enqueue(message);
    }
  } catch (error) {
    if (error instanceof WebPageError) return "web-page";
    if (isStatus(error, 401)) return "signed-out";
    // The history after the last message was pruned: begin again with the present.
    if (isStatus(error, 404)) delete position.lastEventId;
  }
  return end;
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof StackyardApiError && error.problem.status === status;
}

let wake: (() => void) | undefined;

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      wake = undefined;
      resolve();
    }
    signal.addEventListener("abort", done);
    wake = done;
  });
}

/** Opens or closes the streams as the tabs need them. */
function update(): void {
  const visible = [...tabs].some((tab) => tab.visible);
  if (visible) {
    clearTimeout(hiding);
    hiding = undefined;
    if (yardStream === undefined) {
      yardStream = new AbortController();
      void follow(yardStream.signal);
    }
  } else hiding ??= setTimeout(closeAll, HIDDEN_MS);
  const shown = [...tabs].reverse().filter((tab) => tab.visible);
  logs.update(shown.flatMap(({ attemptId }) => attemptId ?? []));
}

async function followLog(attemptId: string, signal: AbortSignal): Promise<void> {
  try {
    for await (const message of openStream(yard, { kinds: ["log"], attemptId, signal })) {
      if (message.kind !== "ready") enqueue(message);
    }
  } catch {
    // The log's screen fetches ranges and shows its own errors.
  }
}

function closeAll(): void {
  hiding = undefined;
  endStream();
  logs.update([]);
  setState({ kind: "connecting" });
}

function retry(): void {
  if (state.kind === "signed-out") endStream();
  wake?.();
}

function endStream(): void {
  yardStream?.abort();
  yardStream = undefined;
}

/** Drops what was of the person before; `update` opens the streams of the one who is signed in now. */
function beginAnew(): void {
  endStream();
  logs.update([]);
  pending = [];
  delete position.lastEventId;
}

function connect(port: Port): void {
  const tab: Tab = { port, visible: false, attemptId: undefined };
  tabs.add(tab);
  port.postMessage({ kind: "state", state });
  port.onmessage = ({ data }) => {
    if (data.kind === "visible") tab.visible = data.visible;
    if (data.kind === "close") tabs.delete(tab);
    if (data.kind === "log") tab.attemptId = data.attemptId;
    if (data.kind === "another-person") beginAnew();
    if (data.kind === "retry") retry();
    update();
  };
}

// A dedicated worker is a port itself; a shared one gets a port from each tab.
if ("postMessage" in globalThis) connect(globalThis);
else {
  addEventListener("connect", (event) => {
    const [port] = (event as MessageEvent).ports;
    if (port !== undefined) connect(port);
  });
}
