import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { finished } from "node:stream/promises";
import { escapeHtml } from "@stackyard/core";
import { toHostFault } from "../github/request-outcome.ts";
import type { AppManifest } from "./app-manifest.ts";

/** The input of the pages. */
export interface RegistrationInput<Result> {
  readonly manifest: AppManifest;
  /** The page of GitHub that takes the manifest. */
  readonly newAppUrl: string;
  /** Random text that GitHub returns with the code. */
  readonly state: string;
  readonly signal: AbortSignal;
  readonly onListening: (url: string) => void;
  /** Called when GitHub did not answer; the person may try again. */
  readonly onRetry: () => void;
  /** Exchanges the code of GitHub, and stores the result. */
  readonly exchange: (code: string) => Promise<Result>;
}

/**
 * Serves a local page with a button that sends the manifest to GitHub, until GitHub redirects the person back. Resolves
 * with the result of exchanging the code; rejects when the signal aborts, and when the exchange fails permanently.
 */
export async function serveRegistration<Result>(input: RegistrationInput<Result>): Promise<Result> {
  const { signal, onListening } = input;
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const server = createServer();
  try {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const answer = createAnswer({ ...input, host, resolve, reject });
      server.on("request", (request, response) => void answer(request, response).catch(reject));
      onListening(`http://${host}/`);
    });
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    await stop(server);
  }
}

/** Browsers keep unused connections open. */
function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

interface AnswerInput<Result> extends RegistrationInput<Result> {
  readonly host: string;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

function createAnswer<Result>(input: AnswerInput<Result>) {
  const { host, state, newAppUrl, exchange, onRetry, resolve, reject } = input;
  const manifest: AppManifest = { ...input.manifest, redirect_url: `http://${host}/created` };
  const form = toForm(`${newAppUrl}?state=${state}`, manifest);
  const formOrigin = new URL(newAppUrl).origin;
  let isExchanging = false;

  async function show(response: ServerResponse, status: number, html: string): Promise<void> {
    response.writeHead(status, toHeaders(formOrigin)).end(toPage(html));
    // A browser that has left needs no answer.
    await finished(response).catch(() => undefined);
  }

  async function receive(code: string, response: ServerResponse): Promise<void> {
    if (isExchanging) return show(response, 409, "<p>The code of this page is being used.</p>");
    isExchanging = true;
    try {
      const result = await exchange(code);
      await show(response, 200, "<p>The App is set up. Your terminal says what follows. You can close this page.</p>");
      resolve(result);
    } catch (error) {
      const fault = toHostFault(error, Date.now())?.kind;
      if (fault === "down" || fault === "waiting") {
        isExchanging = false;
        onRetry();
        return show(response, 502, "<p>GitHub did not answer. Reload this page to try again.</p>");
      }
      await show(response, 500, "<p>The App is not set up. Your terminal says why.</p>");
      reject(error);
    }
  }

  return (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = parseRequest(request, { host, state });
    if (asked.kind === "form") return show(response, 200, form);
    if (asked.kind === "code") return receive(asked.code, response);
    return show(response, asked.status, `<p>${asked.text}</p>`);
  };
}

type Asked =
  | { readonly kind: "form" }
  | { readonly kind: "code"; readonly code: string }
  | { readonly kind: "refused"; readonly status: number; readonly text: string };

function parseRequest(
  { method, url = "", headers }: IncomingMessage,
  expected: { host: string; state: string },
): Asked {
  // A page on another site that wants to read the state uses another name for this machine.
  if (headers.host !== expected.host) return refuse(421, "Wrong address.");
  if (method !== "GET") return refuse(405, "This page can only be opened.");
  const found = URL.parse(url, `http://${expected.host}`);
  if (found?.pathname === "/") return { kind: "form" };
  return found?.pathname === "/created" ? parseCode(found.searchParams, expected.state) : refuse(404, "Not found.");
}

function parseCode(parameters: URLSearchParams, state: string): Asked {
  if (!isSame(parameters.get("state") ?? "", state)) {
    return refuse(400, "This address does not come from the page of your terminal.");
  }
  const code = parameters.get("code") ?? "";
  return /^[\w-]{1,200}$/.test(code) ? { kind: "code", code } : refuse(400, "The address has no valid code.");
}

function refuse(status: number, text: string): Asked {
  return { kind: "refused", status, text };
}

function isSame(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Returns headers: the page runs and loads nothing, and sends its form only to GitHub. */
function toHeaders(formOrigin: string) {
  return {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `default-src 'none'; form-action ${formOrigin}; frame-ancestors 'none'; base-uri 'none'`,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    connection: "close",
  };
}

function toForm(action: string, manifest: AppManifest): string {
  const { url } = manifest.hook_attributes;
  return `<p>GitHub will ask for the name of the App, and then return here. Its webhook is <code>${escapeHtml(url)}</code>.</p>
<form method="post" action="${escapeHtml(action)}">
<input type="hidden" name="manifest" value="${escapeHtml(JSON.stringify(manifest))}">
<button>Create the App at GitHub</button></form>`;
}

function toPage(html: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Stackyard</title></head><body>${html}</body></html>`;
}
