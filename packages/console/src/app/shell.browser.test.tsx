import { describe, expect, it } from "vitest";
import { StacksPage } from "../stacks/stacks-page.tsx";
import { problem, renderPage } from "../testing/render-page.tsx";
import { aFailedStack, conditionCounts } from "../testing/stacks.ts";
import { Shell } from "./shell.tsx";

const worker = { id: "w1", roles: ["worker"], gone: false };
const quiet = {
  "GET /v1/stack-counts": conditionCounts(1),
  "GET /v1/processes": { items: [worker] },
};
const toReconnecting = (sinceMs: number) => ({ kind: "state", state: { kind: "reconnecting", sinceMs } }) as const;
const live = { kind: "state", state: { kind: "live" } } as const;

describe("Shell", () => {
  it("shows how fresh the page is", { tags: "page" }, async () => {
    const page = await renderPage(Shell, "/", quiet);
    await expect.element(page.screen.getByText("Connecting")).toBeVisible();

    page.live.emit(live);
    await expect.element(page.screen.getByText("Live", { exact: true })).toBeVisible();
    page.live.emit(toReconnecting(Date.now() - 2_000));
    await expect.element(page.screen.getByText(/^Reconnecting \d s$/)).toBeVisible();
    page.live.emit(toReconnecting(Date.now() - 60_000));

    await expect.element(page.screen.getByText(/^Stale since \d\d:\d\d:\d\d$/)).toBeVisible();
  });

  it("asks for a sign-in when the session has ended, and returns to the address", async () => {
    const page = await renderPage(Shell, "/stacks", { ...quiet, "GET /v1/me": problem(401, "SIGNED_OUT", "Sign in.") });

    await expect.element(page.screen.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await page.screen.getByRole("button", { name: "Try again" }).click();

    expect(page.live.requests).toContainEqual({ kind: "retry" });
  });

  it("says on every page that no worker runs", async () => {
    const page = await renderPage(Shell, "/", {
      ...quiet,
      "GET /v1/processes": { items: [{ ...worker, gone: true }] },
    });

    await expect.element(page.screen.getByText(/No worker runs/)).toBeVisible();
  });
});

describe("LiveProvider", () => {
  it("refuses actions while the server is gone, and fetches everything when it is back", async () => {
    let state = "BUILD";
    const page = await renderPage(StacksPage, "/stacks", {
      ...quiet,
      "GET /v1/machines": { items: [] },
      "GET /v1/stacks": () => ({ items: [aFailedStack("pr-1", { state })] }),
    });
    await expect.element(page.screen.getByText("BUILD")).toBeVisible();
    await page.screen.getByRole("button", { name: "Select all matching" }).click();
    page.live.emit(toReconnecting(Date.now()));
    const retry = page.screen.getByRole("button", { name: "Retry…" });
    await expect.element(retry).toHaveAccessibleDescription("Server unreachable");
    await expect.element(page.screen.getByText("BUILD")).toBeVisible();

    state = "LIVE";
    page.live.emit(live);
    page.live.emit({ kind: "batch", messages: [], restart: true });

    await expect.element(page.screen.getByText("LIVE")).toBeVisible();
    await expect.element(retry).not.toHaveAttribute("aria-disabled");
  });
});
