import type { TerraformState } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { queryClient } from "../api/client.ts";
import { problem, renderPage, viewer } from "../testing/render-page.tsx";
import { StatePage } from "./state-page.tsx";
import { StatesPage } from "./states-page.tsx";

const key = "review-app/pr-12/app";
const state: TerraformState = {
  key,
  current: 2,
  versions: [
    {
      version: 2,
      bytes: 1_200,
      at: "2026-11-20T03:00:00Z",
      by: "pr-12/1/2/app/1",
      serial: 5,
      terraformVersion: "1.9.8",
    },
    { version: 1, bytes: 900, at: "2026-11-20T02:00:00Z", by: "pr-12/1/1/app/1", serial: 4 },
  ],
};
const lock = { id: "lock-1", at: "2026-11-20T03:01:00Z", holder: "ada", binds: true, who: "ada@laptop" };
const path = `/v1/terraform/states/${key}`;
const toContent = (input: string) =>
  new Response(
    JSON.stringify({
      version: 4,
      resources: [{ mode: "managed", type: "terraform_data", name: "app", instances: [{ attributes: { input } }] }],
    }),
  );
const api = {
  [`GET ${path}`]: state,
  [`GET ${path}/versions/1`]: toContent("secret-1"),
  [`GET ${path}/versions/2`]: toContent("secret-2"),
};

describe("StatesPage", () => {
  it("lists the states that begin with the prefix of the address, with their locks", { tags: "page" }, async () => {
    const { screen, sent } = await renderPage(StatesPage, "/states?prefix=review-app", {
      "GET /v1/terraform/states": { items: [{ ...state, lock }] },
    });

    await expect.element(screen.getByRole("link", { name: key })).toBeVisible();
    await expect.element(screen.getByText("Locked by ada@laptop")).toBeVisible();
    expect(sent.find(({ path: to }) => to === "/v1/terraform/states")?.query["prefix"]).toBe("review-app");
  });

  it("tells two people with one name apart: who wrote a state, and who has locked it (grafana#17635)", async () => {
    const [first] = state.versions;
    const written = { ...state, versions: [{ ...first, by: "ada", byId: "p1" }] };
    const { screen } = await renderPage(StatesPage, "/states", {
      "GET /v1/terraform/states": { items: [{ ...written, lock: { ...lock, who: undefined, holderId: "p2" } }] },
    });

    await expect.element(screen.getByText("ada (p1)")).toBeVisible();
    await expect.element(screen.getByText("Locked by ada (p2)")).toBeVisible();
  });

  it("says which filter has no match, and removes it", async () => {
    const { screen, address } = await renderPage(StatesPage, "/states?prefix=x", {
      "GET /v1/terraform/states": { items: [] },
    });
    await screen.getByRole("button", { name: "Clear filters" }).last().click();

    await expect.poll(address).toBe("/states");
  });
});

describe("StatePage", () => {
  const address = `/state?key=${encodeURIComponent(key)}`;

  it("offers no comparison of a single version", async () => {
    const { screen } = await renderPage(StatePage, address, {
      ...api,
      [`GET ${path}`]: { ...state, versions: state.versions.slice(1) },
    });

    await expect.element(screen.getByText("There is no second version to compare with.")).toBeVisible();
    expect(screen.getByRole("combobox", { name: "From version" }).query()).toBeNull();
  });

  it("compares the two newest versions by resource, without values, and reads them only when asked", {
    tags: "page",
  }, async () => {
    const { screen, sent } = await renderPage(StatePage, address, api);
    await expect.element(screen.getByText(/1,200 bytes/)).toBeVisible();
    const before = sent.filter(({ path: to }) => to.includes("/versions/"));
    await screen.getByRole("button", { name: "Compare" }).click();

    await expect.element(screen.getByText("terraform_data.app")).toBeVisible();
    await expect.element(screen.getByText("input")).toBeVisible();
    expect(before).toEqual([]);
    expect(document.body.textContent).not.toContain("secret-2");
  });

  it("does not restore while the state is locked", async () => {
    const { screen } = await renderPage(StatePage, address, { ...api, [`GET ${path}`]: { ...state, lock } });

    await expect
      .element(screen.getByRole("button", { name: "Restore version 1" }))
      .toHaveAccessibleDescription("The state is locked");
  });

  it("restores a version only over the one that was current as it was opened", async () => {
    let now = state;
    const { screen, sent } = await renderPage(StatePage, address, { ...api, [`GET ${path}`]: () => now });
    await screen.getByRole("button", { name: "Restore version 1" }).click();
    await screen.getByLabelText(/to confirm/).fill(key);
    const [newest, ...others] = state.versions;
    now = {
      ...state,
      current: 3,
      versions: [{ ...newest, version: 3, bytes: 1, at: "2026-11-20T04:00:00Z", by: "x" }, ...others],
    };
    await queryClient.invalidateQueries();

    const restore = screen.getByRole("button", { name: "Restore", exact: true });
    await expect.element(restore).toHaveAccessibleDescription(/Version 3 came meanwhile/);
    expect(sent.some(({ method }) => method === "POST")).toBe(false);
  });

  it("unlocks only after the key was typed, and names the lock that was shown", async () => {
    const { screen, sent } = await renderPage(StatePage, address, {
      ...api,
      [`GET ${path}`]: { ...state, lock },
      [`POST ${path}/unlock`]: state,
    });
    await screen.getByRole("button", { name: "Unlock…" }).click();
    const confirm = screen.getByRole("button", { name: "Unlock", exact: true });
    await expect.element(confirm).toHaveAttribute("aria-disabled", "true");
    await screen.getByLabelText(/to confirm/).fill(key);
    await confirm.click();

    await expect.element(screen.getByText("The lock is broken.")).toBeVisible();
    expect(sent.find(({ method }) => method === "POST")?.body).toEqual({ id: "lock-1" });
  });

  it("breaks the lock that it was opened for, never one that came since", async () => {
    let now: TerraformState = { ...state, lock };
    const { screen, sent } = await renderPage(StatePage, address, {
      ...api,
      [`GET ${path}`]: () => now,
      [`POST ${path}/unlock`]: state,
    });
    await screen.getByRole("button", { name: "Unlock…" }).click();
    await screen.getByLabelText(/to confirm/).fill(key);
    now = { ...state, lock: { ...lock, id: "lock-2" } };
    await queryClient.invalidateQueries();
    await expect.poll(() => sent.filter(({ path: sentTo }) => sentTo === path).length).toBeGreaterThan(1);
    await screen.getByRole("button", { name: "Unlock", exact: true }).click();

    await expect.element(screen.getByText("The lock is broken.")).toBeVisible();
    expect(sent.find(({ method }) => method === "POST")?.body).toEqual({ id: "lock-1" });
  });

  it("reads a version only with the permission, and shows why not without it", async () => {
    const { screen } = await renderPage(StatePage, address, { ...api, "GET /v1/me": viewer });

    await expect
      .element(screen.getByRole("button", { name: "Read version 2" }))
      .toHaveAccessibleDescription("Needs states:read on review-app");
  });

  it("shows a state that does not exist as absent", async () => {
    const { screen } = await renderPage(StatePage, address, {
      [`GET ${path}`]: problem(404, "NOT_FOUND", "No state."),
    });

    await expect.element(screen.getByText("Not found, or you may not read it.")).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "All Terraform states" })).toHaveClass("primary");
  });
});
