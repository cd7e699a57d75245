import type { Octokit } from "@octokit/core";
import { isMap, listPages } from "@stackyard/core";
import { Type } from "typebox";
import type { SentDelivery } from "../code-host.ts";
import { readWarned, type WarnOfRows } from "../poll/read-rows.ts";
import { REQUEST_MS } from "./open-repository.ts";

const Delivery = Type.Object({
  // Beyond 2^53 it is parsed without loss.
  id: Type.Union([Type.Integer(), Type.BigInt()]),
  guid: Type.String(),
  delivered_at: Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\dT" }),
  event: Type.String(),
  status: Type.String(),
});

/** Deliveries that took long are listed after later ones. */
const OVERLAP_MS = 300_000;

/**
 * Lists the deliveries to an App since an instant and a little before, newest first; without one, only the newest.
 * Source: "REST API endpoints for GitHub App webhooks", GitHub Docs.
 */
export async function listDeliveries(
  octokit: Octokit,
  until: number | undefined,
  warn: WarnOfRows,
): Promise<readonly SentDelivery[]> {
  const found: SentDelivery[] = [];
  const since = until && until - OVERLAP_MS;
  const pages = listPages(async (start) => {
    const { data, headers } = await octokit.request("GET /app/hook/deliveries", {
      // Not only one: the newest may be one that cannot be read.
      per_page: since === undefined ? 10 : 100,
      ...start,
      request: { signal: AbortSignal.timeout(REQUEST_MS) },
    });
    return { data, cursor: findCursor(headers.link) };
  });
  for await (const { data } of pages) {
    // The status of a delivery that failed is not "OK". Source: "Handling failed webhook deliveries", GitHub Docs.
    const rows = readWarned(Delivery, data, { list: "deliveries of the App", warn });
    const page = rows.map(({ id, guid, delivered_at: at, event, status }): SentDelivery => {
      const sent = { "x-github-event": event, "x-github-delivery": guid };
      return { id, headers: sent, position: Date.parse(at), isTaken: status === "OK" };
    });
    if (since === undefined) return page.slice(0, 1);
    found.push(...page.filter(({ position }) => position >= since));
    if (page.some(({ position }) => position < since)) break;
  }
  return found;
}

function findCursor(link = ""): string | undefined {
  const next = link.split(",").find((each) => each.includes('rel="next"'));
  return next?.match(/[?&]cursor=([^&>]+)/)?.[1];
}

/**
 * Returns the body of a delivery as a receiver parses it, where large integers are numbers too. Undefined for what has
 * no request: it would not be readable later either, and must not hide the deliveries after it.
 */
export function toDeliveryBody(delivery: unknown): unknown {
  const request = isMap(delivery) ? delivery["request"] : undefined;
  if (!isMap(request)) return undefined;
  const text = JSON.stringify(request["payload"] ?? {}, (_, value) =>
    typeof value === "bigint" ? Number(value) : value,
  );
  return JSON.parse(text);
}
