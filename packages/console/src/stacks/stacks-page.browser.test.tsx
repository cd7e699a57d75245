import type { StackSummary } from "@stackyard/sdk";
import { type ComponentType, createElement } from "react";
import { beforeEach, describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import { queryClient } from "../api/client.ts";
import { useShortcuts } from "../app/shortcuts.tsx";
import { useSearch } from "../design/links.tsx";
import { problem, renderPage, type SentRequest, viewer } from "../testing/render-page.tsx";
import {
  aBulk,
  aFailedStack,
  aStack,
  conditionCounts,
  HOSTILE,
  isDryRun,
  listedOf,
  never,
  SHOWN_HOSTILE,
} from "../testing/stacks.ts";
import { StacksPage } from "./stacks-page.tsx";

/** The height of a row with its border, as the design has it. */
const ROW_PX = 37;

/** Answers as a server with these stacks, by pages of 100. */
function serve(stacks: readonly StackSummary[]) {
  return {
    "GET /v1/machines": { items: [] },
    "GET /v1/stack-counts": ({ query }: SentRequest) => {
      const total = listedOf(stacks, query).length;
      return query["by"] === "mainCondition" ? conditionCounts(total, { failed: 1 }) : { total, groups: [] };
    },
    "GET /v1/stacks": ({ query }: SentRequest) => {
      const found = listedOf(stacks, query);
      const start = Number(query["cursor"] ?? 0);
      const end = start + Number(query["limit"]);
      return { items: found.slice(start, end), ...(end < found.length && { cursor: String(end) }) };
    },
  };
}

const two = [
  aFailedStack("pr-1", { metadata: { owner: "ada", url: "https://pr-1.example.org" } }),
  aStack("pr-2", { waiting: { summary: "Waits for an event: PUSHED." }, metadata: { owner: "grace" } }),
];
const listsOf = (sent: readonly SentRequest[]) => sent.filter(({ path }) => path === "/v1/stacks");

function WithKeys() {
  useShortcuts({ openPalette() {}, openHelp() {} });
  return <StacksPage />;
}

beforeEach(() => page.viewport(1_440, 900));

describe("StacksPage", () => {
  it("lists state, reason and metadata of each stack", { tags: "page" }, async () => {
    const { screen } = await renderPage(StacksPage, "/stacks", serve(two));

    await expect
      .element(screen.getByRole("link", { name: "pr-1", exact: true }))
      .toHaveAttribute("href", "/stack?id=pr-1");
    await expect.element(screen.getByText("NO_ROOM")).toBeVisible();
    await expect.element(screen.getByRole("columnheader", { name: "owner" })).toBeVisible();
    await expect.element(screen.getByText("2 stacks")).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "Failed 1" })).toBeVisible();
  });

  it.each([
    "/stacks",
    "/stacks?is=person",
    "/stacks?is=failed",
    "/stacks?group=condition",
    "/stacks?machine=stackyard.run",
  ])("neither lists nor counts jobs: %s (rundeck#1234)", async (address) => {
    const jobs = [aStack("run-1", { machine: "stackyard.run", state: "FAILED", mainCondition: "failed" })];
    const { screen, sent } = await renderPage(StacksPage, address, serve([...two, ...jobs]));

    await expect.element(screen.getByRole("link", { name: "All 2" })).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "run-1" })).not.toBeInTheDocument();
    const asked = sent.filter(({ path }) => path === "/v1/stacks" || path === "/v1/stack-counts");
    expect(asked.filter(({ query }) => query["jobs"] !== "false")).toEqual([]);
  });

  it("keeps its place when a person goes back to it [argo-cd#5655, #7872]", async () => {
    const many = Array.from({ length: 350 }, (_, index) => aStack(`tenant-${String(index).padStart(3, "0")}`));
    const routes = (page: ComponentType) => () =>
      useSearch()["id"] === undefined ? createElement(page) : <h1>A stack</h1>;
    const { screen, address, go } = await renderPage(routes(StacksPage), "/stacks?text=tenant-", serve(many));
    const area = () => screen.getByRole("region", { name: "Stacks" }).element();
    await expect.element(screen.getByRole("link", { name: "tenant-000" })).toBeVisible();
    // The list learns of a page by the one before it: a person scrolls on whenever it has become longer.
    await expect
      .poll(() => {
        area().scrollTop = area().scrollHeight;
        return screen.getByRole("link", { name: "tenant-349" }).query();
      })
      .not.toBeNull();
    area().scrollTop = ROW_PX * 257;
    const link = screen.getByRole("link", { name: "tenant-260" });
    await expect.element(link).toBeVisible();
    const before = area().scrollTop;
    await link.click();
    await expect.element(screen.getByRole("heading", { name: "A stack" })).toBeVisible();

    go(-1);

    await expect.element(screen.getByRole("link", { name: "tenant-260" })).toBeVisible();
    expect(address()).toBe("/stacks?text=tenant-");
    expect(area().scrollTop).toBe(before);
    // Rows that are half below the header are too small for the check of accessibility.
    area().scrollTop = 0;
    await expect.element(screen.getByRole("link", { name: "tenant-000" })).toBeVisible();
  });

  it("asks the server for what the address says", async () => {
    const { screen, sent } = await renderPage(
      StacksPage,
      "/stacks?condition=failed&machine=review-app&task=database&code=none&metadata=owner%3Dada&sort=-enteredAt",
      serve(two),
    );

    await expect.element(screen.getByText("NO_ROOM")).toBeVisible();
    expect(listsOf(sent)[0]?.query).toEqual({
      jobs: "false",
      condition: "failed",
      machine: "review-app",
      task: "database",
      code: "",
      metadata: '{"owner":"ada"}',
      waiting: "true",
      sort: "-enteredAt",
      limit: "100",
    });
  });

  it("begins with those that need a person, over all pages (argo-cd#7822)", async () => {
    const many = Array.from({ length: 120 }, (_, index) => aStack(`a-${String(index).padStart(3, "0")}`));
    const needy = { needsPerson: true } as const;
    const stacks = [
      ...many,
      aStack("b-seen", { degraded: true, mainCondition: "degraded" }),
      aStack("y-degraded", { ...needy, degraded: true, mainCondition: "degraded" }),
      aFailedStack("z-failed", { ...needy, mainCondition: "failed" }),
    ];
    const { screen, sent } = await renderPage(StacksPage, "/stacks", serve(stacks));
    await expect.element(screen.getByRole("link", { name: "z-failed" })).toBeVisible();

    const rows = () =>
      [...document.querySelectorAll("tr[data-row]")].slice(0, 3).map((row) => row.getAttribute("data-row"));
    expect(rows()).toEqual(["z-failed", "y-degraded", "a-000"]);
    await expect.element(screen.getByRole("combobox", { name: "Order" })).toHaveValue("");
    await expect.element(screen.getByRole("columnheader", { name: "Stack" })).toHaveAttribute("aria-sort", "none");
    await screen.getByRole("button", { name: "Stack" }).click();
    await expect.poll(rows).toEqual(["a-000", "a-001", "a-002"]);
    expect(listsOf(sent).at(-1)?.query).toMatchObject({ sort: "id" });
  });

  it("lists those that need a person, the worst first, at one click", { tags: "page" }, async () => {
    const stacks = [...two, aStack("pr-3")];
    const { screen, address, sent } = await renderPage(StacksPage, "/stacks?sort=id", {
      ...serve(stacks),
      "GET /v1/stack-counts": ({ query }: SentRequest) =>
        query["by"] === "mainCondition" ? conditionCounts(3, { failed: 1, approval: 1 }) : { total: 3, groups: [] },
      "GET /v1/stacks": ({ query }: SentRequest) => ({
        items: stacks.filter(({ id }) => ({ failed: "pr-1", approval: "pr-2" })[query["mainCondition"] ?? ""] === id),
      }),
    });
    await screen.getByRole("link", { name: "Needs attention 2" }).click();

    await expect.element(screen.getByText("2 stacks, needing attention")).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "pr-2", exact: true })).toBeVisible();
    expect(screen.getByRole("link", { name: "pr-3", exact: true }).query()).toBeNull();
    expect(address()).toBe("/stacks?sort=id&is=person");
    const asked = listsOf(sent).flatMap(({ query }) => query["mainCondition"] ?? []);
    expect(asked).toEqual(["failed", "degraded", "overdue", "stalled", "approval"]);
    await screen.getByRole("checkbox", { name: "Select pr-2" }).click();
    await expect
      .element(screen.getByRole("button", { name: "Select all matching" }))
      .toHaveAccessibleDescription("Choose one condition first");
  });

  it("puts filters and the order into the address", async () => {
    const { screen, address } = await renderPage(WithKeys, "/stacks", serve(two));
    await expect.element(screen.getByText("NO_ROOM")).toBeVisible();

    await userEvent.keyboard("/pr-1");
    await expect.poll(address).toBe("/stacks?text=pr-1");
    await screen.getByRole("button", { name: "Since" }).click();

    await expect.poll(address).toBe("/stacks?text=pr-1&sort=enteredAt");
  });

  it("fetches only the pages that are in view", async () => {
    const many = Array.from({ length: 1_000 }, (_, n) => aStack(`pr-${String(n).padStart(4, "0")}`));
    const { screen, sent } = await renderPage(StacksPage, "/stacks", serve(many));
    await expect.element(screen.getByRole("link", { name: "pr-0000" })).toBeVisible();
    expect(listsOf(sent)).toHaveLength(2);

    const scroller = screen.getByRole("region", { name: "Stacks" }).element();
    await expect
      .poll(() => {
        scroller.scrollTop = 195 * ROW_PX;
        return screen.getByRole("link", { name: "pr-0195" }).query();
      })
      .not.toBeNull();
    expect(listsOf(sent).map(({ query }) => query["cursor"])).toEqual([undefined, undefined, "100"]);
    expect(document.querySelectorAll("tbody tr").length).toBeLessThan(80);
    // Rows that are half below the header are too small for the check of accessibility.
    scroller.scrollTop = 0;
    await expect.element(screen.getByRole("link", { name: "pr-0000" })).toBeVisible();
  });

  it("names the filters when nothing matches, and clears them", async () => {
    const { screen, address } = await renderPage(StacksPage, "/stacks?text=nothing&sort=-id", serve([]));

    await expect.element(screen.getByText('Nothing matches these filters: id contains "nothing".')).toBeVisible();
    await screen.getByRole("button", { name: "Clear filters" }).last().click();

    await expect.poll(address).toBe("/stacks?sort=-id");
  });

  it("shows how to begin in a new yard", async () => {
    const { screen } = await renderPage(StacksPage, "/stacks", serve([]));

    await expect.element(screen.getByRole("heading", { name: "This yard has no stacks yet" })).toBeVisible();
    expect(document.querySelectorAll(".steps > li")).toHaveLength(3);
    expect(document.querySelectorAll(".button.primary")).toHaveLength(1);
    await expect.element(screen.getByRole("region", { name: "List of stacks" })).not.toBeInTheDocument();
  });

  it("shows a failure with its code, and tries again", async () => {
    let isBroken = true;
    const { screen } = await renderPage(StacksPage, "/stacks", {
      ...serve(two),
      "GET /v1/stacks": () => (isBroken ? problem(422, "FILTER_TOO_WIDE", "Too many stacks to sort.") : { items: two }),
    });
    await expect.element(screen.getByText("Too many stacks to sort.")).toBeVisible();

    isBroken = false;
    await screen.getByRole("button", { name: "Retry", exact: true }).click();

    await expect.element(screen.getByText("NO_ROOM")).toBeVisible();
  });

  it("keeps its rows while the server is gone", async () => {
    let isGone = false;
    const { screen } = await renderPage(StacksPage, "/stacks", {
      ...serve(two),
      "GET /v1/stacks": () => (isGone ? Promise.reject(new TypeError("Failed to fetch")) : { items: two }),
    });
    await expect.element(screen.getByText("NO_ROOM")).toBeVisible();

    isGone = true;
    await queryClient.invalidateQueries({ queryKey: ["list", "stacks"] });

    await expect.element(screen.getByText("NO_ROOM")).toBeVisible();
    expect(document.body.textContent).not.toContain("cannot be reached");
  });

  it("holds the place of what is loading", async () => {
    const { screen } = await renderPage(StacksPage, "/stacks", { ...serve(two), "GET /v1/stacks": never });

    await expect.element(screen.getByText("Loading").first()).toBeInTheDocument();
  });

  it("removes chosen stacks, which it names, only with a reason and the typed count (frappe#39937)", async () => {
    const { screen, sent } = await renderPage(WithKeys, "/stacks", {
      ...serve(two),
      "POST /v1/bulk": ({ body }: SentRequest) =>
        isDryRun(body)
          ? { operation: "remove", total: 1, examined: 1, outcomes: [], digest: "d".repeat(32) }
          : aBulk({ operation: "remove" }),
      "GET /v1/bulk/b1": aBulk({ operation: "remove", status: "done", done: 1, counts: { removed: 1 } }),
    });
    await expect.element(screen.getByText("NO_ROOM")).toBeVisible();

    await userEvent.keyboard("jjx");
    await expect.element(screen.getByText("1 selected")).toBeVisible();
    await screen.getByRole("button", { name: "Remove…" }).click();
    const confirm = screen.getByRole("button", { name: "Remove 1" });
    await expect.element(confirm).toBeVisible();
    await expect.element(screen.getByText("1 selected: pr-2")).toBeVisible();
    // As when the stream begins anew, or another operation ends.
    await queryClient.invalidateQueries();
    await expect.element(confirm).toHaveAccessibleDescription("Enter a reason first");
    await screen.getByLabelText("Reason").fill("gone");
    await expect.element(confirm).toHaveAccessibleDescription("Type remove 1 first");
    await screen.getByRole("textbox").last().fill("remove 1");
    await confirm.click();

    await expect
      .poll(() => sent.filter(({ path }) => path === "/v1/bulk").map(({ body }) => body))
      .toEqual([
        { operation: "remove", filter: { ids: ["pr-2"] }, dryRun: true },
        { operation: "remove", filter: { ids: ["pr-2"] }, reason: "gone", plan: "d".repeat(32) },
      ]);
  });

  it("names who came and went since the dry run, and acts on what is shown then (argo-cd#1507)", async () => {
    const dryRuns = [
      { ids: ["pr-1", "pr-2", "pr-3"], digest: "a".repeat(32) },
      { ids: ["pr-2", "pr-3", "pr-4"], digest: "b".repeat(32) },
    ];
    const { screen, sent } = await renderPage(StacksPage, "/stacks", {
      ...serve(two),
      "POST /v1/bulk": ({ body }: SentRequest) => {
        const plan = { operation: "retry", total: 3, examined: 3, outcomes: [], ...dryRuns[0] };
        if (isDryRun(body)) return plan;
        dryRuns.shift();
        return dryRuns.length > 0 ? problem(409, "PLAN_STALE", "They have changed.") : aBulk({ operation: "retry" });
      },
      "GET /v1/bulk/b1": aBulk({ operation: "retry", status: "done", done: 3, counts: { applied: 3 } }),
    });
    await screen.getByRole("checkbox", { name: "Select all loaded stacks" }).click();
    await screen.getByRole("button", { name: "Select all matching" }).click();
    await screen.getByRole("button", { name: "Retry…" }).click();

    await screen.getByRole("button", { name: "Retry 3" }).click();
    await expect
      .element(screen.getByText("Since the dry run, pr-4 came, and pr-1 went.", { exact: false }))
      .toBeVisible();
    await screen.getByRole("button", { name: "Retry 3" }).click();

    await expect
      .poll(() => sent.filter(({ path }) => path === "/v1/bulk").map(({ body }) => (body as { plan?: string }).plan))
      .toEqual([undefined, "a".repeat(32), undefined, "b".repeat(32)]);
  });

  it("keeps what was chosen over a refresh, but not stacks that left the list (rancher/dashboard#15847, backdrop#5001)", async () => {
    let listed: readonly StackSummary[] = [...two, aStack("pr-3")];
    const { screen } = await renderPage(StacksPage, "/stacks", {
      ...serve(two),
      "GET /v1/stacks": ({ query }: SentRequest) => ({ items: listedOf(listed, query) }),
    });
    for (const id of ["pr-1", "pr-3"]) await screen.getByLabelText(`Select ${id}`).click();
    await expect.element(screen.getByText("2 selected")).toBeVisible();

    listed = [aStack("pr-3", { state: "MOVED" }), ...two];
    await queryClient.invalidateQueries();
    await expect.element(screen.getByText("MOVED", { exact: true })).toBeVisible();
    await expect.element(screen.getByText("2 selected")).toBeVisible();

    listed = [aStack("pr-3")];
    await queryClient.invalidateQueries();
    await expect.element(screen.getByText("1 selected")).toBeVisible();
    await expect.element(screen.getByLabelText("Select pr-3")).toBeChecked();
  });

  it("does not act on a stack that is taken out of all that match (kibana#218718)", async () => {
    const { screen } = await renderPage(StacksPage, "/stacks", serve(two));
    await screen.getByLabelText("Select pr-2").click();
    await screen.getByRole("checkbox", { name: "Select all loaded stacks" }).click();
    await screen.getByRole("button", { name: "Select all matching" }).click();
    await expect.element(screen.getByText("All 2 matching")).toBeVisible();

    await screen.getByLabelText("Select pr-1").click();

    await expect.element(screen.getByLabelText("Select pr-1")).not.toBeChecked();
    await expect.element(screen.getByText("1 selected")).not.toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Retry…" }).query()).toBeNull();
  });

  it("sends an event to all that match", async () => {
    const { screen, sent } = await renderPage(StacksPage, "/stacks?condition=failed&state=BUILD", {
      ...serve(two),
      "POST /v1/bulk": {
        operation: "send",
        total: 2,
        examined: 2,
        outcomes: [
          { outcome: "refused", code: "EVENT_NOT_HANDLED", count: 2, reason: HOSTILE, follows: [], examples: ["pr-1"] },
        ],
      },
    });
    await expect.element(screen.getByText("NO_ROOM")).toBeVisible();

    await screen.getByRole("checkbox", { name: "Select all loaded stacks" }).click();
    await screen.getByRole("button", { name: "Select all matching" }).click();
    await screen.getByRole("button", { name: "Send event…" }).click();
    await screen.getByLabelText("Event").fill("MERGED");
    await screen.getByRole("button", { name: "Dry run" }).click();

    await expect.element(screen.getByText("EVENT_NOT_HANDLED")).toBeVisible();
    await expect.element(screen.getByText(SHOWN_HOSTILE)).toBeVisible();
    expect(sent.find(({ path }) => path === "/v1/bulk")?.body).toEqual({
      operation: "send",
      filter: { jobs: false, condition: "failed", state: "BUILD" },
      body: { event: "MERGED" },
      dryRun: true,
    });
  });

  it("lists the bulk operations of the last days, and shows how one went", async () => {
    const items = [
      aBulk({ status: "done", done: 1, counts: { refused: 1 }, actor: "ada", actorId: "p1" }),
      aBulk({ id: "b2", operation: "send", actor: "ada", actorId: "p2" }),
    ];
    const { screen } = await renderPage(StacksPage, "/stacks", {
      ...serve(two),
      "GET /v1/bulk": { items },
      "GET /v1/bulk/b1": items[0],
      "GET /v1/bulk/b1/items": { items: [{ n: 1, id: "pr-1", outcome: "refused", code: "TASK_NOT_FAILED" }] },
    });
    await screen.getByRole("link", { name: "Bulk operations" }).click();
    // Two people with one name.
    for (const by of ["ada (p1)", "ada (p2)"]) await expect.element(screen.getByText(by)).toBeVisible();

    await screen.getByRole("link", { name: "retry" }).click();

    await expect.element(screen.getByText("Retry: 1 of 1 stacks – done")).toBeVisible();
    await expect.element(screen.getByText("TASK_NOT_FAILED")).toBeVisible();
  });

  it("explains refused actions at their buttons", async () => {
    const { screen } = await renderPage(StacksPage, "/stacks", { ...serve(two), "GET /v1/me": viewer });
    // Actions are shown with a selection; without one they would have no object.
    await screen.getByLabelText("Select pr-1").click();

    await expect.element(screen.getByRole("button", { name: "Retry…" })).toHaveAccessibleDescription("Needs operate");
    await expect.element(screen.getByRole("button", { name: "Remove…" })).toHaveAccessibleDescription("Needs repair");
  });

  it("shows what outsiders wrote as text, and no link that runs code", async () => {
    const hostile = aFailedStack(HOSTILE, { metadata: { url: "javascript:alert(1)", [HOSTILE]: HOSTILE } });
    const { screen } = await renderPage(StacksPage, "/stacks", serve([hostile]));

    await expect.element(screen.getByRole("link", { name: SHOWN_HOSTILE })).toBeVisible();
    expect(document.querySelector("img, a[href^='javascript']")).toBeNull();
    expect(document.body.textContent).not.toContain("\u202e");
  });

  it("has its filters in one row at 1024 pixels, of which the rail takes its part", async () => {
    await page.viewport(912, 900);
    const { screen } = await renderPage(StacksPage, "/stacks", serve(two));
    await expect.element(screen.getByRole("link", { name: "Failed 1" })).toBeVisible();

    const parts = [...document.querySelectorAll(".stacks-panel > .filters > *, .stacks-view > *")];
    const bottoms = parts.map((part) => Math.round(part.getBoundingClientRect().bottom));
    expect(Math.max(...bottoms) - Math.min(...bottoms)).toBeLessThan(20);
  });

  it("has every condition that is there on a phone, none of them cut", async () => {
    await page.viewport(390, 800);
    const some = conditionCounts(97, { degraded: 4, busy: 1, asleep: 12 });
    const { screen } = await renderPage(StacksPage, "/stacks", { ...serve(two), "GET /v1/stack-counts": some });
    const line = screen.getByRole("navigation", { name: "Conditions" });
    await expect.element(line.getByRole("link", { name: "Asleep 12" })).toBeVisible();

    const links = [...line.element().querySelectorAll("a")].filter((link) => link.offsetParent !== null);
    expect(links.map(({ textContent }) => textContent)).toEqual([
      "All 97",
      "Needs attention 4",
      "Degraded 4",
      "Busy 1",
      "Healthy 80",
      "Asleep 12",
    ]);
    for (const link of links) expect(link.getBoundingClientRect().right).toBeLessThanOrEqual(390);
  });

  it.each([1440, 1024])("shows each condition whole, %i px wide", async (width) => {
    await page.viewport(width, 900);
    const counts = { failed: 1_000, degraded: 1_000, overdue: 1_000, stalled: 1_000, approval: 1_000, busy: 1_000 };
    const many = conditionCounts(12_000, { ...counts, waiting: 1_000, asleep: 1_000 });
    const { screen } = await renderPage(StacksPage, "/stacks", { ...serve(two), "GET /v1/stack-counts": many });
    const line = screen.getByRole("navigation", { name: "Conditions" });
    await expect.element(line.getByText("Asleep 1,000")).toBeVisible();

    const { right } = line.element().getBoundingClientRect();
    const ends = [...line.element().querySelectorAll("a")].map((link) => link.getBoundingClientRect().right);
    expect(Math.max(...ends)).toBeLessThanOrEqual(right);
  });

  it("keeps the list in view on a phone: filters open on demand, and stay open while they are used", {
    tags: "page",
  }, async () => {
    await page.viewport(390, 800);
    const { screen, address } = await renderPage(StacksPage, "/stacks", serve(two));
    const row = screen.getByRole("link", { name: "pr-1", exact: true });
    await expect.element(row).toBeVisible();
    expect(row.element().getBoundingClientRect().top).toBeLessThan(400);
    expect(
      screen.getByRole("combobox", { name: "Order", includeHidden: true }).query()?.checkVisibility() ?? false,
    ).toBe(false);
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(390);

    await screen.getByText("Filters and order").click();
    await screen.getByRole("combobox", { name: "Order", includeHidden: true }).selectOptions("-createdAt");

    await expect.poll(address).toBe("/stacks?sort=-createdAt");
    await expect.element(screen.getByRole("combobox", { name: "Order", includeHidden: true })).toBeVisible();
    // The rows of the order before are dimmed until the new ones are there.
    await expect.poll(() => document.querySelector(".outdated")).toBeNull();
  });
});

