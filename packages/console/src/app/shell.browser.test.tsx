import type {} from "@vitest/browser-playwright";
import { useState } from "react";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { cdp, page, userEvent } from "vitest/browser";
import { render } from "vitest-browser-react";
import "./print.css";
import "../graph/graph.css";
import "../log/excerpt.css";
import "../design/base.css";
import { queryClient, toFailure } from "../api/client.ts";
import { Button } from "../design/button.tsx";
import { Page } from "../design/page.tsx";
import { StacksPage } from "../stacks/stacks-page.tsx";
import { admin, problem, renderPage, viewer } from "../testing/render-page.tsx";
import { aFailedStack, conditionCounts } from "../testing/stacks.ts";
import { formatTime } from "../text/durations.ts";
import { setServerDate, toServerTime } from "../text/server-clock.ts";
import { Shell } from "./shell.tsx";

const worker = { id: "w1", roles: ["worker"], gone: false };
const quiet = {
  "GET /v1/stack-counts": conditionCounts(1),
  "GET /v1/processes": { items: [worker] },
};
const gone = () => Promise.reject(new TypeError("Failed to fetch"));
const toReconnecting = (sinceMs: number) => ({ kind: "state", state: { kind: "reconnecting", sinceMs } }) as const;
const live = { kind: "state", state: { kind: "live" } } as const;

function TitledPage() {
  return (
    <>
      <Shell />
      <Page title="pr-12">{null}</Page>
    </>
  );
}

/** The shell's content, with a list before the page as `ListDetail` has it. */
function PageBesideList() {
  return (
    <>
      <Shell />
      <main>
        <aside>
          <a href="/stack?id=pr-1">pr-1</a>
        </aside>
        <Page title="pr-12">{null}</Page>
      </main>
    </>
  );
}

