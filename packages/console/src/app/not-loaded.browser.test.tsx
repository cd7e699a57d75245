import { describe, expect, it, vi } from "vitest";
import { useMe } from "../api/access.ts";
import { admin, renderPage } from "../testing/render-page.tsx";
import { NotLoaded } from "./not-loaded.tsx";

const reconnecting = { kind: "state", state: { kind: "reconnecting", sinceMs: 0 } } as const;
const live = { kind: "state", state: { kind: "live" } } as const;

/** A page next to something that fetches, as the header does. */
async function show() {
  const reload = vi.fn();
  const server = { isGone: false };
  const page = () => {
    useMe();
    return <NotLoaded reload={reload} />;
  };
  const answer = () => (server.isGone ? Promise.reject(new TypeError("Failed to fetch")) : admin);
  return { ...(await renderPage(page, "/audit", { "GET /v1/me": answer })), reload, server };
}

describe("NotLoaded", () => {
  it("waits for the server, then reloads once", async () => {
    const { screen, live: stream, reload, server } = await show();
    server.isGone = true;
    stream.emit(reconnecting);
    await expect.element(screen.getByRole("heading", { name: "Server unreachable" })).toBeVisible();
    expect(reload).not.toHaveBeenCalled();

    server.isGone = false;
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