const NAME = `checkout-${"of-a-very-long-branch-name-".repeat(9)}1234`.slice(0, 251).concat("-482");

// argo-cd#4233, argo-cd#8560, temporalio/ui#1561, temporal web#216: long ids took the width, or lost the end that told them apart.
describe("ids of 255 characters", () => {
  const failed = aFailedStack(NAME, {
    state: "ROLLING-OUT",
    tasks: [{ name: "database", status: "ERROR", errorCode: "NO_ROOM", errorMessage: "no room for it ".repeat(20) }],
    metadata: { version: "2.18.0", team: "checkout" },
  });
  const other = aStack("pr-2", { metadata: { version: "2.17.4", team: "billing" } });

  it.each([1_440, 1_024, 390])("leave version, team, state and last failure their place, %i px wide", async (width) => {
    await page.viewport(width, 900);
    const { screen } = await renderPage(StacksPage, "/stacks", serve([failed, other]));
    const link = screen.getByRole("link", { name: NAME });
    await expect.element(link).toBeVisible();

    const area = document.querySelector(".table-scroll");
    expect(area?.scrollWidth).toBe(area?.clientWidth);
    const cut = [...document.querySelectorAll<HTMLElement>("td")]
      .filter((cell) => cell.scrollWidth > cell.clientWidth + 1 && getComputedStyle(cell).textOverflow !== "ellipsis")
      .map(({ textContent }) => textContent);
    expect(cut).toEqual([]);
    const end = link.element().getBoundingClientRect();
    expect(end.right).toBeLessThanOrEqual(link.element().closest("td")?.getBoundingClientRect().right ?? 0);
  });

  it("are whole on hover and when they are copied", async () => {
    const { screen } = await renderPage(StacksPage, "/stacks", serve([failed, other]));
    const link = screen.getByRole("link", { name: NAME });
    await expect.element(link).toHaveAttribute("title", NAME);

    getSelection()?.selectAllChildren(link.element());

    expect(getSelection()?.toString()).toBe(NAME);
  });
});
