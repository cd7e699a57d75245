import { describe, expect, it, vi } from "vitest";
import { renderPage } from "../testing/render-page.tsx";
import { NotLoaded } from "./not-loaded.tsx";

const reconnecting = { kind: "state", state: { kind: "reconnecting", sinceMs: 0, tries: 1 } } as const;
const live = { kind: "state", state: { kind: "live" } } as const;

describe("NotLoaded", () => {
  it("waits for the server, then reloads once", async () => {
    const reload = vi.fn();
    const page = await renderPage(() => <NotLoaded reload={reload} />, "/audit", {});
    page.live.emit(reconnecting);
    await expect.element(page.screen.getByRole("heading", { name: "Server unreachable" })).toBeVisible();
    expect(reload).not.toHaveBeenCalled();

    page.live.emit(live);

    await expect.poll(() => reload.mock.calls.length).toBe(1);
  });

  it("leaves the reload to the person while the server answers", async () => {
    const reload = vi.fn();
    const page = await renderPage(() => <NotLoaded reload={reload} />, "/audit", {});
    page.live.emit(live);

    await expect.element(page.screen.getByRole("heading", { name: "New version" })).toBeVisible();
    expect(reload).not.toHaveBeenCalled();
    await page.screen.getByRole("button", { name: "Reload" }).click();

    expect(reload).toHaveBeenCalledTimes(1);
  });
});
