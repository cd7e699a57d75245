import type { StackPreview, StackSummary } from "@stackyard/sdk";
import { type ComponentType, createElement } from "react";
import { beforeEach, describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import { queryClient } from "../api/client.ts";
import { useSearch } from "../design/links.tsx";
import { changeSettings } from "../design/settings.ts";
import { problem, renderPage, type SentRequest } from "../testing/render-page.tsx";
import { aFailedStack, aStack, HOSTILE, SHOWN_HOSTILE } from "../testing/stacks.ts";
import type { SavedView } from "./saved-views.ts";
import { StacksPage } from "./stacks-page.tsx";

type Query = SentRequest["query"];

function fits({ machine, mainCondition, needsPerson, metadata, ids }: Query) {
  const values: Record<string, unknown> = metadata === undefined ? {} : JSON.parse(metadata);
  const wanted: readonly string[] | undefined = ids === undefined ? undefined : JSON.parse(ids);
  return (stack: StackSummary) =>
    (machine === undefined || machine === stack.machine) &&
    (needsPerson === undefined || needsPerson === String(stack.needsPerson ?? false)) &&
    (mainCondition === undefined || mainCondition === stack.mainCondition) &&
    (wanted === undefined || wanted.includes(stack.id)) &&
    Object.entries(values).every(([key, value]) => stack.metadata[key] === value);
}

/** Answers as a server with these stacks: pages, counts and filters. */
function serve(stacks: readonly StackSummary[]) {
  return {
    "GET /v1/machines": { items: [] },
    "GET /v1/stack-counts": ({ query }: SentRequest) => {
      const found = stacks.filter(fits(query));
      const groups = found.map(({ machine, mainCondition = "healthy" }) =>
        query["by"] === "machine" ? { machine, count: 1 } : { machine, mainCondition, count: 1 },
      );
      const counts = new Map<string, (typeof groups)[number]>();
      for (const { count, ...group } of groups) {
        const key = JSON.stringify(group);
        counts.set(key, { ...group, count: (counts.get(key)?.count ?? 0) + count });
      }
      return { total: found.length, groups: query["by"] === undefined ? [] : [...counts.values()] };
    },
    "GET /v1/stacks": ({ query }: SentRequest) => {
      const found = stacks.filter(fits(query));
      const start = Number(query["cursor"] ?? 0);
      const end = start + Number(query["limit"]);
      return { items: found.slice(start, end), ...(end < found.length && { cursor: String(end) }) };
    },
  };
}

const lastFailure = {
  task: "smoke",
  state: "LIVE",
  entry: 1,
  attempt: 3,
  at: "2026-11-20T03:00:00Z",
  code: "HTTP_FAILED",
  message: "GET /health returned 503",
} as const;
const yard = [
  aFailedStack("pr-1", { mainCondition: "failed", metadata: { team: "web", sha: "4f1cab12".repeat(5) } }),
  aStack("pr-2", {
    mainCondition: "healthy",
    metadata: { team: "shop", version: "2.18.0", url: "https://pr-2.example.org", monthly_cost: 12.4 },
    waiting: { summary: "Waits for an event: PUSHED." },
  }),
  aStack("svc-1", { mainCondition: "degraded", machine: "service", lastFailure, metadata: { tier: 1 } }),
];
const listsOf = (sent: readonly SentRequest[]) => sent.filter(({ path }) => path === "/v1/stacks");

beforeEach(() => {
  localStorage.clear();
  changeSettings({ stackColumns: "" });
});

beforeEach(() => page.viewport(1_440, 900));

describe("columns of the list", () => {
  it("shows condition, state, since, what failed last and the version of each stack", async () => {
    const { screen } = await renderPage(StacksPage, "/stacks", serve(yard));

    for (const name of ["Condition", "State", "Since", "Last failure", "Version", "Machine", "team"]) {
      await expect.element(screen.getByRole("columnheader", { name, exact: true })).toBeVisible();
    }
    await expect.element(screen.getByText("4f1cab1", { exact: true })).toBeVisible();
    await expect.element(screen.getByText("GET /health returned 503")).toBeVisible();
  });

  it("takes chosen columns in their order, keeps them in the address and for the next visit (temporal web#343)", async () => {
    const { screen, address } = await renderPage(StacksPage, "/stacks?show=since,condition", serve(yard));
    await expect.element(screen.getByRole("link", { name: "pr-1" })).toBeVisible();

    await screen.getByRole("button", { name: "Columns…, 2 shown" }).click();
    await screen.getByRole("checkbox", { name: "Waits" }).click();
    await screen.getByRole("button", { name: "Move Condition up" }).click();
    await screen.getByRole("button", { name: "Done" }).click();

    expect(address()).toBe("/stacks?show=condition%2Csince%2Cwaits");
    await expect.element(screen.getByText("Waits for an event: PUSHED.")).toBeVisible();
    const again = await renderPage(StacksPage, "/stacks", serve(yard));
    await expect.element(again.screen.getByRole("columnheader", { name: "Waits" }).last()).toBeVisible();
  });
});

describe("saved views", () => {
  it("keeps filters, order, columns and groups under a name, in the address too (argo-cd#10716)", async () => {
    const { screen, address } = await renderPage(StacksPage, "/stacks?machine=review-app&show=age", serve(yard));
    await screen.getByRole("button", { name: "Save this view…" }).click();
    await screen.getByRole("textbox", { name: "Name" }).fill("Previews");
    await screen.getByRole("button", { name: "Save", exact: true }).click();
    await expect.poll(address).toBe("/stacks?machine=review-app&show=age&saved=Previews");

    await screen.getByRole("link", { name: "All stacks" }).click();
    await expect.poll(address).toBe("/stacks");
    await screen.getByRole("link", { name: "Previews" }).click();

    await expect.poll(address).toBe("/stacks?machine=review-app&show=age&saved=Previews");
    await screen.getByRole("button", { name: "Change this view…" }).click();
    await screen.getByRole("button", { name: "Delete this view" }).click();
    await expect.poll(address).toBe("/stacks?machine=review-app&show=age");
    expect(screen.getByRole("link", { name: "Previews" }).query()).toBeNull();
  });

  it("shows the view that another person has sent under its name, as text", async () => {
    const saved = encodeURIComponent(HOSTILE);
    const { screen } = await renderPage(StacksPage, `/stacks?machine=service&saved=${saved}`, serve(yard));

    await expect.element(screen.getByRole("link", { name: `${SHOWN_HOSTILE} not saved` })).toBeVisible();
    await expect.element(screen.getByRole("button", { name: "Save this view…" })).toBeVisible();
  });
});

describe("what users of other lists have lost", () => {
  const routes = (page: ComponentType) => () =>
    useSearch()["id"] === undefined ? createElement(page) : <h1>A stack</h1>;

  it("is kept: tiles stay tiles, with their place, when a person goes back (argo-cd#8715)", async () => {
    const many = Array.from({ length: 90 }, (_, n) => aStack(`pr-${String(n).padStart(2, "0")}`));
    const { screen, address, go } = await renderPage(
      routes(StacksPage),
      "/stacks?view=tiles&machine=review-app",
      serve(many),
    );
    const area = () => screen.getByRole("region", { name: "Stacks as tiles" }).element();
    await expect.element(screen.getByRole("link", { name: "pr-00" })).toBeVisible();
    area().scrollTop = 1_640;
    await expect.poll(() => screen.getByRole("link", { name: "pr-00" }).query()).toBeNull();
    const before = area().scrollTop;
    document.querySelectorAll<HTMLElement>(".tile a.name")[2]?.click();
    await expect.element(screen.getByRole("heading", { name: "A stack" })).toBeVisible();

    go(-1);

    await expect.element(screen.getByRole("region", { name: "Stacks as tiles" })).toBeVisible();
    expect(address()).toBe("/stacks?view=tiles&machine=review-app");
    await expect.poll(() => area().scrollTop).toBe(before);
    area().scrollTop = 0;
    await expect.element(screen.getByRole("link", { name: "pr-00" })).toBeVisible();
  });

  it("is kept: groups that were closed stay closed (temporal ui#578)", async () => {
    const { screen, go } = await renderPage(routes(StacksPage), "/stacks?group=condition", serve(yard));
    await screen.getByRole("button", { name: "Degraded 1" }).click();
    await screen.getByRole("link", { name: "pr-1" }).click();
    await expect.element(screen.getByRole("heading", { name: "A stack" })).toBeVisible();

    go(-1);

    await expect.element(screen.getByRole("button", { name: "Degraded 1" })).toHaveAttribute("aria-expanded", "false");
  });

  it("is offered: tiles without a match name the filter, and clear it (argo-cd#4403)", async () => {
    const { screen, address } = await renderPage(StacksPage, "/stacks?view=tiles&machine=gone", serve(yard));
    await expect.element(screen.getByText("Nothing matches these filters: machine gone.")).toBeVisible();

    await screen.getByRole("button", { name: "Clear filters" }).click();

    await expect.poll(address).toBe("/stacks?view=tiles");
    await expect.element(screen.getByRole("link", { name: "pr-1" })).toBeVisible();
  });

  it("is kept: what changes elsewhere does not enter a filtered list (argo-cd#573, #9690)", async () => {
    const { screen, sent } = await renderPage(StacksPage, "/stacks?machine=service", serve(yard));
    await expect.element(screen.getByRole("link", { name: "svc-1" })).toBeVisible();

    await queryClient.invalidateQueries();

    await expect.poll(() => listsOf(sent).length).toBeGreaterThan(1);
    expect(new Set(listsOf(sent).map(({ query }) => query["machine"]))).toEqual(new Set(["service"]));
    expect(screen.getByRole("link", { name: "pr-1" }).query()).toBeNull();
  });

  it("is kept: filters stay after an action (argo-cd#1055, kargo#2953, #4988)", async () => {
    const { screen, address } = await renderPage(StacksPage, "/stacks?machine=service&group=condition", {
      ...serve(yard),
      "GET /v1/bulk": { items: [] },
    });
    await screen.getByRole("link", { name: "Bulk operations" }).click();
    await expect.element(screen.getByText("No bulk operation has run.", { exact: false })).toBeVisible();
    await userEvent.keyboard("{Escape}");

    await expect.poll(address).toBe("/stacks?machine=service&group=condition");
  });

  it("is kept: another condition adds to a saved view, which is then marked as changed (temporal ui#3876)", async () => {
    keep({ name: "Services", search: { machine: "service" } });
    const { screen, address } = await renderPage(StacksPage, "/stacks?machine=service&saved=Services", serve(yard));

    await screen.getByRole("link", { name: "Degraded 1" }).click();

    await expect.poll(address).toBe("/stacks?machine=service&saved=Services&is=degraded");
    await screen.getByRole("link", { name: "Services changed" }).click();
    await expect.poll(address).toBe("/stacks?machine=service&saved=Services");
  });

  it("is limited: the twenty-first view is refused, and no other is lost (temporal ui#2931)", async () => {
    keep(...Array.from({ length: 20 }, (_, n) => ({ name: `View ${n}`, search: { state: `S${n}` } })));
    const { screen } = await renderPage(StacksPage, "/stacks?machine=service", serve(yard));
    await screen.getByRole("button", { name: "Save this view…" }).click();
    await screen.getByRole("textbox", { name: "Name" }).fill("One more");
    await screen.getByRole("button", { name: "Save", exact: true }).click();

    await expect.element(screen.getByText("You have 20 views. Delete one first.")).toBeVisible();
    await userEvent.keyboard("{Escape}");
    await expect.element(screen.getByRole("link", { name: "View 0" })).toBeInTheDocument();
  });

  it("gets another name also where there are twenty, and keeps its place", async () => {
    keep(...Array.from({ length: 20 }, (_, n) => ({ name: `View ${n}`, search: { state: `S${n}` } })));
    const { screen } = await renderPage(StacksPage, "/stacks?state=S3&saved=View+3", serve(yard));
    await screen.getByRole("button", { name: "Change this view…" }).click();
    await screen.getByRole("textbox", { name: "Name" }).fill("Third");
    await screen.getByRole("button", { name: "Save", exact: true }).click();

    await expect.element(screen.getByRole("link", { name: "Third" })).toBeVisible();
    const names = JSON.parse(localStorage.getItem(PERSON) ?? "").map(({ name }: SavedView) => name);
    expect(names.slice(0, 5)).toEqual(["View 0", "View 1", "View 2", "Third", "View 4"]);
    expect(names).toHaveLength(20);
  });

  it("is gone with its view: a deleted view is not shown as saved (temporal ui#3924)", async () => {
    keep({ name: "Services", search: { machine: "service" } });
    const { screen } = await renderPage(StacksPage, "/stacks?machine=service&saved=Services", serve(yard));
    await screen.getByRole("button", { name: "Change this view…" }).click();
    await screen.getByRole("button", { name: "Delete this view" }).click();

    await expect.element(screen.getByRole("button", { name: "Save this view…" })).toBeVisible();
    expect(JSON.parse(localStorage.getItem(PERSON) ?? "")).toEqual([]);
  });
});

/** Where the browser keeps the views of the person of these tests. */
const PERSON = "stackyard-views local local";

function keep(...views: readonly SavedView[]): void {
  localStorage.setItem(PERSON, JSON.stringify(views));
}

describe("tiles", () => {
  it("show state, version, link, age and cost of each environment", async () => {
    const { screen } = await renderPage(StacksPage, "/stacks?view=tiles", serve(yard));

    await expect.element(screen.getByText("12.40 USD/month")).toBeVisible();
    await expect.element(screen.getByText("2.18.0")).toBeVisible();
    await expect
      .element(screen.getByRole("link", { name: "Open pr-2 at pr-2.example.org, in a new tab" }))
      .toHaveAttribute("href", "https://pr-2.example.org/");
    await expect.element(screen.getByText("no room")).toBeVisible();
    expect(screen.getByRole("button", { name: /Columns/ }).query()).toBeNull();
  });

  it("of ten thousand stacks lay out and load only what is in view (argo-cd#9575, #14947)", async () => {
    const many = Array.from({ length: 10_000 }, (_, n) => aStack(`pr-${String(n).padStart(5, "0")}`));
    const { screen, sent } = await renderPage(StacksPage, "/stacks?view=tiles", serve(many));

    await expect.element(screen.getByRole("link", { name: "pr-00000" })).toBeVisible();

    expect(listsOf(sent)).toHaveLength(2);
    expect(document.querySelectorAll(".tile").length).toBeLessThan(80);
  });
});

describe("groups", () => {
  it("by condition and by machine have the counts of the server, and load a group by its filter", async () => {
    const { screen, sent } = await renderPage(StacksPage, "/stacks?group=condition", serve(yard));

    await expect.element(screen.getByRole("button", { name: "Degraded 1" })).toHaveAttribute("aria-expanded", "true");
    await expect.element(screen.getByRole("link", { name: "svc-1" })).toBeVisible();
    const filters = listsOf(sent).map(({ query }) => query["mainCondition"]);
    expect(filters).toEqual(expect.arrayContaining(["failed", "degraded", "healthy"]));

    await screen.getByRole("button", { name: "Degraded 1" }).click();

    await expect.poll(() => screen.getByRole("link", { name: "svc-1" }).query()).toBeNull();
  });

  it("by a key of metadata list all stacks of a value, and those without it", async () => {
    const many = Array.from({ length: 1_300 }, (_, n) =>
      aStack(`pr-${String(n).padStart(4, "0")}`, { metadata: { team: n < 700 ? "web" : "shop" } }),
    );
    const { screen, sent } = await renderPage(StacksPage, "/stacks?group=metadata.team", serve(many));

    await expect.element(screen.getByRole("button", { name: "web 700 of those read" })).toBeVisible();
    await expect.element(screen.getByText(/The values are those of the first 1,000 stacks/)).toBeVisible();
    const ofShop = listsOf(sent).filter(({ query }) => query["metadata"] === '{"team":"shop"}');
    expect(ofShop.map(({ query }) => query["limit"])).toEqual(["25"]);
    await screen.getByRole("button", { name: "Show more of this group" }).first().click();
    await expect.poll(() => screen.getByRole("link", { name: "pr-0049" }).query()).not.toBeNull();
  });

  it("by a key that is missing everywhere list the stacks without it", async () => {
    const { screen } = await renderPage(StacksPage, "/stacks?group=metadata.tier", serve(yard));

    await expect.element(screen.getByRole("button", { name: "without tier 2" })).toBeVisible();
  });

  it("by pull request list the stacks of each, and say that others are not listed", async () => {
    const pull: StackPreview["pull"] = {
      host: "github",
      repository: { id: "1", fullName: "acme/shop" },
      number: 482,
      url: "https://github.com/acme/shop/pull/482",
      title: "Split invoice lines",
      head: "a".repeat(40),
      owner: "ada",
    };
    const preview: StackPreview = {
      stackId: "pr-1",
      pull,
      machine: "review-app",
      state: "BUILD",
      enteredAt: "2026-11-20T03:00:00Z",
      commands: {},
    };
    const { screen } = await renderPage(StacksPage, "/stacks?group=pull", {
      ...serve(yard),
      "GET /v1/previews": { items: [preview] },
    });

    await expect.element(screen.getByRole("button", { name: "acme/shop #482 Split invoice lines 1" })).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "pr-1" })).toBeVisible();
    await expect.element(screen.getByText("Only stacks of pull requests are listed here.")).toBeVisible();
  });

  it("by pull request continue to later pages where no stack of the first one matches", async () => {
    const pull = {
      host: "github",
      repository: { id: "1", fullName: "acme/shop" },
      url: "https://github.com/acme/shop/pull/482",
      head: "a".repeat(40),
      owner: "ada",
    };
    const toPreview = (stackId: string, number: number) => ({
      stackId,
      pull: { ...pull, number },
      machine: "review-app",
      state: "BUILD",
      enteredAt: "2026-11-20T03:00:00Z",
      commands: {},
    });
    const { screen } = await renderPage(StacksPage, "/stacks?group=pull", {
      ...serve(yard),
      "GET /v1/previews": ({ query }: SentRequest) =>
        query["cursor"] === undefined
          ? { items: Array.from({ length: Number(query["limit"]) }, (_, n) => toPreview(`gone-${n}`, n)), cursor: "2" }
          : { items: [toPreview("pr-1", 482)] },
    });

    await screen.getByRole("button", { name: "Load more groups" }).click();

    await expect.element(screen.getByRole("button", { name: "acme/shop #482 1" })).toBeVisible();
  });

  it("show why the server refuses a key", async () => {
    const api = serve(yard);
    const { screen } = await renderPage(StacksPage, "/stacks?group=machine", {
      ...api,
      "GET /v1/stack-counts": ({ query, ...rest }: SentRequest) =>
        query["by"] === "machine" ? problem(422, "USAGE", "Not now.") : api["GET /v1/stack-counts"]({ query, ...rest }),
    });

    await expect.element(screen.getByText("Not now.")).toBeVisible();
  });
});
