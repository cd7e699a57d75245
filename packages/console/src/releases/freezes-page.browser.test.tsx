import type { AuditLine, Freeze } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { problem, renderPage, viewer } from "../testing/render-page.tsx";
import { FreezesPage } from "./freezes-page.tsx";

const at = "2026-11-20T02:00:00Z";
const winter: Freeze = {
  name: "winter",
  reason: "Christmas",
  startedAt: at,
  startedBy: "ada",
  to: "2027-01-04T07:00:00Z",
  except: [{ release: "shop-1.42.1", reason: "outage of checkout", at, by: "ben" }],
};
const gold: Freeze = {
  name: "gold",
  reason: "audit of gold tenants",
  machine: "tenant",
  where: "metadata.tier == 'gold'",
  startedAt: at,
  startedBy: "ben",
  except: [],
};
const held = { release: "shop-1.42.0", task: "tenants", stacks: 12, examples: ["tenant-1", "tenant-2"] };
const api = {
  "GET /v1/freezes": { items: [winter, gold] },
  "GET /v1/freezes/winter/held": { items: [held] },
  "GET /v1/freezes/gold/held": { items: [] },
};
const line = (action: string, over: Partial<AuditLine>): AuditLine => ({
  seq: 1,
  prev: "",
  id: action,
  at,
  action,
  outcome: "done",
  who: { kind: "person", id: "p1", name: "ada", groups: [] },
  via: "api",
  on: { key: "freezes/winter" },
  ...over,
});

