import { beforeEach, describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import { rememberList } from "../api/last-list.ts";
import { useShortcuts } from "../app/shortcuts.tsx";
import { anAttempt, anEntry, applied, aStack, stackApi } from "../testing/a-stack.ts";
import { admin, problem, renderPage, viewer } from "../testing/render-page.tsx";
import { StackPage } from "./stack-page.tsx";

const ADDRESS = "/stack?id=pr-12";

/** The page with the keys that the shell has. */
function PageWithKeys() {
  useShortcuts({ openPalette() {}, openHelp() {} });
  return <StackPage />;
}

type Screen = Awaited<ReturnType<typeof renderPage>>["screen"];

const inHead = (screen: Screen, name: string | RegExp) =>
  screen.getByRole("toolbar", { name: "Actions" }).getByRole("button", { name, exact: true });
const readFact = (name: string) =>
  [...document.querySelectorAll(".stack-line dt")].find((term) => term.textContent === name)?.nextElementSibling
    ?.textContent;
const inTasks = (screen: Screen, name: string) =>
  screen.getByRole("listitem").getByRole("button", { name, exact: true });

/** Of one that failed, the head has the error and the retry; each of two has a row. */
const twoFailed = () => {
  const stack = aStack();
  return aStack({ tasks: [...stack.tasks, { name: "dns", status: "ERROR", why: "It broke." }] });
};

// Below 1,200 px, the page shows the stack alone.
beforeEach(() => page.viewport(800, 800));

const failure = { task: "smoke", state: "DEPLOY", entry: 1, attempt: 1, at: "2026-11-20T03:00:00Z" };

describe("the page of a stack", () => {
  it("shows the cause of a failure first, with the lines of the log that explain it", { tags: "page" }, async () => {
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(aStack()));

    const failures = screen.getByRole("region", { name: "Failures" });
    await expect.element(failures).toMatchTextContent(/no room for another database/);
    await expect.poll(() => document.querySelector(".excerpt-line.cause")?.textContent).toBe("ERROR no room");
    await expect.element(failures.getByRole("link", { name: "Open the log" })).toBeVisible();
    await expect.element(screen.getByRole("heading", { level: 1 })).toMatchTextContent(/Failedpr-12/);
  });

  // argo-cd#11473, kargo#3155: the recommended button made a broken stack green, and its error vanished.
  it("offers the way out of a degraded stack first, and acknowledging in the menu with a reason", async () => {
    const lastFailure = { ...failure, message: "no answer" };
    const stack = aStack({
      failed: false,
      degraded: true,
      mainCondition: "degraded",
      tasks: [],
      entry: 2,
      lastFailure,
    });
    const { screen, sent } = await renderPage(StackPage, ADDRESS, {
      ...stackApi(stack),
      "POST /v1/stacks/pr-12/acknowledge": applied,
    });
    const actions = screen.getByRole("toolbar", { name: "Actions" });

    await expect.element(actions.getByRole("button", { name: "Send event…" })).toHaveClass("primary");
    await screen.getByRole("button", { name: "More actions" }).click();
    await screen.getByRole("button", { name: "Acknowledge…" }).click();
    const submit = screen.getByRole("button", { name: "Acknowledge", exact: true });
    await expect.element(submit).toHaveAccessibleDescription(/Enter a reason first/);
    await screen.getByRole("textbox", { name: "Reason" }).fill("waits for the vendor");
    await submit.click();

    await expect
      .poll(() => sent.find(({ path }) => path.endsWith("/acknowledge"))?.body)
      .toMatchObject({ reason: "waits for the vendor" });
  });

  it("keeps the error of a stack whose failure was acknowledged, with who, when and why", async () => {
    const acknowledged = { at: "2026-11-20T04:00:00Z", by: "ada", reason: "waits for the vendor" };
    const lastFailure = { ...failure, message: "no answer" };
    const stack = aStack({
      failed: false,
      degraded: true,
      mainCondition: "degraded",
      tasks: [],
      entry: 2,
      lastFailure: { ...lastFailure, acknowledged },
    });
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(stack));

    const failures = screen.getByRole("region", { name: "Failures" });
    await expect.element(failures).toMatchTextContent(/no answer/);
    await expect.element(failures).toMatchTextContent(/Acknowledged by ada.*waits for the vendor/);
    await expect.element(screen.getByRole("heading", { level: 1 })).toMatchTextContent(/Degraded, acknowledged/);
  });

  it("tells who has acknowledged a failure from others of that name in the history (grafana#17635)", async () => {
    const acknowledged = { at: "2026-11-20T04:00:00Z", by: "ada", byId: "p1" };
    const lastFailure = { ...failure, acknowledged };
    const stack = aStack({
      failed: false,
      degraded: true,
      mainCondition: "degraded",
      tasks: [],
      entry: 2,
      lastFailure,
    });
    const line = anEntry(7, { actor: "ada", actorId: "p2" });
    const { screen } = await renderPage(StackPage, ADDRESS, {
      ...stackApi(stack),
      "GET /v1/stacks/pr-12/history": { items: [line] },
    });

    const failures = screen.getByRole("region", { name: "Failures" });
    await expect.element(failures).toMatchTextContent(/Acknowledged by ada \(p1\)/);
  });

  it.each(["now", "machine"])("requests no graph and no revision of a job, on the tab %s", async (tab) => {
    const job = aStack({ machine: "stackyard.run", failed: false });
    const { screen, sent } = await renderPage(StackPage, `${ADDRESS}&tab=${tab}`, stackApi(job));

    await expect.element(screen.getByRole("link", { name: "Show as a job" })).toBeVisible();
    await expect.element(screen.getByText("A job has no machine: it is one task.")).toBeVisible();
    // What makes no sense for a job is in the menu, with the reason.
    await screen.getByRole("button", { name: "More actions" }).click();
    for (const name of ["Send event…", "Upgrade…"]) {
      await expect.element(screen.getByRole("button", { name })).toHaveAccessibleDescription(/A job has no machine/);
    }
    expect(sent.map(({ path }) => path).filter((path) => /machines|revisions/.test(path))).toEqual([]);
  });

  it("shows why tasks wait, keys with their holders, parked events, timers and approvals", async () => {
    const queued = anAttempt({
      status: "queued",
      queuedFor: { key: "key:db", holder: "pr%2F9/open/1/db/1", place: 2 },
    });
    const stack = aStack({
      failed: false,
      tasks: [{ name: "database", status: "PENDING", detail: "QUEUED", why: "Waits for the key db.", attempt: queued }],
      attempts: [queued],
      parked: [
        {
          eventId: "p1",
          stackId: "pr-12",
          event: "PUSHED",
          code: "EVENT_NOT_HANDLED",
          reason: '"BUILD" has no "PUSHED".',
          receivedAt: "2026-11-20T03:00:00Z",
          parkedAt: "2026-11-20T03:00:00Z",
          tries: 2,
          nextTryAt: "2026-11-20T03:05:00Z",
        },
      ],
      timers: [{ id: "1/timeout", event: "TIMEOUT", dueAt: "2026-11-20T04:00:00Z" }],
      approvals: [
        {
          id: "a1",
          stackId: "pr-12",
          machine: "review-app",
          state: "BUILD",
          task: "sign-off",
          from: ["managers"],
          count: 1,
          need: 1,
          own: false,
          comment: "optional",
          given: [],
          askedAt: "2026-11-20T03:00:00Z",
          expiresAt: "2026-11-21T03:00:00Z",
        },
      ],
    });
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(stack));

    await expect.element(screen.getByText("Waits for the key db.")).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "pr/9" })).toHaveAttribute("href", "/stack?id=pr%2F9");
    await expect.element(screen.getByRole("region", { name: "Parked events" })).toMatchTextContent(/EVENT_NOT_HANDLED/);
    const next = screen.getByRole("list", { name: "What comes next" });
    await expect.element(next).toMatchTextContent(/^TIMEOUT is sent by itself \w+ 20 Nov/);
    const approval = screen.getByRole("region", { name: "Approvals" }).getByRole("link", { name: "sign-off" });
    await expect.element(approval).toHaveAttribute("href", "/approval?stack=pr-12&task=sign-off");
  });

  it.each([
    ["https://host.example/acme/web/pull/482", 1],
    ["javascript:alert(1)", 0],
    ["https://ada:secret@host.example/482", 0],
  ])("names its pull request, and links it where the address is safe: %s", async (url, links) => {
    const repository = { id: "1", fullName: "acme/web" };
    const title = "Split invoice lines";
    const pull = { host: "github", repository, number: 482, url, title, head: "1".repeat(40), owner: "ben" };
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(aStack({ pull })));

    await expect.poll(() => readFact("Pull request")).toMatch(/^acme\/web #482 .*Split invoice lines$/);
    expect(screen.getByRole("link", { name: /^acme\/web #482/ }).elements()).toHaveLength(links);
  });

  it("draws the graph with the present state, and has the same as a table", { tags: "page" }, async () => {
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(aStack()));

    await expect.element(screen.getByRole("img", { name: "Graph of review-app" })).toBeVisible();
    expect(document.querySelector(".graph-node.current")?.textContent).toContain("BUILD");
    await screen.getByRole("button", { name: "Table", exact: true }).click();
    const table = screen.getByRole("region", { name: "Graph of review-app" });
    await expect.element(table).toMatchTextContent(/MERGED → GONE when stack\.visits\.BUILD > 1/);
    await expect.element(table).toMatchTextContent(/BUILDnow/);
  });
});

