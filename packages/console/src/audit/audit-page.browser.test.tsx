import type { AuditLine } from "@stackyard/sdk";
import { describe, expect, it, onTestFinished } from "vitest";
import { page, userEvent } from "vitest/browser";
import { changeSettings } from "../design/settings.ts";
import { problem, renderPage, viewer } from "../testing/render-page.tsx";
import { AuditPage } from "./audit-page.tsx";

const line: AuditLine = {
  seq: 41,
  prev: "aa",
  id: "l41",
  at: "2026-11-20T03:00:00Z",
  action: "CANCEL_TASK",
  outcome: "denied",
  code: "FORBIDDEN",
  who: { kind: "person", id: "p1", name: "<b>ada</b>", groups: [], address: "10.0.0.9" },
  via: "api",
  on: { stackId: "pr-12", task: "app" },
  reason: "wrong branch\u202e",
};
const head = { seq: 41, hash: "4f1c", first: { seq: 1, prev: "00" } };
const api = { "GET /v1/audit": { items: [line] }, "GET /v1/audit/head": head };

describe("AuditPage", () => {
  it("says who did what to what as text, and proves the chain in a dialog", { tags: "page" }, async () => {
    const { screen } = await renderPage(AuditPage, "/audit", api);

    const row = screen.getByRole("region", { name: /^Lines of the audit log/ }).getByRole("listitem");
    await expect.element(row).toMatchTextContent(/<b>ada<\/b> was refused to cancel app of pr-12/);
    await expect.element(row).toMatchTextContent(/wrong branch‹U\+202E› FORBIDDEN/);
    await expect.element(screen.getByText("41 lines sealed")).toBeVisible();
    await screen.getByRole("button", { name: "Check the chain…" }).click();
    await expect.element(screen.getByText("stackyard audit verify --head 4f1c")).toBeVisible();
  });

  it("groups acts by day, newest first by instant, and what was begun and done is one", async () => {
    changeSettings({ zone: "utc" });
    onTestFinished(() => changeSettings({ zone: "local" }));
    const items = [
      { ...line, id: "l43", seq: 43, at: "2026-11-19T23:00:00Z", outcome: "done", of: "l42", code: undefined },
      { ...line, id: "l42", seq: 42, at: "2026-11-19T22:59:00Z", outcome: "begun", code: undefined },
      line,
    ];
    const { screen } = await renderPage(AuditPage, "/audit", { ...api, "GET /v1/audit": { items } });

    await expect.element(screen.getByRole("heading", { name: "Friday 20 November 2026" })).toBeVisible();
    const rows = screen.getByRole("region", { name: /^Lines of the audit log/ }).getByRole("listitem");
    expect(rows.elements().map((row) => row.querySelector("time")?.textContent)).toEqual(["03:00", "23:00"]);
    await expect.element(screen.getByRole("heading", { name: "Thursday 19 November 2026" })).toBeVisible();
  });

  it("tells two people of one name apart (grafana#17635)", async () => {
    const other = { ...line, id: "l40", seq: 40, who: { ...line.who, id: "p2" } };
    const { screen } = await renderPage(AuditPage, "/audit", { ...api, "GET /v1/audit": { items: [line, other] } });

    await expect.element(screen.getByText("<b>ada</b> (p1)")).toBeVisible();
    await expect.element(screen.getByText("<b>ada</b> (p2)")).toBeVisible();
  });

  // https://github.com/orchidsoftware/platform/issues/1014: a table on a phone with a word a line.
  it.each([390, 1_024])(
    "needs no scrolling sideways, with long names and subjects, %i px wide (chronograf#4578)",
    async (width) => {
      await page.viewport(width, 844);
      onTestFinished(() => page.viewport(1_440, 900));
      const long = { ...line, action: "exceptFromFreeze", who: { ...line.who, name: "ada.lovelace@example.org" } };
      const on = { stackId: "shop-production-eu-west-1", key: "freezes/winter-2026", machine: "release" };
      const { screen } = await renderPage(AuditPage, "/audit", {
        ...api,
        "GET /v1/audit": { items: [{ ...long, on }] },
      });

      const row = screen.getByRole("region", { name: /^Lines of the audit log/ }).getByRole("listitem");
      await expect.element(row).toMatchTextContent(/person, 10\.0\.0\.9/);
      expect(row.element().getBoundingClientRect().height).toBeLessThan(140);
      expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
    },
  );

  it("shows names in rows as bold ink", async () => {
    const { screen } = await renderPage(AuditPage, "/audit", api);
    const name = screen.getByRole("link", { name: "pr-12" });
    await expect.element(name).toBeVisible();

    const { color, fontWeight, textDecorationLine } = getComputedStyle(name.element());
    expect([color, textDecorationLine]).toEqual([getComputedStyle(document.body).color, "none"]);
    expect(Number(fontWeight)).toBeGreaterThanOrEqual(600);
  });

  it("filters by the address, and writes the filter into it when it is whole", async () => {
    const { screen, sent, address } = await renderPage(AuditPage, "/audit?who=ada", api);
    await screen.getByLabelText("What").fill("CANCEL_TASK");
    expect(address()).toBe("/audit?who=ada");
    await userEvent.keyboard("{Enter}");

    await expect.poll(address).toBe("/audit?who=ada&action=CANCEL_TASK");
    await expect.poll(() => sent.at(-1)?.query).toMatchObject({ who: "ada", action: "CANCEL_TASK" });
  });

  it("picks it in UTC where the page shows UTC", async () => {
    changeSettings({ zone: "utc" });
    onTestFinished(() => changeSettings({ zone: "local" }));
    const { screen, address } = await renderPage(AuditPage, "/audit", api);

    await screen.getByLabelText("Since, UTC").fill("2026-11-20T12:00");

    await expect.poll(address).toBe("/audit?since=2026-11-20T12%3A00%3A00.000Z");
  });

  it("picks since when, which the address has in UTC", async () => {
    const { screen, sent, address } = await renderPage(AuditPage, "/audit?since=2026-11-20T03:00:00.000Z", api);
    const at = new Date("2026-11-20T03:00:00Z");
    const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
    await expect.element(screen.getByLabelText("Since, local time")).toHaveValue(local);

    await screen.getByLabelText("Since, local time").fill(local.replace("2026", "2025"));

    await expect.poll(address).toBe("/audit?since=2025-11-20T03%3A00%3A00.000Z");
    await expect.poll(() => sent.at(-1)?.query).toMatchObject({ since: "2025-11-20T03:00:00.000Z" });
  });

  it("shows what was refused only, and everything again", async () => {
    const { screen, sent, address } = await renderPage(AuditPage, "/audit?who=ada", api);
    const refused = screen.getByRole("button", { name: "Refused only" });
    await refused.click();
    await expect.poll(address).toBe("/audit?who=ada&action=denied");
    await expect.poll(() => sent.at(-1)?.query).toMatchObject({ who: "ada", action: "denied" });
    await refused.click();
    await screen.getByRole("button", { name: "Drop the filter Who" }).click();

    await expect.poll(address).toBe("/audit");
  });

  it("explains that the log needs a permission, and that the export does", async () => {
    const { screen } = await renderPage(AuditPage, "/audit", {
      "GET /v1/me": viewer,
      "GET /v1/audit": problem(403, "FORBIDDEN", "This needs the permission audit."),
      "GET /v1/audit/head": head,
    });

    await expect.element(screen.getByText("This needs the permission audit.")).toBeVisible();
    await expect.element(screen.getByRole("button", { name: "Export" })).toHaveAccessibleDescription("Needs audit");
  });
});
