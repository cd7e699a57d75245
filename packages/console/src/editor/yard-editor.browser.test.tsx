import { beforeEach, expect, it } from "vitest";
import { page } from "vitest/browser";
import { problem, renderPage, type SentRequest } from "../testing/render-page.tsx";
import { EditPage } from "./edit-page.tsx";
import { selectState } from "./testing/open-workbench.tsx";

beforeEach(async () => {
  localStorage.clear();
  await page.viewport(1280, 800);
});

const hash = "aa".repeat(32);
const machine = { version: 2, events: ["OPENED"], states: { INIT: { on: { OPENED: "LIVE" } }, LIVE: {} }, tasks: {} };

it("opens the text of a machine with errors, with its problems marked", { tags: "page" }, async () => {
  const source = `version: 2\nevents: [OPENED]\nstates:\n  INIT: { on: { OPENED: LIVE } }\n`;
  const { screen } = await renderPage(EditPage, "/edit?machine=shop", {
    "GET /v1/executors": { items: [] },
    "GET /v1/machines": { items: [] },
    "GET /v1/machines/shop/source": {
      machine: "shop",
      source,
      hash: "x",
      origin: "s3://yard/machines/shop.yaml",
      writable: false,
      problems: [],
    },
  });

  await screen.getByRole("button", { name: /error/ }).click();
  await expect.element(screen.getByRole("list", { name: "Problems" }).getByText(/"LIVE"/)).toBeVisible();
  await expect.element(screen.getByText("The graph is drawn as soon as the text is a valid machine.")).toBeVisible();
  await expect.poll(() => document.querySelector(".cm-lintRange-error")?.textContent).toBe("LIVE");
});

it("says that the yard has no such machine, with a link to those that it has", async () => {
  const { screen } = await renderPage(EditPage, "/edit?machine=gone", {
    "GET /v1/machines/gone/source": problem(404, "NOT_FOUND", "No machine."),
  });

  await expect.element(screen.getByRole("heading", { name: "gone" })).toBeVisible();
  await expect.element(screen.getByRole("link", { name: "All machines" })).toHaveAttribute("href", "/machines");
});

it("shows a machine of TypeScript as the document that it makes, read-only", async () => {
  const { screen } = await renderPage(EditPage, "/edit?machine=shop", {
    "GET /v1/executors": { items: [] },
    "GET /v1/machines": { items: [] },
    "GET /v1/machines/shop/source": {
      machine: "shop",
      source: "export default defineMachine({})",
      hash: "x",
      origin: "/yard/machines/shop.ts",
      writable: false,
      problems: [],
    },
    "GET /v1/machines/shop": {
      name: "shop",
      status: "valid",
      hash,
      problems: [],
      version: 2,
      revision: "pin",
      events: [],
      states: [],
      tasks: [],
    },
    [`GET /v1/revisions/${hash}`]: {
      machine: "shop",
      hash,
      source: JSON.stringify(machine),
      current: true,
      stacks: 0,
    },
  });

  await expect.element(screen.getByText("Read only. Change it in /yard/machines/shop.ts.")).toBeVisible();
  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();
  await expect.element(screen.getByRole("button", { name: /^Save/ })).not.toBeInTheDocument();
});

