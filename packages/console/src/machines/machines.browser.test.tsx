import type { MachineDetails, MachineSummary } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { problem, renderPage, viewer } from "../testing/render-page.tsx";
import { MachinePage } from "./machine-page.tsx";
import { MachinesPage } from "./machines-page.tsx";

const fault = {
  severity: "error",
  code: "advance-state-undefined",
  path: "states.INIT.on.OPENED",
  line: 4,
  column: 21,
  message: 'Unknown state "LIFE". Did you mean "LIVE"?',
} as const;
const valid: MachineSummary = {
  name: "review-app",
  status: "valid",
  hash: "4f1c".repeat(16),
  problems: [],
  origin: "machines/review-app.yaml",
};
const stale: MachineSummary = {
  name: "shop",
  status: "stale",
  hash: "aa".repeat(32),
  problems: [fault],
  origin: "machines/shop.yaml",
};
const details: MachineDetails = { ...stale, version: 2, revision: "pin", events: ["OPENED"], states: [], tasks: [] };
const source = "version: 2\nevents: [OPENED]\nstates:\n  INIT: { on: { OPENED: LIFE } }\n";

function machineApi(change: Partial<MachineDetails> = {}) {
  return {
    "GET /v1/machines/shop": { ...details, ...change },
    "GET /v1/machines/shop/graph": {
      nodes: [
        { kind: "start", id: "start:" },
        { kind: "state", id: "INIT", terminal: false, tasks: [], reachable: true },
      ],
      edges: [{ from: "start:", to: "INIT", passing: false }],
    },
    "GET /v1/stack-counts": { total: 3, groups: [{ state: "INIT", count: 3 }] },
    "GET /v1/machines/shop/source": {
      machine: "shop",
      source,
      hash: "x",
      origin: "machines/shop.yaml",
      writable: true,
      problems: [],
    },
    "GET /v1/machines/shop/revisions": {
      items: [
        { machine: "shop", hash: "bb".repeat(32), stacks: 0, current: true },
        { machine: "shop", hash: "aa".repeat(32), firstSeenAt: "2026-11-01T10:00:00Z", stacks: 3, current: false },
      ],
    },
  };
}

describe("the list of machines", () => {
  it("does not say 0 of stacks that it does not know (EvalAI#4867)", async () => {
    const { screen } = await renderPage(MachinesPage, "/machines", {
      "GET /v1/machines": { items: [valid] },
      "GET /v1/stack-counts": () => new Promise(() => undefined),
    });
    await expect.element(screen.getByRole("link", { name: "review-app" })).toBeVisible();

    expect(document.querySelector("td.number")?.textContent).toBe("–");
  });

  it("shows machines with errors first, with the line and the number of stacks", { tags: "page" }, async () => {
    const { screen } = await renderPage(MachinesPage, "/machines", {
      "GET /v1/machines": { items: [valid, stale] },
      "GET /v1/stack-counts": { total: 3, groups: [{ machine: "shop", mainCondition: "busy", count: 3 }] },
    });

    await expect.element(screen.getByText(/Line 4:/)).toBeVisible();
    await expect.element(screen.getByText("Stale")).toBeVisible();
    const names = [...document.querySelectorAll("tbody a")].map((link) => link.textContent);
    expect(names).toEqual(["shop", "review-app"]);
  });

  it("says how the stacks of each machine are, worst first, and not that all machines are valid", async () => {
    const { screen } = await renderPage(MachinesPage, "/machines", {
      "GET /v1/machines": { items: [valid] },
      "GET /v1/stack-counts": {
        total: 10,
        groups: [
          { machine: "review-app", mainCondition: "healthy", count: 7 },
          { machine: "review-app", mainCondition: "degraded", needsPerson: true, count: 2 },
          { machine: "review-app", mainCondition: "failed", needsPerson: true, count: 1 },
        ],
      },
    });
    await expect.element(screen.getByText("1 failed")).toBeVisible();

    const cells = [...document.querySelectorAll("tbody td")].map(({ textContent }) => textContent);
    expect(cells.slice(0, 3)).toEqual(["review-app", "10", "1 failed2 degraded7 healthy"]);
    await expect.element(screen.getByText("Valid")).not.toBeInTheDocument();
  });

  it("says what to do in an empty yard, and clears a filter that nothing fits", async () => {
    const empty = await renderPage(MachinesPage, "/machines", { "GET /v1/machines": { items: [] } });
    await expect.element(empty.screen.getByText(/No machine is in this yard yet/)).toBeVisible();
    expect(empty.screen.getByRole("link", { name: "New machine" }).elements()).toHaveLength(1);
    await expect.element(empty.screen.getByRole("link", { name: "New machine" })).toHaveClass("primary");
    await expect.element(empty.screen.getByText("stackyard validate machines")).toBeVisible();
    await empty.screen.unmount();

    const { screen } = await renderPage(MachinesPage, "/machines?text=none", {
      "GET /v1/machines": { items: [valid] },
    });
    await screen.getByRole("button", { name: "Clear filters" }).click();

    await expect.element(screen.getByText("review-app", { exact: true })).toBeVisible();
  });

  it("explains a failure and retries", async () => {
    let isDown = true;
    const { screen } = await renderPage(MachinesPage, "/machines", {
      "GET /v1/machines": () => (isDown ? problem(500, "INTERNAL", "The store is not reachable.") : { items: [valid] }),
    });

    await expect.element(screen.getByText("The store is not reachable.")).toBeVisible();
    isDown = false;
    await screen.getByRole("button", { name: "Retry" }).click();

    await expect.element(screen.getByText("review-app", { exact: true })).toBeVisible();
  });
});

describe("a machine", () => {
  it("shows why it is stale, and the stacks of each state in the graph", { tags: "page" }, async () => {
    const { screen } = await renderPage(MachinePage, "/machine?name=shop", machineApi());

    await expect.element(screen.getByText(/Stacks use an older revision/)).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "Line 4" })).toBeVisible();
    await expect.poll(() => document.querySelector(".graph-note")?.textContent).toBe("3 stacks");
  });

  it("marks the line of a problem in the text", async () => {
    await renderPage(MachinePage, "/machine?name=shop&tab=text&line=4", machineApi());

    await expect.poll(() => document.querySelector('[aria-current="location"]')?.textContent).toContain("OPENED: LIFE");
  });

  it("shows a viewer at the button why the stacks of an older revision cannot be upgraded", async () => {
    const { screen } = await renderPage(MachinePage, "/machine?name=shop&tab=revisions", {
      ...machineApi(),
      "GET /v1/me": viewer,
    });

    const button = screen.getByRole("button", { name: "Upgrade stacks…" });

    await expect.element(button).toHaveAttribute("aria-disabled", "true");
    await expect.element(button).toHaveAccessibleDescription("Needs repair on shop");
  });

  it.each([
    ["$(id)", "'$(id)'"],
    ["`id` it's", "'`id` it'\\''s'"],
    ["~root!", "'~root!'"],
  ])("shows the command for the name %s as a shell reads it", async (name, word) => {
    const { screen } = await renderPage(MachinePage, `/machine?name=${encodeURIComponent(name)}`, {
      [`GET /v1/machines/${name}`]: { ...details, name },
    });

    const copy = screen.getByRole("button", { name: `Copy stackyard machines show ${word}`, exact: true });

    await expect.element(copy).toBeVisible();
  });

  it("is not found like one that may not be read", async () => {
    const { screen } = await renderPage(MachinePage, "/machine?name=none", {});

    await expect.element(screen.getByText("Not found, or you may not read it.")).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "All machines" })).toHaveAttribute("href", "/machines");
  });
});