describe("actions on the page of a stack", () => {
  it("has its path as a list on a phone, and the graph on request (kargo#2255)", async () => {
    await page.viewport(390, 844);
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(aStack()));

    const path = screen.getByRole("list", { name: "Path through review-app" });
    await expect.element(path).toBeVisible();
    const now = path.element().querySelector("[aria-current=step]");
    expect(now?.textContent).toContain(aStack().state);
    expect(now?.textContent).toContain("database");
    expect(document.querySelector("svg.graph")).toBeNull();
    await screen.getByRole("button", { name: "Graph", exact: true }).click();
    await expect.poll(() => document.querySelector("svg.graph")).not.toBeNull();
  });

  it("has a lock on what a person may not do, and nothing that a task has no need of", async () => {
    const locks = () => document.querySelectorAll(".task-list button[aria-disabled] svg").length;
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(twoFailed()));
    await expect.element(inTasks(screen, "Retry database")).toBeVisible();
    expect(document.querySelectorAll(".task-list button[data-idle]")).toHaveLength(0);
    expect(locks()).toBe(0);
    await screen.unmount();

    const refused = await renderPage(StackPage, ADDRESS, { ...stackApi(twoFailed()), "GET /v1/me": viewer });
    await expect.element(inTasks(refused.screen, "Retry database")).toHaveAttribute("aria-disabled");
    expect(locks()).toBeGreaterThan(0);
  });

  it("has no locked arrows in its head where it was opened from no list", async () => {
    rememberList([]);
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(aStack()));
    await expect.element(screen.getByRole("heading", { level: 1 })).toMatchTextContent(/pr-12/);

    expect(screen.getByRole("button", { name: "Next stack of the list" }).query()).toBeNull();
    expect(document.querySelector(".head .page-actions button")).toBeNull();
  });

  it("retries at once, by button and by key", async () => {
    const api = { ...stackApi(twoFailed()), "POST /v1/stacks/pr-12/retry": applied };
    const { screen, sent } = await renderPage(PageWithKeys, ADDRESS, api);

    await inHead(screen, "Retry 2 tasks").click();
    await expect.element(screen.getByRole("status")).toMatchTextContent(/Retry: applied/);
    await inTasks(screen, "Retry database").click();
    await expect.element(screen.getByRole("status")).toMatchTextContent(/Retry database: applied/);
    await userEvent.keyboard("r");
    await expect.poll(() => sent.filter(({ path }) => path.endsWith("/retry"))).toHaveLength(3);

    const bodies = sent.filter(({ path }) => path.endsWith("/retry")).map(({ body }) => body as { id: string });
    expect(new Set(bodies.map(({ id }) => id)).size).toBe(3);
    expect(bodies[1]).toMatchObject({ task: "database" });
  });

  it("names the failed task in its button, and the number of several", async () => {
    const failed = (name: string) => ({ name, status: "ERROR", why: "It broke." }) as const;
    const two = aStack({
      tasks: [failed("database"), failed("dns"), { name: "app", status: "PENDING", why: "Waits." }],
    });
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(two));
    await expect.element(inHead(screen, "Retry 2 tasks")).toHaveClass("primary");
    await screen.unmount();

    const long = aStack({ tasks: [failed("migrate-".repeat(16))] });
    const one = await renderPage(StackPage, ADDRESS, stackApi(long));
    const button = inHead(one.screen, `Retry ${"migrate-".repeat(16)}`);
    await expect.element(button).toBeVisible();
    expect(button.element().getBoundingClientRect().width).toBeLessThan(320);
  });

  it("explains a refusal of the server next to the button", async () => {
    const api = {
      ...stackApi(aStack()),
      "POST /v1/stacks/pr-12/retry": problem(409, "STACK_CONFLICT", "Another writer came first."),
    };
    const { screen } = await renderPage(StackPage, ADDRESS, api);

    await inHead(screen, "Retry database").click();

    await expect.element(screen.getByRole("alert")).toMatchTextContent(/Another writer came first\./);
  });

  it("refuses actions while the server is unreachable, keeps the data, and allows them again afterwards", async () => {
    let isGone = false;
    const gone = () => (isGone ? Promise.reject(new TypeError("Failed to fetch")) : admin);
    const { screen, live } = await renderPage(StackPage, ADDRESS, { ...stackApi(aStack()), "GET /v1/me": gone });
    const retry = inHead(screen, "Retry database");
    await expect.element(retry).not.toHaveAttribute("aria-disabled", "true");

    isGone = true;
    live.emit({ kind: "state", state: { kind: "reconnecting", sinceMs: 0 } });

    await expect.element(retry).toHaveAccessibleDescription("Server unreachable");
    await expect.element(screen.getByRole("region", { name: "Failures" })).toMatchTextContent(/no room for another/);
    live.emit({ kind: "state", state: { kind: "live" } });
    await expect.element(retry).not.toHaveAttribute("aria-disabled", "true");
  });

  it("leads from the stack of a job to the job", async () => {
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(aStack({ machine: "stackyard.run" })));

    const link = screen.getByRole("link", { name: "Show as a job" });
    await expect.element(link).toHaveAttribute("href", "/job?id=pr-12");
  });

  it("loads a stack again when the stream reports its change, or has missed messages", async () => {
    const { sent, screen, live } = await renderPage(StackPage, ADDRESS, stackApi(aStack()));
    const countLoads = () => sent.filter(({ path }) => path === "/v1/stacks/pr-12").length;
    await expect.element(screen.getByRole("region", { name: "Failures" })).toBeVisible();
    expect(countLoads()).toBe(1);

    live.emit({ kind: "batch", messages: [{ kind: "history", id: "s1", entry: anEntry(5) }] });
    await expect.poll(countLoads).toBe(2);

    live.emit({ kind: "state", state: { kind: "reconnecting", sinceMs: Date.now() } });
    live.emit({ kind: "batch", messages: [], restart: true });
    await expect.poll(countLoads).toBe(3);
  });

  it("has in its row only what makes sense in the present state, and the rest in a menu with the reason", async () => {
    const calm = aStack({ failed: false, tasks: [], attempts: [], summary: "Waits for an event." });
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(calm));
    await expect.element(screen.getByRole("button", { name: "Send event…" })).toBeVisible();
    expect(inHead(screen, /^Retry/).query()).toBeNull();

    await screen.getByRole("button", { name: "More actions" }).click();

    for (const [name, reason] of [
      ["Retry", "No task has failed"],
      ["Cancel…", "No task is running"],
      ["Settle…", "No task is open or has failed"],
    ] as const) {
      await expect.element(screen.getByRole("button", { name, exact: true })).toHaveAccessibleDescription(reason);
    }
  });

  it("says why an action is refused, and sends nothing", async () => {
    const { screen, sent } = await renderPage(StackPage, ADDRESS, { ...stackApi(aStack()), "GET /v1/me": viewer });

    const retry = inHead(screen, "Retry database");
    await expect.element(retry).toHaveAttribute("aria-disabled", "true");
    await expect.element(retry).toHaveAccessibleDescription("Needs operate on review-app");
    await screen.getByRole("button", { name: "More actions" }).click();
    for (const [name, reason] of [
      ["Send event…", "Needs send on review-app"],
      ["Settle…", "Needs repair on review-app"],
      ["Upgrade…", "Needs repair on review-app"],
      ["Remove…", "Needs repair on review-app"],
    ] as const) {
      await expect.element(screen.getByRole("button", { name })).toHaveAccessibleDescription(reason);
    }
    await retry.click({ force: true });
    expect(sent.every(({ method }) => method === "GET")).toBe(true);
  });

  it("goes through the loaded rows of the list from which the stack was opened, and claims no more (temporalio/ui#87)", async () => {
    rememberList(["pr-11", "pr-12", "pr-13"]);
    const { screen, address } = await renderPage(PageWithKeys, ADDRESS, stackApi(aStack()));

    await expect.element(screen.getByText("2 of 3 loaded", { exact: true })).toBeVisible();
    await userEvent.keyboard("]");
    await expect.poll(address).toBe("/stack?id=pr-13");
  });
});

