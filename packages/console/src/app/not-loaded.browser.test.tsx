import { describe, expect, it, vi } from "vitest";
import { renderPage } from "../testing/render-page.tsx";
import { NotLoaded } from "./not-loaded.tsx";

const reconnecting = { kind: "state", state: { kind: "reconnecting", sinceMs: 0 } } as const;
const live = { kind: "state", state: { kind: "live" } } as const;

async function show() {
  const reload = vi.fn();
  const page = await renderPage(() => <NotLoaded reload={reload} />, "/audit", {});
  return { ...page, reload };
}

describe("NotLoaded", () => {
  it("waits for the server, then reloads once", async () => {
    const { screen, live: stream, reload } = await show();
    stream.emit(reconnecting);
    await expect.element(screen.getByRole("heading", { name: "Server unreachable" })).toBeVisible();
    expect(reload).not.toHaveBeenCalled();

    stream.emit(live);

    await expect.poll(() => reload.mock.calls.length).toBe(1);
  });

  it("leaves the reload to the person while the server answers", async () => {
    const { screen, live: stream, reload } = await show();
    stream.emit(live);

    await expect.element(screen.getByRole("heading", { name: "New version" })).toBeVisible();
    expect(reload).not.toHaveBeenCalled();
    await screen.getByRole("button", { name: "Reload" }).click();

    expect(reload).toHaveBeenCalledTimes(1);
  });
});
