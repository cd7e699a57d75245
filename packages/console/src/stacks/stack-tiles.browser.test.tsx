import type { StackSummary } from "@stackyard/sdk";
import { afterEach, describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { renderPage, type SentRequest } from "../testing/render-page.tsx";
import { aFailedStack, aStack, conditionCounts, HOSTILE } from "../testing/stacks.ts";
import { StacksPage } from "./stacks-page.tsx";

const COUNT = 10_000;
const WIDTHS = [1_440, 1_024, 390];

/** Every tenth one has a long name, a long failure, or what an outsider may have written. */
function toStack(_: unknown, index: number): StackSummary {
  const id = `pr-${String(index).padStart(5, "0")}`;
  const metadata = { team: "web", sha: "4f1cab12".repeat(5), url: `https://${id}.example.org/${"path/".repeat(40)}` };
  if (index % 10 === 1) return aStack(`${id}-${"a".repeat(240)}`, { metadata });
  if (index % 10 === 2) {
    const error = { errorCode: "X".repeat(120), errorMessage: `/${"very-long-path/".repeat(60)} ${HOSTILE}` };
    return aFailedStack(id, { metadata, tasks: [{ name: "database", status: "ERROR", ...error }] });
  }
  return aStack(id, { metadata, state: index % 10 === 3 ? "STATE-".repeat(30) : "LIVE" });
}

const stacks = Array.from({ length: COUNT }, toStack);

const api = {
  "GET /v1/machines": { items: [] },
  "GET /v1/stack-counts": conditionCounts(COUNT, { failed: COUNT / 10 }),
  "GET /v1/stacks": ({ query }: SentRequest) => {
    const start = Number(query["cursor"] ?? 0);
    const end = start + Number(query["limit"]);
    return { items: stacks.slice(start, end), ...(end < COUNT && { cursor: String(end) }) };
  },
};

const PAGES = 5;
/** Of the whole page: 20 lines of tiles, or 40 rows, and all around them. */
const MOST_NODES = 1_500;

const VIEWS = [
  { view: "tiles", area: ".tiles-scroll", item: ".tile[data-row]" },
  { view: "table", area: ".table-scroll", item: "tr[data-row]" },
] as const;

const countNodes = () => document.body.querySelectorAll("*").length;
const listsOf = (sent: readonly SentRequest[]) => sent.filter(({ path }) => path === "/v1/stacks");

afterEach(() => page.viewport(1_280, 800));

// Each is checked by axe at its end, too.
describe.each(VIEWS)("10,000 stacks as $view", ({ view, area, item }) => {
  it.each(WIDTHS)(
    "fit a page of %i px, and lay out only what is in view (xmlui#3020, systeminit/si#6431)",
    { tags: "page" },
    async (width) => {
      await page.viewport(width, 900);
      const { screen, sent } = await renderPage(StacksPage, `/stacks?view=${view}&sort=id`, api);
      await expect.element(screen.getByRole("link", { name: "pr-00000" }).first()).toBeVisible();
      const found = () => document.querySelector<HTMLElement>(area);
      const nodes = [countNodes()];
      const widths = [document.documentElement.scrollWidth];

      // In steps, because the list grows by what was read.
      for (let turn = 1; turn <= PAGES; turn += 1) {
        const before = found()?.scrollHeight ?? 0;
        found()?.scrollTo({ top: before });
        await expect.poll(() => found()?.scrollHeight).toBeGreaterThan(before);
        nodes.push(countNodes());
        widths.push(document.documentElement.scrollWidth);
      }
      // A row that is half under the head is too small for a finger.
      found()?.scrollTo({ top: 0 });
      await expect.element(screen.getByRole("link", { name: "pr-00000" }).first()).toBeVisible();

      expect(widths.filter((each) => each > width)).toEqual([]);
      expect(document.querySelectorAll(item).length).toBeLessThan(80);
      expect(Math.max(...nodes)).toBeLessThan(MOST_NODES);
      // A request for a hundred stacks, not some for each of them (argo-cd#15509), and none for all (argo-cd#9575).
      expect(listsOf(sent).length).toBeLessThanOrEqual(20);
      expect(listsOf(sent).filter(({ query }) => Number(query["limit"]) > 200)).toEqual([]);
    },
  );
});

it("says of a calm tile what runs there, and of one in trouble what failed", async () => {
  const metadata = { version: "2.17.4" };
  const { screen } = await renderPage(StacksPage, "/stacks?view=tiles", {
    ...api,
    "GET /v1/stack-counts": conditionCounts(3, { failed: 1 }),
    "GET /v1/stacks": { items: [aStack("calm", { metadata }), aFailedStack("broken", { metadata }), aStack("bare")] },
  });
  await expect.element(screen.getByRole("link", { name: "calm" })).toBeVisible();
  const textOf = (id: string, part: string) => document.querySelector(`[data-row=${id}] ${part}`)?.textContent;

  expect(textOf("calm", ".tile-now")).toBe("2.17.4");
  expect(textOf("calm", ".tile-facts")).toMatch(/^LIVEfor \d+d/);
  expect(textOf("bare", ".tile-now")).toBe("no version");
  expect(textOf("broken", ".tile-now")).toBe("database NO_ROOM no room");
  expect(textOf("broken", ".tile-facts")).toMatch(/^BUILD2\.17\.4/);
});