it("shows what an upgrade to the text would do to stacks, and to their histories", async () => {
  const source = `version: 2\nevents: [OPENED]\nstates:\n  INIT: { on: { OPENED: LIVE } }\n  LIVE: {}\n`;
  const plan = {
    machine: "shop",
    from: hash,
    to: hash,
    notes: [],
    events: [],
    replayed: 2,
    differences: [],
    more: 0,
    end: [],
  };
  const differences = [
    {
      eventId: "e",
      event: "OPENED",
      at: "2026-11-20T03:00:00Z",
      before: { outcome: "applied", state: "IDLE", sent: [] },
      after: { outcome: "applied", state: "LIVE", sent: ["app"] },
    },
  ];
  const { screen, sent } = await renderPage(EditPage, "/edit?machine=shop", {
    "GET /v1/executors": { items: [] },
    "GET /v1/machines": { items: [] },
    "GET /v1/machines/shop/revisions": { items: [] },
    "GET /v1/machines/shop/source": { machine: "shop", source, hash: "x", origin: "x", writable: false, problems: [] },
    "GET /v1/stack-counts": { total: 4, groups: [] },
    "POST /v1/machines/shop/upgrade": ({ body }: SentRequest) =>
      (body as { cursor?: string }).cursor === undefined
        ? {
            items: [
              { stackId: "a", outcome: "applied", plan: { ...plan, stackId: "a", outcome: "applied" } },
              { stackId: "b", outcome: "applied", plan: { ...plan, stackId: "b", outcome: "applied", differences } },
            ],
            cursor: "b",
          }
        : { items: [{ stackId: "c", outcome: "refused", code: "UPGRADE_STATE_MISSING", reason: "No BUILD." }] },
  });
  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();

  await screen.getByRole("button", { name: /^Diff/ }).click();
  await screen.getByRole("button", { name: "Effect on live stacks…" }).click();

  const effect = screen.getByRole("dialog").getByRole("table");
  const differing = "The history would differ first at OPENED: applied, LIVE, sends app instead of applied, IDLE";
  await expect.element(effect.getByRole("row", { name: "1 applied a", exact: true })).toBeVisible();
  await expect.element(effect.getByRole("row", { name: `1 applied ${differing} b`, exact: true })).toBeVisible();
  await expect.element(effect.getByRole("row", { name: "1 refused UPGRADE_STATE_MISSING No BUILD. c" })).toBeVisible();
  await expect.element(screen.getByText("Looked up for 3 of 4.")).toBeVisible();
  expect(sent.filter(({ method }) => method === "POST").map(({ body }) => body)).toEqual([
    { dryRun: true, source },
    { dryRun: true, source, cursor: "b" },
  ]);
});

/** Opens a machine, protects its last state, and presses Save. The plan of saving is what the outcomes are. */
async function saveWith(outcomes: readonly object[], save: (body: { readonly plan?: string }) => unknown) {
  const source = `version: 2\nevents: [OPENED]\nstates:\n  INIT: { on: { OPENED: LIVE } }\n  LIVE: {}\n`;
  const shop = { machine: "shop", source, hash: "x", origin: "/yard/shop.yaml", writable: true, problems: [] };
  const plan = { operation: "upgrade", total: 1, examined: 1, outcomes, digest: "d".repeat(32) };
  const { screen, sent } = await renderPage(EditPage, "/edit?machine=shop", {
    "GET /v1/executors": { items: [] },
    "GET /v1/machines": { items: [] },
    "GET /v1/machines/shop/source": shop,
    "POST /v1/machines/shop/source": ({ body }: SentRequest) => {
      const asked = body as { readonly dryRun?: boolean; readonly plan?: string };
      return asked.dryRun === true ? { ...shop, plan } : (save(asked) ?? shop);
    },
  });
  await selectState(screen, "LIVE");
  await screen.getByLabelText("Protected").click();
  await screen.getByRole("button", { name: "Save shop…", exact: true }).click();
  const plans = () =>
    sent.flatMap(({ method, body }) => (method === "POST" ? [(body as { plan?: string }).plan ?? "dry run"] : []));
  return { screen, plans };
}

const counted = { outcome: "applied", count: 1, examples: ["pr-1"] };

it("saves what acts on no live stack at once, by the digest of its dry run", async () => {
  const { screen, plans } = await saveWith([{ ...counted, follows: [] }], () => undefined);

  await expect.element(screen.getByText("Saved shop.yaml")).toBeVisible();
  expect(plans()).toEqual(["dry run", "d".repeat(32)]);
});

// temporal#1913
it("shows what saving would do to stacks at once, and then does that or nothing", async () => {
  let saves = 0;
  const stale = problem(409, "PLAN_STALE", "The items have changed.");
  const { screen, plans } = await saveWith([{ ...counted, follows: ["CLOSED: removed"] }], () => {
    saves += 1;
    return saves === 1 ? stale : undefined;
  });

  const row = screen.getByRole("alert").getByRole("row", { name: "1 applied CLOSED: removed pr-1" });
  await expect.element(row).toBeVisible();
  await screen.getByRole("button", { name: "Do not save" }).click();
  await expect.element(row).not.toBeInTheDocument();
  expect(plans()).toEqual(["dry run"]);
  await screen.getByRole("button", { name: "Save shop…", exact: true }).click();
  await screen.getByRole("button", { name: "Save as shown" }).click();
  await expect.element(screen.getByText("The items have changed.")).toBeVisible();
  await screen.getByRole("button", { name: "Save shop…", exact: true }).click();
  await screen.getByRole("button", { name: "Save as shown" }).click();

  await expect.element(screen.getByText("Saved shop.yaml")).toBeVisible();
  expect(plans().filter((plan) => plan !== "dry run")).toEqual(["d".repeat(32), "d".repeat(32)]);
});
