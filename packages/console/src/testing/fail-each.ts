import { expect, vi } from "vitest";
import { type Answer, problem, type renderPage, type SentRequest } from "./render-page.tsx";

type Api = Readonly<Record<string, Answer>>;
type Rendered = Awaited<ReturnType<typeof renderPage>>;

interface FailEach {
  readonly api: Api;
  readonly show: (api: Api) => Promise<Rendered>;
  /** Texts that are true only of what is known. */
  readonly neverSays?: readonly string[];
  /** Requests without which nothing of the page is missing: how their paths and queries begin. */
  readonly spared?: readonly string[];
  /** Sentences on what is not there that do not come from a list. */
  readonly known?: readonly string[];
  /** The API has an answer for each request. */
  readonly isWhole?: true;
}

const DETAIL = "The store does not answer.";
const QUIET_MS = 300;
const PATIENCE_MS = 5_000;
/** A page that asks again by the answer of what it has asked needs a few. */
const MOST_ROUNDS = 30;

/**
 * Opens a page once for each request that it sends, and lets that one fail: the page says so where its data are missing, and nothing that is
 * true only of what is known.
 */
export async function failEach({
  api,
  show,
  neverSays = [],
  spared = [],
  known = [],
  isWhole,
}: FailEach): Promise<void> {
  const whole = await show(api);
  await toQuiet(whole);
  const requests = new Map(whole.sent.filter(isRead).map((request) => [toName(request), request]));
  await whole.screen.unmount();
  const unanswered = [...requests.values()].filter(({ path }) => api[`GET ${path}`] === undefined);
  if (isWhole)
    expect(
      unanswered.map(({ path }) => path),
      "requests without an answer",
    ).toEqual([]);
  const silent: string[] = [];
  for (const [name, request] of requests) {
    const key = `GET ${request.path}`;
    if (api[key] === undefined || spared.some((start) => name.startsWith(start))) continue;
    const page = await show({ ...api, [key]: failOnly(name, api[key]) });
    await toQuiet(page);
    const isSaid = () => FAILED.test(document.body.textContent);
    await vi.waitUntil(isSaid, { timeout: PATIENCE_MS }).catch(() => silent.push(name));
    for (const text of neverSays) expect(document.body.textContent, `${name} has failed`).not.toContain(text);
    await page.screen.unmount();
  }
  expect(silent, "requests whose failure the page does not say").toEqual([]);
  await failTogether({ api, show, known });
}

/**
 * Lets all requests fail whose answer is an empty list, and then all requests: nothing that the page says may be a word on what is not there, and
 * it does not ask without end.
 */
async function failTogether({ api, show, known = [] }: Pick<FailEach, "api" | "show" | "known">): Promise<void> {
  const reads = Object.entries(api).filter(([key]) => key.startsWith("GET ") && key !== "GET /v1/me");
  for (const failing of [reads.filter(([, answer]) => isEmptyList(answer)), reads]) {
    const refused = failing.map(([key]) => [key, () => problem(500, "SERVER_ERROR", DETAIL)] as const);
    const page = await show({ ...api, ...Object.fromEntries(refused) });
    await toQuiet(page);
    const claims = listClaims().filter((text) => !known.some((start) => text.startsWith(start)));
    expect(claims, `said while ${failing.length} requests fail`).toEqual([]);
    await page.screen.unmount();
  }
}

function isEmptyList(answer: Answer): boolean {
  return (
    typeof answer === "object" &&
    answer !== null &&
    "items" in answer &&
    Array.isArray(answer.items) &&
    answer.items.length === 0
  );
}

/** How a sentence begins that is true only of what is known to be none. */
const NONE = /^(?:No|None|Nothing|Never|Nobody|Not yet|All quiet|There (?:is|are) no)\b/;

function listClaims(): readonly string[] {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const claims: string[] = [];
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.textContent?.trim() ?? "";
    const place = node.parentElement?.closest("option, button, [hidden], [role=alert], .hidden-visually, label");
    if (NONE.test(text) && (place === undefined || place === null)) claims.push(text);
  }
  return claims;
}

const FAILED = /The store does not answer\.|could not be loaded|not loaded: retry|–.*not known/;

function isRead({ method, path }: SentRequest): boolean {
  return method === "GET" && path !== "/v1/me";
}

function toName({ path, query }: SentRequest): string {
  return `${path} ${JSON.stringify(query)}`;
}

function failOnly(name: string, given: Answer): Answer {
  return (request: SentRequest, headers: Headers) => {
    if (toName(request) === name) return problem(500, "SERVER_ERROR", DETAIL);
    return typeof given === "function" ? given(request, headers) : given;
  };
}

/** Waits until the page has sent nothing for a while. */
async function toQuiet({ sent }: Rendered): Promise<void> {
  let before = -1;
  for (let rounds = 0; before !== sent.length; rounds += 1) {
    if (rounds > MOST_ROUNDS) throw new Error(`The page does not stop asking: ${sent.length} requests.`);
    before = sent.length;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  }
}
