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
  it("shows lines as text, and the head of the chain", { tags: "page" }, async () => {
    const { screen } = await renderPage(AuditPage, "/audit", api);

    await expect.element(screen.getByText("<b>ada</b>")).toBeVisible();
    await expect.element(screen.getByText("wrong branch‹U+202E›")).toBeVisible();
    await expect.element(screen.getByText("Denied FORBIDDEN")).toBeVisible();
    await expect.element(screen.getByText("Cancel task", { exact: true })).toBeVisible();
    await expect.element(screen.getByText("stackyard audit verify --head 4f1c")).toBeVisible();
  });

  it("tells two people of one name apart (grafana#17635)", async () => {
    const other = { ...line, id: "l40", seq: 40, who: { ...line.who, id: "p2" } };
    const { screen } = await renderPage(AuditPage, "/audit", { ...api, "GET /v1/audit": { items: [line, other] } });

    await expect.element(screen.getByText("<b>ada</b> (p1)")).toBeVisible();
    await expect.element(screen.getByText("<b>ada</b> (p2)")).toBeVisible();
  });

  // https://github.com/orchidsoftware/platform/issues/1014: a table on a phone with a word a line.
  it("keeps rows low on a phone", async () => {
    await page.viewport(390, 844);
    await renderPage(AuditPage, "/audit", api);
    await expect.poll(() => document.querySelector("tbody tr")).not.toBeNull();

    expect(document.querySelector("tbody tr")?.getBoundingClientRect().height).toBeLessThan(60);
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(390);
    await page.viewport(1440, 900);
  });

  it("needs no scrolling sideways at 1024 pixels, with long names and subjects (chronograf#4578)", async () => {
    await page.viewport(1_024, 800);
    const long = { ...line, action: "exceptFromFreeze", who: { ...line.who, name: "ada.lovelace@example.org" } };
    const on = { stackId: "shop-production-eu-west-1", key: "freezes/winter-2026", machine: "release" };
    await renderPage(AuditPage, "/audit", { ...api, "GET /v1/audit": { items: [{ ...long, on }] } });
    await expect.poll(() => document.querySelector("tbody tr")).not.toBeNull();

    const table = document.querySelector("tbody tr")?.closest("table");
    expect(table?.scrollWidth).toBeLessThanOrEqual(table?.parentElement?.clientWidth ?? 0);
    expect(table?.textContent).toContain("api 10.0.0.9");
    await page.viewport(1440, 900);
  });

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
    await screen.getByLabelText("Action (its name)").fill("CANCEL_TASK");
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
