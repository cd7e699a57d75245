import { describe, expect, it } from "vitest";
import { StacksPage } from "../stacks/stacks-page.tsx";
import { admin, problem, renderPage } from "../testing/render-page.tsx";
import { aFailedStack, conditionCounts } from "../testing/stacks.ts";
import { Shell } from "./shell.tsx";

const worker = { id: "w1", roles: ["worker"], gone: false };
const quiet = {
  "GET /v1/stack-counts": conditionCounts(1),
  "GET /v1/processes": { items: [worker] },
};
const gone = () => Promise.reject(new TypeError("Failed to fetch"));
const toReconnecting = (sinceMs: number) => ({ kind: "state", state: { kind: "reconnecting", sinceMs } }) as const;
const live = { kind: "state", state: { kind: "live" } } as const;

describe("Shell", () => {
  it("shows how fresh the page is", { tags: "page" }, async () => {
    let isGone = false;
    const answers = Object.entries(quiet).map(([route, answer]) => [route, () => (isGone ? gone() : answer)]);
    const page = await renderPage(Shell, "/", {
      ...Object.fromEntries(answers),
      "GET /v1/me": () => (isGone ? gone() : admin),
    });
    await expect.element(page.screen.getByText("Connecting")).toBeVisible();

    page.live.emit(live);
    await expect.element(page.screen.getByText("Live", { exact: true })).toBeVisible();
    isGone = true;
    page.live.emit(toReconnecting(Date.now() - 2_000));
    await expect.element(page.screen.getByText(/^Reconnecting \d s$/)).toBeVisible();
    page.live.emit(toReconnecting(Date.now() - 60_000));
    await expect.element(page.screen.getByText(/^Stale since \d\d:\d\d:\d\d$/)).toBeVisible();

    isGone = false;
    page.live.emit(live);
    await expect.element(page.screen.getByText("Live", { exact: true })).toBeVisible();
  });

  it("says that live updates are blocked when requests are answered and no stream comes", async () => {
    const page = await renderPage(Shell, "/", quiet);

    page.live.emit(toReconnecting(Date.now() - 60_000));

    await expect.element(page.screen.getByText("Live updates blocked: fetching every 5 s")).toBeVisible();
  });

  const signedOut = { ...quiet, "GET /v1/me": problem(401, "SIGNED_OUT", "Sign in.") };

  it("asks for a sign-in when the session has ended", async () => {
    const page = await renderPage(Shell, "/stacks", { ...signedOut, "GET /auth/ways": { people: true, code: false } });

    await expect.element(page.screen.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await page.screen.getByRole("button", { name: "Try again" }).click();

    expect(page.live.requests).toContainEqual({ kind: "retry" });
  });

  it.each([
    [{ people: true, code: false }, ["/auth/login"]],
    [{ people: false, code: true }, ["/auth/local"]],
    [{ people: true, code: true }, ["/auth/login", "/auth/local"]],
    [{ people: false, code: false }, []],
  ])("offers only ways in that exist, and each returns to the address: %j", async (ways, paths) => {
    const page = await renderPage(Shell, "/stacks", { ...signedOut, "GET /auth/ways": ways });
    const dialog = page.screen.getByRole("dialog");
    const query = `?return=${encodeURIComponent(location.pathname + location.search)}`;
    const hrefs = () => [...dialog.element().querySelectorAll("a")].map((link) => link.getAttribute("href"));

    if (paths.length === 0) await expect.element(dialog).toMatchTextContent(/no sign-in for browsers/);
    await expect.poll(hrefs).toEqual(paths.map((path) => `${path}${query}`));
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
  async function showStacks() {
    const server = { state: "BUILD", isGone: false };
    const answer = (value: () => unknown) => () => (server.isGone ? gone() : value());
    const page = await renderPage(StacksPage, "/stacks", {
      "GET /v1/stack-counts": answer(() => conditionCounts(1)),
      "GET /v1/processes": answer(() => ({ items: [worker] })),
      "GET /v1/me": answer(() => admin),
      "GET /v1/machines": answer(() => ({ items: [] })),
      "GET /v1/stacks": answer(() => ({ items: [aFailedStack("pr-1", { state: server.state })] })),
    });
    await expect.element(page.screen.getByText("BUILD")).toBeVisible();
    await page.screen.getByRole("button", { name: "Select all matching" }).click();
    return { page, server, retry: page.screen.getByRole("button", { name: "Retry…" }) };
  }

  it("refuses actions while the server is gone, and fetches everything when it is back", async () => {
    const { page, server, retry } = await showStacks();
    server.isGone = true;
    page.live.emit(toReconnecting(Date.now()));
    await expect.element(retry).toHaveAccessibleDescription("Server unreachable");

    server.isGone = false;
    server.state = "LIVE";
    page.live.emit(live);
    page.live.emit({ kind: "batch", messages: [], restart: true });

    await expect.element(page.screen.getByText("LIVE")).toBeVisible();
    await expect.element(retry).not.toHaveAttribute("aria-disabled");
  });

  it("works without a stream: actions stay allowed, and changes appear [argo-cd#9247, kestra#2076, tock#1895]", async () => {
    const { page, server, retry } = await showStacks();
    page.live.emit(toReconnecting(Date.now() - 60_000));
    server.state = "LIVE";

    await expect.element(page.screen.getByText("LIVE")).toBeVisible();
    await expect.element(retry).not.toHaveAttribute("aria-disabled");
  });
});
