import type { PluginContext, PluginService, ServiceDeps, ServiceRequest, Stack } from "@stackyard/core";
import { escapeHtml } from "@stackyard/core";
import { noteWish } from "@stackyard/core/services";
import type { PreviewsOptions } from "./definition.ts";
import { findReactions } from "./find-reactions.ts";
import { findWakeStack, toWakeLink } from "./wake-link.ts";

const EVENT = "WAKE";
/** The sender of events that wake stacks. */
const USER = { id: "previews/wake", name: "wake link" };
/** The most requests from one address in a minute. */
const MOST_A_MINUTE = 10;
const MOST_ADDRESSES = 10_000;
const MINUTE_MS = 60_000;

/** The page runs and loads nothing, and no other page can embed it. */
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-robots-tag": "noindex",
};

/**
 * Creates the service of wake links. Opening a link shows a button, because programs that preview links open them too; the button
 * sends the event. Returns no service without keys.
 */
export function createWakeServices(
  { wake }: Pick<PreviewsOptions, "wake">,
  { url, servicesUrl = url }: Pick<PluginContext, "url" | "servicesUrl"> = {},
): readonly PluginService[] {
  if (wake === undefined) return [];
  const limit = createLimit();
  const findStackId = async ({ url }: ServiceRequest, { readSecret }: ServiceDeps) =>
    findWakeStack(url, await Promise.all(wake.keys.map(readSecret)));
  return [
    {
      name: "wake",
      async listLinks(stack, deps) {
        const [newest] = wake.keys;
        if (servicesUrl === undefined || newest === undefined || !(await sleeps(deps, stack))) return [];
        return [
          { label: "Wake up", url: toWakeLink({ url: servicesUrl, key: await deps.readSecret(newest) }, stack.id) },
        ];
      },
      routes: [
        {
          method: "GET",
          path: "/wake/*",
          maxBytes: 0,
          async answer(request, deps) {
            const stackId = await findStackId(request, deps);
            if (stackId === undefined) return toPage(401, "This link is not valid.");
            return toPage(200, `Wake up ${stackId}?`, '<form method="post"><button>Wake up</button></form>');
          },
        },
        {
          method: "POST",
          path: "/wake/*",
          maxBytes: 1_024,
          async answer(request, deps) {
            const stackId = await findStackId(request, deps);
            if (stackId === undefined) return toPage(401, "This link is not valid.");
            if (!limit(request.address ?? "", deps.clock.now())) return toPage(429, "Try again in a minute.");
            return wakeUp(deps, stackId);
          },
        },
      ],
    },
  ];
}

/** Returns true for a stack that the event would move to another state. */
async function sleeps(deps: ServiceDeps, stack: Stack): Promise<boolean> {
  const { state } = stack;
  const reactions = await findReactions(deps, stack, EVENT);
  return reactions?.some(({ advance }) => advance.length > 0 && !advance.includes(state)) === true;
}

async function wakeUp(deps: ServiceDeps, stackId: string): Promise<Response> {
  const stack = await deps.findStack(stackId);
  if (stack === undefined) return toPage(404, `${stackId} does not exist any more.`);
  // An event that the state does not handle would be parked, and end the next sleep.
  if (!(await sleeps(deps, stack))) return toPage(200, `${stackId} is not asleep.`);
  await noteWish(deps, stackId, deps.clock.now());
  const id = `wake/${deps.ids.next()}`;
  const published = await deps.publish({ id, stackId, machine: stack.machine, event: EVENT, metadata: {} }, USER);
  if (published.kind === "invalid") return toPage(409, `${stackId} cannot be woken: ${published.reason}`);
  return toPage(200, `${stackId} is woken up.`);
}

/** Counts in this process, by whole minutes. */
function createLimit(): (address: string, now: number) => boolean {
  const counts = new Map<string, number>();
  let minute = 0;
  return (address, now) => {
    const present = Math.floor(now / MINUTE_MS);
    if (present !== minute) counts.clear();
    minute = present;
    const count = counts.get(address) ?? 0;
    if (count >= MOST_A_MINUTE || (count === 0 && counts.size >= MOST_ADDRESSES)) return false;
    counts.set(address, count + 1);
    return true;
  };
}

function toPage(status: number, text: string, html = ""): Response {
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Stackyard</title></head><body><p>${escapeHtml(text)}</p>${html}</body></html>`;
  return new Response(page, { status, headers: HEADERS });
}