describe("states of the page of a stack", () => {
  it("keeps the place while it loads", async () => {
    const { screen } = await renderPage(StackPage, ADDRESS, { "GET /v1/stacks/pr-12": new Promise(() => {}) });

    await expect.element(screen.getByText("Loading")).toBeInTheDocument();
  });

  it("shows an error with its code and request, and tries again", async () => {
    let fails = true;
    const { screen } = await renderPage(StackPage, ADDRESS, {
      ...stackApi(aStack()),
      "GET /v1/stacks/pr-12": () => (fails ? problem(403, "FORBIDDEN", "Not yours.") : aStack()),
    });

    const alert = screen.getByRole("alert");
    await expect.element(alert).toMatchTextContent(/Not yours\./);
    await expect.element(alert).toMatchTextContent(/FORBIDDEN · request req-1/);
    fails = false;
    await alert.getByRole("button", { name: "Retry" }).click();
    await expect.element(screen.getByRole("region", { name: "Failures" })).toBeVisible();
  });

  it("shows the history of a stack that was removed", async () => {
    const { screen } = await renderPage(StackPage, ADDRESS, {
      "GET /v1/stacks/pr-12/history": { items: [anEntry(2, { event: "REMOVE_STACK", outcome: "removed" })] },
    });

    await expect.element(screen.getByText("The stack was removed. Its history remains.")).toBeVisible();
    await expect.element(screen.getByRole("button", { name: /REMOVE_STACK/ })).toBeVisible();
  });

  it("says that a stack is not there, or may not be read", async () => {
    const { screen } = await renderPage(StackPage, ADDRESS, { "GET /v1/stacks/pr-12/history": { items: [] } });

    await expect.element(screen.getByText("Not found, or you may not read it.")).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "All stacks" })).toHaveAttribute("href", "/stacks");
    expect(document.querySelectorAll(".panel > .notice")).toHaveLength(1);
  });

  it("says what to do without an id", async () => {
    const { screen } = await renderPage(StackPage, "/stack", {});

    await expect.element(screen.getByText("stackyard stacks ls")).toBeVisible();
  });

  it("shows hostile text as text", async () => {
    const hostile = "<img src=x onerror=alert(1)>\u202egnp";
    const task = aStack().tasks[1];
    if (task === undefined) throw new Error("The stack has two tasks.");
    const stack = aStack({
      state: hostile,
      summary: hostile,
      metadata: { [hostile]: "javascript:alert(1)", __proto__x: hostile },
      tasks: [{ ...task, name: hostile, errorMessage: hostile, why: hostile }],
      stalled: { code: hostile, reason: hostile },
    });
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(stack));

    await expect.element(screen.getByRole("region", { name: "Failures" })).toMatchTextContent(/‹U\+202E›gnp/);
    expect(document.querySelector("img, a[href^=javascript]")).toBeNull();
    expect(document.body.textContent).not.toContain("\u202e");
  });

  it("has the list from which the stack was opened next to it from 1,200 px on, in that list's order", async () => {
    await page.viewport(1200, 800);
    rememberList(["pr-20", "pr-12"]);
    const listed = ["pr-12", "pr-20"].map((id) => ({ ...aStack({ id }), waiting: undefined }));
    const { screen, sent, address } = await renderPage(StackPage, ADDRESS, {
      ...stackApi(aStack()),
      "GET /v1/stacks": { items: listed },
    });

    const list = screen.getByRole("complementary", { name: "Other stacks" });
    await expect.element(list.getByRole("link").first()).toHaveTextContent("pr-20");
    await expect.element(list.getByRole("row", { selected: true })).toMatchTextContent(/pr-12/);
    expect(sent.find(({ path }) => path === "/v1/stacks")?.query["ids"]).toBe('["pr-20","pr-12"]');
    await list.getByRole("link", { name: "pr-20" }).click();
    await expect.poll(address).toBe("/stack?id=pr-20");

    await page.viewport(1199, 800);
    await expect.element(list).not.toBeInTheDocument();
  });

  it("has no list next to a stack that was opened by its address", async () => {
    await page.viewport(1200, 800);
    rememberList(["pr-20"]);
    const { screen, sent } = await renderPage(StackPage, ADDRESS, stackApi(aStack()));

    await expect.element(screen.getByRole("heading", { level: 1 })).toMatchTextContent(/pr-12/);
    expect(screen.getByRole("complementary", { name: "Other stacks" }).query()).toBeNull();
    expect(sent.filter(({ path }) => path === "/v1/stacks")).toEqual([]);
  });
});