function PageWithRetry() {
  const [times, setTimes] = useState(0);
  return (
    <>
      <Shell />
      <Button shortcut="r" onPress={() => setTimes((before) => before + 1)}>
        Retry
      </Button>
      <p>Retried {times} times</p>
    </>
  );
}

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

  // origin#2568, buildbot#3457, woodpecker#6825: ages were differences of two clocks.
  it.each([-600_000, 600_000])("counts by one clock, also when the server's is %i ms away", async (away) => {
    onTestFinished(() => setServerDate(new Date().toUTCString()));
    setServerDate(new Date(Date.now() + away).toUTCString());
    const page = await renderPage(Shell, "/", { ...quiet, "GET /v1/me": gone, "GET /v1/stack-counts": gone });
    const lostAt = Date.now() - 60_000;

    page.live.emit(toReconnecting(lostAt));

    const since = formatTime(toServerTime(lostAt), "local");
    await expect.element(page.screen.getByText(`Stale since ${since}`)).toBeVisible();
  });

  it("leads past the list beside a page to its head, each time (grafana#118639)", async () => {
    const shown = await renderPage(PageBesideList, "/", quiet);
    const skip = shown.screen.getByRole("button", { name: "Skip to content" });

    for (const _ of [1, 2]) {
      (skip.element() as HTMLElement).focus();
      await userEvent.keyboard("{Enter}");
      await expect.element(shown.screen.getByRole("heading", { level: 1, name: "pr-12" })).toHaveFocus();
    }
    expect(shown.address()).toBe("/");
  });

  // cinny#2515, slate#4046, silverbullet#1911
  it("opens the search by the key that is K on the keyboard, whatever it types", async () => {
    const { screen } = await renderPage(TitledPage, "/", quiet);
    await expect.element(screen.getByRole("heading", { level: 1, name: "pr-12" })).toBeVisible();

    dispatchEvent(new KeyboardEvent("keydown", { key: "л", code: "KeyK", ctrlKey: true, cancelable: true }));

    await expect.element(screen.getByRole("combobox", { name: "Screens, stacks and actions" })).toBeVisible();
  });

  it("acts once while a letter is held", async () => {
    const held = vi.fn();
    const onKey = ({ repeat }: KeyboardEvent) => repeat && held();
    addEventListener("keydown", onKey);
    onTestFinished(() => removeEventListener("keydown", onKey));
    const shown = await renderPage(PageWithRetry, "/", quiet);
    const button = shown.screen.getByRole("button", { name: "Retry" });
    await expect.element(button).toBeVisible();

    await userEvent.keyboard("{r>10/}");

    await expect.element(shown.screen.getByText("Retried 1 times")).toBeVisible();
    expect(held).toHaveBeenCalled();
  });

  const mainCounts = {
    ...quiet,
    "GET /v1/stack-counts": {
      total: 12,
      groups: [
        { machine: "web", mainCondition: "degraded", needsPerson: true, count: 6 },
        // Acknowledged.
        { machine: "web", mainCondition: "degraded", count: 2 },
        { machine: "db", mainCondition: "failed", needsPerson: true, count: 1 },
        { machine: "db", mainCondition: "approval", needsPerson: true, count: 3 },
        { machine: "stackyard.run", mainCondition: "failed", count: 2 },
      ],
    },
  };

  it("marks the screen of each page in the rail, with what needs a person", async () => {
    await page.viewport(1440, 900);
    const shown = await renderPage(Shell, "/fleet?id=run-1", mainCounts);
    const rail = shown.screen.getByRole("navigation", { name: "Screens" });

    await expect.element(rail.getByRole("link", { name: "Stacks 7 need attention" })).toHaveAttribute("aria-current");
    await expect.element(rail.getByRole("link", { name: "Approvals 3 waiting for a decision" })).toBeVisible();
    expect(rail.element().querySelectorAll("[aria-current]")).toHaveLength(1);
    const way = shown.screen.getByRole("navigation", { name: "Breadcrumb" });
    await expect.element(way).toMatchTextContent(/Stacks\s*Jobs\s*run-1/);
    await expect
      .poll(() => document.querySelector("link[rel=icon]")?.getAttribute("href") ?? "none")
      .toMatch(/none|ef5a4e/);
  });

  // https://github.com/gravitational/teleport/issues/1887, https://github.com/argoproj/argo-cd/issues/4337: consoles of several yards
  // in tabs. The names are as long as they can be.
  it.each([
    ["eu-prod", 1440],
    ["m".repeat(64), 1440],
    ["m".repeat(64), 1024],
    ["m".repeat(64), 390],
  ])("names the yard %s at %i px", async (yard, width) => {
    await page.viewport(width, 900);
    const { screen } = await renderPage(Shell, "/stack?id=pr-12", { ...quiet, "GET /v1/me": { ...admin, yard } });

    await expect.element(screen.getByRole("link", { name: `Stackyard ${yard}` })).toBeVisible();
    const way = screen.getByRole("navigation", { name: "Breadcrumb" });
    expect(way.element().textContent).toBe(`${yard}Stackspr-12`);
    await screen.getByRole("button", { name: /^Account and settings/ }).click();
    await expect.element(screen.getByText(`Signed in as ada at ${yard}`)).toBeVisible();
    expect(document.documentElement.scrollWidth).toBe(width);
    const current = way.element().querySelector("[aria-current]");
    expect(current?.clientWidth).toBe(current?.scrollWidth);
    await userEvent.keyboard("{Escape}");
  });

  // https://github.com/ydb-platform/ydb-embedded-ui/issues/662: what differs within a yard comes first in the narrow tab.
  it("names the yard in the window's title, after the page", async () => {
    await renderPage(TitledPage, "/stack?id=pr-12", { ...quiet, "GET /v1/me": { ...admin, yard: "eu-prod" } });

    await expect.poll(() => document.title).toBe("pr-12 · eu-prod · Stackyard");
  });

  it("keeps zone, scheme, rows and keys in one menu, which Escape closes", async () => {
    await page.viewport(1440, 900);
    const { screen } = await renderPage(Shell, "/", quiet);
    const menu = screen.getByRole("button", { name: /^Account and settings/ });
    await menu.click();
    await screen.getByRole("button", { name: "Rows: normal; change" }).click();

    expect(document.documentElement.dataset["density"]).toBe("compact");
    await screen.getByRole("button", { name: "Rows: compact; change" }).click();
    await userEvent.keyboard("{Escape}");

    await expect.element(menu).toHaveFocus();
    await expect.element(menu).toHaveAttribute("aria-expanded", "false");
  });

  it.each([
    [1440, 900],
    [1024, 768],
    [390, 844],
  ])("fits a window of %i by %i pixels, and every screen is reached", async (width, height) => {
    await page.viewport(width, height);
    const { screen } = await renderPage(Shell, "/audit", {
      ...mainCounts,
      "GET /v1/me": { ...admin, artifacts: true },
    });
    const nav = screen.getByRole("navigation", { name: "Screens" });
    if (width < 720) await nav.getByRole("button", { name: "More screens" }).click();

    for (const name of [
      /^Overview/,
      /^Stacks/,
      "Releases",
      /^Approvals/,
      "Machines",
      "Artifacts",
      "Yard",
      "Audit",
      "Access",
    ])
      await expect.element(nav.getByRole("link", { name })).toBeVisible();
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
  });

  it.each([
    ["leaves out", admin, 0],
    ["keeps, where it cannot be known,", problem(500, "SERVER_ERROR", "Down."), 1],
  ])("%s the artifacts of a yard without a distributor", async (_, me, count) => {
    await page.viewport(1440, 900);
    const { screen } = await renderPage(Shell, "/audit", { ...mainCounts, "GET /v1/me": me });
    const nav = screen.getByRole("navigation", { name: "Screens" });
    await expect.element(nav.getByRole("link", { name: "Machines" })).toBeVisible();

    await expect.poll(() => nav.getByRole("link", { name: "Artifacts" }).elements().length).toBe(count);
    await expect.element(nav.getByRole("link", { name: "Audit" })).toBeVisible();
  });

  it("says that live updates are blocked when requests are answered and no stream comes", async () => {
    const page = await renderPage(Shell, "/", quiet);

    page.live.emit(toReconnecting(Date.now() - 60_000));

    await expect.element(page.screen.getByText("Live updates blocked: fetching every 5 s")).toBeVisible();
  });

  const signedOut = { ...quiet, "GET /v1/me": problem(401, "SIGNED_OUT", "Sign in.") };

  it("shows the sign-in alone, and where it leads, to a person of whom it knows nothing", async () => {
    const page = await renderPage(Shell, "/stack?id=pr-12", {
      ...signedOut,
      "GET /auth/ways": { people: true, code: false, yard: "eu-prod" },
    });

    await expect.element(page.screen.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
    await expect.element(page.screen.getByText(/Then you continue to/)).toMatchTextContent(/pr-12$/);
    await expect.element(page.screen.getByText("eu-prod")).toBeVisible();
    expect(document.querySelectorAll("[role=dialog], nav, header, .notice, button")).toHaveLength(0);
  });

  it("says that the ways in could not be loaded, and loads them again", async () => {
    let isDown = true;
    const page = await renderPage(Shell, "/stacks", {
      ...signedOut,
      "GET /auth/ways": () => {
        if (isDown) throw new TypeError("Failed to fetch");
        return { people: true, code: false };
      },
    });
    await expect.element(page.screen.getByRole("alert")).toBeVisible();

    isDown = false;
    await page.screen.getByRole("button", { name: "Retry" }).click();

    await expect.element(page.screen.getByRole("link", { name: "Sign in" })).toBeVisible();
    expect(document.querySelectorAll("[role=alert]")).toHaveLength(0);
  });

  it("requires a sign-in in a dialog when the session has ended, over the page as it was", async () => {
    const page = await renderPage(Shell, "/stacks", { ...quiet, "GET /auth/ways": { people: true, code: false } });
    await expect.element(page.screen.getByRole("navigation", { name: "Breadcrumb" })).toBeVisible();

    page.live.emit({ kind: "state", state: { kind: "signed-out" } });

    await expect.element(page.screen.getByRole("dialog", { name: "Sign in" })).toBeVisible();
    await page.screen.getByRole("button", { name: "Continue here" }).click();

    expect(page.live.requests).toContainEqual({ kind: "retry" });
  });

  it.each([
    [{ people: true, code: false }, ["/auth/login"]],
    [{ people: false, code: true }, ["/auth/local"]],
    [{ people: true, code: true }, ["/auth/login", "/auth/local"]],
    [{ people: false, code: false }, []],
  ])("offers only ways in that exist, and each returns to the address: %j", async (ways, paths) => {
    const page = await renderPage(Shell, "/stacks", { ...signedOut, "GET /auth/ways": ways });
    const place = page.screen.getByRole("main");
    const query = `?return=${encodeURIComponent(location.pathname + location.search)}`;
    const hrefs = () => [...place.element().querySelectorAll("a")].map((link) => link.getAttribute("href"));

    if (paths.length === 0) await expect.element(place).toMatchTextContent(/no sign-in for browsers/);
    await expect.poll(hrefs).toEqual(paths.map((path) => `${path}${query}`));
    // The most likely next step is chosen already.
    const [first] = place.element().querySelectorAll("a");
    if (first !== undefined) await expect.poll(() => document.activeElement).toBe(first);
  });

  it("says that a proxy answers in place of the yard, and where to sign in to it (oauth2-proxy#2292, maintenant#45)", async () => {
    const page = await renderPage(Shell, "/stacks", quiet);
    await expect.element(page.screen.getByRole("navigation", { name: "Breadcrumb" })).toBeVisible();
    const signIn = () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } });

    globalThis.fetch = async () => signIn();
    await queryClient.refetchQueries();

    await expect.element(page.screen.getByRole("alert")).toMatchTextContent(/answers with a web page.*another tab/);
    await expect.element(page.screen.getByText("Not signed in at the proxy")).toBeVisible();
    expect(document.querySelectorAll("[role=dialog]")).toHaveLength(0);
    expect(toFailure(queryClient.getQueryState(["me"])?.error)).toEqual({
      code: "NOT_THE_YARD",
      detail: expect.stringContaining("answered with a web page"),
    });

    globalThis.fetch = async () => new Response(JSON.stringify({ items: [worker] }));
    await queryClient.refetchQueries({ queryKey: ["count", "processes"] });
    await expect.element(page.screen.getByRole("alert")).not.toBeInTheDocument();
  });

  it("shows nothing of one person to another who has signed in since (Loris#9100, open-apparel-registry#664)", async () => {
    let me = admin;
    const page = await renderPage(Shell, "/stacks", {
      ...quiet,
      "GET /v1/me": () => me,
      "GET /v1/stacks": () => ({ items: [{ id: me.id === "eve" ? "open-1" : "secret-1" }] }),
    });
    await page.screen.getByRole("button", { name: "Search screens and stacks" }).click();
    await page.screen.getByRole("combobox").fill("secret");
    await expect.element(page.screen.getByText("secret-1")).toBeVisible();

    me = { ...admin, name: "ada lovelace" };
    await queryClient.refetchQueries({ queryKey: ["me"] });
    await expect.element(page.screen.getByRole("combobox")).toHaveValue("secret");

    me = { ...viewer, id: "eve" };
    await queryClient.refetchQueries({ queryKey: ["me"] });

    await expect.element(page.screen.getByRole("combobox")).not.toBeInTheDocument();
    expect(document.body.textContent).not.toContain("secret-1");
    const known = queryClient.getQueriesData({ queryKey: [] });
    expect(JSON.stringify(known)).not.toContain("secret-1");
    expect(page.live.requests).toContainEqual({ kind: "another-person" });
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
  beforeEach(() => page.viewport(1_440, 900));

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
    await page.screen.getByRole("checkbox", { name: "Select all loaded stacks" }).click();
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

describe("a printed page", () => {
  const lines = Array.from({ length: 400 }, (_, index) => `line ${index} `.repeat(20)).join("\n");

  // https://github.com/xroche/httrack/issues/1158: dark pages were printed dark.
  it("is light, cuts nothing off, says where links lead, and has no buttons", async () => {
    await page.viewport(1_024, 800);
    document.documentElement.dataset["theme"] = "dark";
    const shown = await render(
      <main className="shell-main">
        <a href="https://host.example/pull/7">#7</a>
        <button type="button" className="button">
          Retry
        </button>
        <div className="excerpt">
          <pre>
            <code className="excerpt-line">{lines}</code>
          </pre>
        </div>
        <div className="graph-scroll">
          <svg role="img" aria-label="Graph" width={3_000} height={5_000} viewBox="0 0 3000 5000" />
        </div>
      </main>,
    );
    const find = (selector: string) => document.querySelector(selector) ?? document.body;
    const isCut = (selector: string) => {
      const { scrollHeight, clientHeight, scrollWidth, clientWidth } = find(selector);
      return scrollHeight > clientHeight || scrollWidth > clientWidth;
    };
    const parts = [".excerpt-line", ".excerpt pre", ".graph-scroll"];
    expect(parts.map(isCut)).toContain(true);

    await cdp().send("Emulation.setEmulatedMedia", { media: "print" });
    try {
      await expect.poll(() => parts.filter(isCut)).toEqual([]);
      expect(getComputedStyle(document.documentElement).getPropertyValue("--surface")).toBe("#ffffff");
      expect(getComputedStyle(find("a"), "::after").content).toContain("https://host.example/pull/7");
      expect(getComputedStyle(find("button")).display).toBe("none");
    } finally {
      await cdp().send("Emulation.setEmulatedMedia", { media: "" });
      document.documentElement.dataset["theme"] = "light";
      await shown.unmount();
    }
  });
});
