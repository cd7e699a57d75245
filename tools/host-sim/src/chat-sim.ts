import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { text as readText } from "node:stream/consumers";
import { CHAT_CERTIFICATE, CHAT_KEY } from "./chat-certificate.ts";
import { listen, stop } from "./server.ts";

/** A request that was taken, or refused by a fault. */
export interface ChatRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: unknown;
}

/** How a request fails. */
export interface ChatFault {
  /** `hang` never answers; `huge` answers 200 and then a gibibyte. */
  readonly kind: "answer" | "hang" | "huge";
  readonly status?: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The request is carried out before it fails. */
  readonly afterDoing?: boolean;
}

/** A message in a channel of Slack. */
export interface SlackSimMessage {
  readonly ts: string;
  readonly body: unknown;
}

/** Slack, Teams, PagerDuty and a receiver of webhooks, over HTTPS. */
export interface ChatSim {
  /** With the address 127.0.0.1. */
  readonly url: string;
  readonly port: number;
  /** All requests, in order. */
  readonly requests: readonly ChatRequest[];
  /** What is in Slack, after edits. */
  readonly messages: readonly SlackSimMessage[];
  /** Alerts of PagerDuty that are open, by `dedup_key`. */
  readonly alerts: ReadonlySet<string>;
  fault: ((path: string) => ChatFault | undefined) | undefined;
  /** Deletes the messages, as a person does. */
  removeMessages(): void;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface State {
  readonly messages: { ts: string; body: unknown }[];
  readonly alerts: Set<string>;
}

/** Source: "Create an Incoming Webhook", Microsoft Learn: 28 KB. */
const MAX_TEAMS_BYTES = 28 * 1_024;
/** Source: "Send an event to PagerDuty", Events API v2. */
const MAX_PAGER_BYTES = 512 * 1_024;
const MAX_SUMMARY = 1_024;
const MAX_DEDUP_KEY = 255;
/** Source: "Reference: blocks" of Slack. */
const MAX_BLOCKS = 50;
const MAX_TEXT: Readonly<Record<string, number>> = { header: 150, section: 3_000 };
const GIBIBYTE = 2 ** 30;

/** Starts one on a free port. */
export async function startChatSim(): Promise<ChatSim> {
  const requests: ChatRequest[] = [];
  const state: State = { messages: [], alerts: new Set() };
  const sim: Omit<ChatSim, "url" | "port"> = {
    requests,
    messages: state.messages,
    alerts: state.alerts,
    fault: undefined,
    removeMessages: () => state.messages.splice(0),
    stop: () => stop(server),
  };
  const server = createServer({ cert: CHAT_CERTIFICATE, key: CHAT_KEY }, async (request, response) => {
    const text = await readText(request);
    const path = request.url ?? "/";
    const taken = { path, headers: request.headers, text, body: parse(text) };
    requests.push(taken);
    const fault = sim.fault?.(path);
    const answer =
      fault === undefined || fault.afterDoing === true ? carryOut(state, taken) : { status: 200, body: "" };
    if (fault === undefined) return send(response, answer, {});
    fail(response, fault);
  });
  const port = await listen(server);
  return Object.assign(sim, { url: `https://127.0.0.1:${port}`, port });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, { status, body }: Answer, headers: Readonly<Record<string, string>>): void {
  const isText = typeof body === "string";
  response.writeHead(status, { "content-type": isText ? "text/plain" : "application/json", ...headers });
  response.end(isText ? body : JSON.stringify(body));
}

function fail(response: ServerResponse, { kind, status = 500, body = "failed", headers = {} }: ChatFault): void {
  if (kind === "answer") send(response, { status, body }, headers);
  if (kind !== "huge") return;
  response.writeHead(200, { "content-length": String(GIBIBYTE) });
  const chunk = Buffer.alloc(65_536, "x");
  const pour = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on("drain", pour);
  pour();
}

function carryOut(state: State, request: ChatRequest): Answer {
  const { path, text } = request;
  const body: Record<string, unknown> = Object(request.body);
  if (path === "/hooks/slack") return postByWebhook(state, body);
  if (path.startsWith("/api/chat.")) return callMethod(state, request, body);
  if (path === "/teams") return { status: Buffer.byteLength(text) > MAX_TEAMS_BYTES ? 413 : 202, body: "" };
  if (path === "/v2/enqueue") return enqueue(state, text, body);
  return { status: 204, body: "" };
}

function postByWebhook({ messages }: State, body: Record<string, unknown>): Answer {
  const wrong = findSlackFault(body);
  if (wrong !== undefined) return { status: 400, body: wrong };
  messages.push({ ts: `${messages.length + 1}.000100`, body });
  return { status: 200, body: "ok" };
}

/** Answers a call of Slack's Web API. */
function callMethod(state: State, { path, headers }: ChatRequest, body: Record<string, unknown>): Answer {
  const wrong = findAppFault(headers, body);
  if (wrong !== undefined) return { status: 200, body: { ok: false, error: wrong } };
  return path === "/api/chat.update" ? updateMessage(state, body) : postMessage(state, body);
}

function postMessage({ messages }: State, body: Record<string, unknown>): Answer {
  const ts = `${messages.length + 1}.000100`;
  messages.push({ ts, body });
  return { status: 200, body: { ok: true, channel: body["channel"], ts } };
}

function updateMessage({ messages }: State, body: Record<string, unknown>): Answer {
  const found = messages.find(({ ts }) => ts === body["ts"]);
  if (found === undefined) return { status: 200, body: { ok: false, error: "message_not_found" } };
  found.body = body;
  return { status: 200, body: { ok: true, channel: body["channel"], ts: found.ts } };
}

function findAppFault({ authorization }: IncomingHttpHeaders, body: Record<string, unknown>): string | undefined {
  if (authorization !== "Bearer xoxb-test") return "invalid_auth";
  return body["channel"] === "C1" ? findSlackFault(body) : "channel_not_found";
}

function findSlackFault({ blocks, text }: Record<string, unknown>): string | undefined {
  if (!Array.isArray(blocks) || blocks.length > MAX_BLOCKS) return "invalid_blocks";
  if (typeof text !== "string" || text === "") return "no_text";
  const isWrong = blocks.some((block) => {
    const { type, text: element } = Object(block);
    const { text: content } = Object(element);
    return typeof content !== "string" || content === "" || content.length > (MAX_TEXT[String(type)] ?? 0);
  });
  return isWrong ? "invalid_blocks" : undefined;
}

function enqueue({ alerts }: State, text: string, body: Record<string, unknown>): Answer {
  const { routing_key: key, event_action: action, dedup_key: dedup, payload } = body;
  const { summary, source, severity } = Object(payload);
  const isKnown = typeof key === "string" && key.length === 32 && typeof dedup === "string";
  const isDescribed = typeof summary === "string" && typeof source === "string" && typeof severity === "string";
  const isValid = isKnown && dedup.length <= MAX_DEDUP_KEY && (action === "resolve" || isDescribed);
  if (!isValid || String(summary ?? "").length > MAX_SUMMARY || Buffer.byteLength(text) > MAX_PAGER_BYTES) {
    return { status: 400, body: { status: "invalid event", message: "Event object is invalid" } };
  }
  if (action === "resolve") alerts.delete(dedup);
  else alerts.add(dedup);
  return { status: 202, body: { status: "success", message: "Event processed", dedup_key: dedup } };
}