describe("FreezesPage", () => {
  it.each([390, 1_024, 1_440])(
    "shows what is frozen, until when, who passes and what is held, %i px wide",
    { tags: "page" },
    async (width) => {
      await page.viewport(width, 900);
      const { screen } = await renderPage(FreezesPage, "/freezes", api);

      await expect.element(screen.getByText("Christmas")).toBeVisible();
      await expect.element(screen.getByText("metadata.tier == 'gold'")).toBeVisible();
      await expect.element(screen.getByText("outage of checkout, ben")).toBeInTheDocument();
      const table = screen.getByRole("region", { name: "What winter holds" });
      await expect.element(table.getByRole("row", { name: /shop-1.42.0 tenants 12/ })).toBeInTheDocument();
      await expect.element(screen.getByText("No release waits for it now.")).toBeInTheDocument();
      expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
      await page.viewport(1_280, 800);
    },
  );

  it("says of each freeze what it holds, and who or what ends it", async () => {
    const everything: Freeze = { name: "all", reason: "incident", startedAt: at, startedBy: "ben", except: [] };
    const { screen } = await renderPage(FreezesPage, "/freezes", {
      "GET /v1/freezes": { items: [winter, everything] },
      "GET /v1/freezes/winter/held": { items: [] },
      "GET /v1/freezes/all/held": { items: [] },
    });
    await expect.element(screen.getByText("incident")).toBeVisible();

    const factsOf = (index: number) =>
      [...(document.querySelectorAll("dl.pairs")[index]?.querySelectorAll("dd") ?? [])].map((each) => each.textContent);
    expect(factsOf(0)[0]).toBe("all stacks");
    expect(factsOf(0)[2]).toMatch(/^the clock, Mon 4 Jan .*, or a person before$/);
    expect(factsOf(1)[2]).toBe("a person who may repair its stacks");
  });

  it("tells two people with one name apart (grafana#17635)", async () => {
    const frozen: Freeze = {
      ...winter,
      startedById: "p1",
      except: [{ release: "shop-1.42.1", reason: "outage of checkout", at, by: "ada", byId: "p2" }],
    };
    const { screen } = await renderPage(FreezesPage, "/freezes", { ...api, "GET /v1/freezes": { items: [frozen] } });

    await expect.element(screen.getByText("ada (p1)")).toBeVisible();
    await expect.element(screen.getByText("outage of checkout, ada (p2)")).toBeVisible();
  });

  it("names a task whose rows cannot be read: it may wait for the freeze", async () => {
    const damaged = {
      release: "shop-1.43.0",
      task: "tenants",
      stacks: 0,
      examples: [],
      problem: "The record is gone.",
    };
    const { screen } = await renderPage(FreezesPage, "/freezes", {
      ...api,
      "GET /v1/freezes/winter/held": { items: [damaged] },
    });

    const table = screen.getByRole("region", { name: "What winter holds" });
    await expect
      .element(table.getByRole("row", { name: /shop-1.43.0 tenants 0 The record is gone/ }))
      .toBeInTheDocument();
  });

  it("says that nothing is frozen", async () => {
    const { screen } = await renderPage(FreezesPage, "/freezes", { "GET /v1/freezes": { items: [] } });

    await expect.element(screen.getByText("Nothing is frozen.")).toBeVisible();
  });

  it("starts one with a name and a reason, and keeps the form when the server refuses (octopus#8687)", async () => {
    let answer: unknown = problem(409, "RECORD_CONFLICT", 'A freeze "incident" exists already.');
    const { screen, sent } = await renderPage(FreezesPage, "/freezes", {
      "GET /v1/freezes": { items: [] },
      "POST /v1/freezes": () => answer,
    });
    await screen.getByRole("button", { name: "Start a freeze…" }).click();
    const confirm = screen.getByRole("button", { name: "Start", exact: true });
    await expect.element(confirm).toHaveAttribute("aria-disabled", "true");
    await screen.getByLabelText("Name").fill("incident");
    await screen.getByLabelText(/Machine/).fill("tenant");
    await screen.getByLabelText("Reason").fill("incident 12");
    await confirm.click();
    await expect.element(screen.getByText('A freeze "incident" exists already.')).toBeVisible();
    // What is refused says why, and offers no way around something else.
    expect(screen.getByRole("button", { name: "Let a release pass…" }).query()).toBeNull();

    answer = { ...winter, name: "incident" };
    await confirm.click();
    await expect.element(screen.getByText("incident was started.")).toBeVisible();
    const body = { name: "incident", reason: "incident 12", machine: "tenant" };
    expect(sent.filter(({ method }) => method === "POST").map((each) => each.body)).toEqual([body, body]);
  });

  it("lets one release pass with a reason, and ends a freeze", async () => {
    const { screen, sent } = await renderPage(FreezesPage, "/freezes", {
      ...api,
      "POST /v1/freezes/winter/except": winter,
      "POST /v1/freezes/winter/end": winter,
    });
    await screen.getByRole("button", { name: "Let a release pass…" }).first().click();
    await screen.getByLabelText("Release (the id of its stack)").fill("shop-1.42.2");
    await screen.getByLabelText("Reason").fill("outage");
    await screen.getByRole("button", { name: "Let pass", exact: true }).click();
    await expect.element(screen.getByText("shop-1.42.2 passes winter.")).toBeVisible();
    await screen.getByRole("button", { name: "End…" }).first().click();
    await screen.getByRole("button", { name: "End", exact: true }).click();
    await expect.element(screen.getByText(/winter has ended/)).toBeVisible();

    expect(sent.filter(({ method }) => method === "POST").map(({ path, body }) => [path, body])).toEqual([
      ["/v1/freezes/winter/except", { release: "shop-1.42.2", reason: "outage", seen: winter.startedAt }],
      ["/v1/freezes/winter/end", { seen: winter.startedAt }],
    ]);
  });

  it("needs repair for all that a freeze matches", async () => {
    const rights = [{ permissions: ["read", "repair"] as const, machines: ["tenant"] }];
    const { screen } = await renderPage(FreezesPage, "/freezes", { ...api, "GET /v1/me": { ...viewer, rights } });

    const buttons = screen.getByRole("button", { name: "Let a release pass…" });
    await expect.element(buttons.first()).toHaveAccessibleDescription("Needs repair");
    await expect.element(buttons.last()).not.toHaveAttribute("aria-disabled", "true");
  });

  it("reads the history only when a person asks: each read of the audit log is a line there", async () => {
    const lines = (action: string | undefined) =>
      action === "startFreeze"
        ? [line("startFreeze", { reason: "Christmas" }), line("startFreeze", { id: "x", outcome: "begun" })]
        : action === "exceptFromFreeze"
          ? [line("exceptFromFreeze", { at: "2026-11-21T02:00:00Z", on: { key: "freezes/winter", stackId: "shop-1" } })]
          : [];
    const { screen, sent } = await renderPage(FreezesPage, "/freezes", {
      ...api,
      "GET /v1/audit": ({ query }: { query: Readonly<Record<string, string>> }) => ({ items: lines(query["action"]) }),
    });
    await expect.element(screen.getByText("Christmas")).toBeVisible();
    expect(sent.some(({ path }) => path === "/v1/audit")).toBe(false);

    await screen.getByRole("button", { name: "Show" }).click();

    const rows = screen.getByRole("region", { name: "What was done to freezes" }).getByRole("listitem");
    await expect.poll(() => rows.elements()[0]?.textContent).toContain("ada let shop-1 pass the freeze winter");
    expect(rows.elements()[1]?.textContent).toContain("started the freeze winter");
    expect(rows.elements().length).toBe(2);
  });
});
