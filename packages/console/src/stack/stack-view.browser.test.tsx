import { describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { rememberList } from "../api/last-list.ts";
import { anAttempt, anEntry, aStack, stackApi } from "../testing/a-stack.ts";
import { renderPage } from "../testing/render-page.tsx";
import { StackPage } from "./stack-page.tsx";

const ADDRESS = "/stack?id=pr-12";

function boxOf(element: Element | null): DOMRect {
  return element?.getBoundingClientRect() ?? new DOMRect();
}

/** The box of the text of an element, without its padding. */
function textBoxOf(element: Element | null): DOMRect {
  const range = document.createRange();
  if (element !== null) range.selectNodeContents(element);
  return range.getBoundingClientRect();
}

describe("the layout of a stack's page", () => {
  it("has its condition as a pill, and at most three actions beside the menu, one of which is primary", async () => {
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(aStack()));
    await expect.element(screen.getByRole("button", { name: "More actions" })).toBeVisible();

    const shown = [...document.querySelectorAll(".stack-toolbar > :not(.menu)")].map(({ textContent }) => textContent);
    expect(document.querySelector("h1 .pill")?.textContent).toBe("Failed");
    expect(shown).toEqual(["Retry database", "Log", "Send event…"]);
    expect(document.querySelectorAll(".stack-toolbar .primary")).toHaveLength(1);
  });

  it("has what is rarely done in its menu, where Cancel… of a task that runs and Bundle are", async () => {
    const task = {
      name: "app",
      status: "PENDING",
      why: "Running.",
      attempt: anAttempt({ status: "running" }),
    } as const;
    const busy = aStack({ failed: false, tasks: [task] });
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(busy));
    const toolbar = screen.getByRole("toolbar", { name: "Actions" });
    await expect.element(toolbar.getByRole("link", { name: "Log" })).toHaveClass("primary");
    expect(toolbar.getByRole("button", { name: "Cancel…" }).query()).toBeNull();

    await toolbar.getByRole("button", { name: "More actions" }).click();

    await expect.element(toolbar.getByRole("button", { name: "Cancel…" })).toBeVisible();
    await expect.element(toolbar.getByRole("link", { name: "Bundle" })).toHaveAttribute("href", "/bundle?id=pr-12");
  });

  it.each([
    ["https://pr-12.example.org/", "Open pr-12.example.org in a new tab"],
    [undefined, "Send event…"],
  ])("leads to what a healthy stack is for: %s", async (url, name) => {
    const metadata = { sha: "4f1cab12", ...(url !== undefined && { url }) };
    const healthy = aStack({ failed: false, tasks: [], mainCondition: "healthy", metadata });
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(healthy));
    await expect.element(screen.getByRole("toolbar", { name: "Actions" })).toBeVisible();

    const primary = [...document.querySelectorAll(".stack-toolbar .primary")].map(({ textContent }) => textContent);
    expect(primary).toEqual([name]);
  });

  it.each([1440, 1024])(
    "has the next steps beside the name, and what it is of in one line below, at %d px",
    async (width) => {
      await page.viewport(width, 900);
      const { screen } = await renderPage(StackPage, ADDRESS, stackApi(aStack()));
      const toolbar = screen.getByRole("toolbar", { name: "Actions" });
      await expect.element(toolbar).toBeVisible();

      const heading = boxOf(document.querySelector("h1"));
      expect(boxOf(toolbar.element()).top).toBeLessThan(heading.bottom);
      expect(boxOf(toolbar.element()).left).toBeGreaterThan(boxOf(document.querySelector(".state-name")).right);
      const facts = [...document.querySelectorAll(".stack-line dl > div")];
      expect(facts.map((fact) => fact.textContent?.replace(/\d+d.*/, ""))).toEqual([
        "sha4f1cab12",
        "Machinereview-app@c343",
        "Opened",
        expect.stringContaining("urlhttps://pr-12.example.org/"),
      ]);
      expect(document.querySelector(".stack-line > .muted")?.textContent).toBe(
        "In a terminal: stackyard stacks retry pr-12",
      );
      expect(boxOf(document.querySelector(".stack-line")).height).toBeLessThan(60);
    },
  );

  it("offers for an attempt of a state that was left only what can still be done", async () => {
    const stack = aStack({
      attempts: [anAttempt(), anAttempt({ task: "old", attempt: 2 }), anAttempt({ task: "old" })],
    });
    const { screen } = await renderPage(StackPage, `${ADDRESS}&tab=attempts`, stackApi(stack));
    await expect.element(screen.getByRole("table")).toBeVisible();

    const actions = [...document.querySelectorAll(".task-actions")].map((cell) =>
      [...cell.querySelectorAll(".button")].map(({ textContent }) => textContent),
    );
    expect(actions).toEqual([["Log", "Retry"], ["Log", "Compare"], ["Log"]]);
  });

  it("reads commands in the reason of a task as commands, without their backticks", async () => {
    const why = "Waits for the key db; `stackyard keys ls db` lists who holds it.";
    const stack = aStack({ tasks: [{ name: "app", status: "PENDING", why }] });
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(stack));
    await expect.element(screen.getByRole("heading", { name: "Tasks" })).toBeVisible();

    expect(document.querySelector(".why .mono")?.textContent).toBe("stackyard keys ls db");
    expect(document.querySelector(".why")?.textContent).not.toContain("`");
  });

  it("offers for a task only what makes sense, and says its error once (above)", async () => {
    const attempt = anAttempt({ task: "app", status: "running" });
    const tasks = [
      ...aStack().tasks,
      { name: "dns", status: "ERROR", why: "It broke." },
      { name: "app", status: "PENDING", why: "Running for 3m.", attempt },
      { name: "smoke", status: "PENDING", why: 'Waits for task "app".' },
    ] as const;
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(aStack({ tasks })));
    await expect.element(screen.getByRole("heading", { name: "Tasks" })).toBeVisible();

    const rows = [...document.querySelectorAll(".task-list > li")].map((row) => ({
      actions: [...row.querySelectorAll(".button")].map(({ textContent }) => textContent),
      why: row.querySelector(".why")?.textContent,
    }));
    expect(rows).toEqual([
      { actions: ["Log", "Retry"], why: undefined },
      { actions: ["Retry"], why: undefined },
      { actions: ["Log", "Cancel…"], why: "Running for 3m." },
      { actions: ["Cancel…"], why: 'Waits for task "app".' },
    ]);
  });

  it("says a command once, though a task names the one of its stack", async () => {
    const why = "Waits for the task database: it has failed; `stackyard stacks retry pr-12` tries again.";
    const stack = aStack({ tasks: [{ name: "app", status: "PENDING", why }] });
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(stack));
    await expect.element(screen.getByRole("heading", { name: "Tasks" })).toBeVisible();

    expect(document.body.textContent?.split("stackyard stacks retry pr-12")).toHaveLength(2);
  });

  it("leaves out the word of a bar that is too short for it, and cuts off none", async () => {
    const at = (second: number) => `2026-11-20T03:00:${String(second).padStart(2, "0")}Z`;
    const task = { task: "database", internal: true as const, from: "BUILD", to: "BUILD" };
    const history = Array.from({ length: 40 }, (_, index) =>
      anEntry(41 - index, {
        ...task,
        at: at(41 - index),
        event: index % 2 === 0 ? "TASK_COMPLETED" : "TASK_RETRY_DUE",
        ...(index % 2 === 1 && { sent: ["database"] }),
      }),
    );
    const opened = anEntry(1, { event: "OPENED", to: "BUILD", sent: ["database"] });
    await page.viewport(700, 800);
    await renderPage(StackPage, `${ADDRESS}&tab=history`, stackApi(aStack(), [...history, opened]));
    await expect.poll(() => document.querySelectorAll(".lane-bar.task").length).toBeGreaterThan(5);

    const borders = [...document.querySelectorAll(".lane-bar.task")].map((bar) => {
      const { borderTop, borderBottom, color } = getComputedStyle(bar);
      return [borderTop, borderBottom].every((border) => border === `1px solid ${color}`);
    });
    expect(borders).not.toContain(false);

    const words = [...document.querySelectorAll(".lane-bar:not(.point)")].map((bar) => ({
      bar: bar.getBoundingClientRect(),
      word: boxOf(bar.querySelector("span")),
    }));
    expect(words.some(({ bar, word }) => word.top >= bar.bottom - 1)).toBe(true);
    expect(words.filter(({ bar, word }) => word.top < bar.bottom - 1 && word.right > bar.right)).toEqual([]);
  });
});

describe("the layout of panels", () => {
  it("says of a healthy stack what it runs, since when, what comes next and what led here, above its graph", async () => {
    await page.viewport(1440, 900);
    const timers = [{ id: "t", event: "MERGED", dueAt: "2026-11-22T03:00:00Z" }];
    const at = "2026-11-20T03:00:00Z";
    const deeds = [{ eventId: "e", event: "OPENED", at, keys: ["sha"], lacks: [], verdict: "done" as const }];
    const healthy = aStack({
      failed: false,
      tasks: [],
      timers,
      deeds,
      parts: [],
      summary: "Waits for an event: MERGED.",
    });
    const history = [
      anEntry(5, { event: "TASK_COMPLETED", task: "database", from: "BUILD", to: "BUILD", internal: true }),
      anEntry(4, { event: "OPENED", from: "INIT", to: "BUILD", actor: "ada" }),
    ];
    const { screen } = await renderPage(StackPage, ADDRESS, stackApi(healthy, history));

    const next = screen.getByRole("list", { name: "What comes next" });
    await expect.element(next).toMatchTextContent(/^MERGED is sent by itself \w+ 22 Nov .*, and leads to GONE$/);
    const moves = screen.getByRole("region", { name: "Last moves" }).getByRole("listitem");
    await expect.element(moves).toMatchTextContent(/Entered BUILD after OPENED by ada/);
    expect(document.querySelector(".stack-summary")?.textContent).toMatch(/^Runs 4f1cab12 since \w+ 20 Nov/);
    // What the head says is not a fact below it again.
    expect([...document.querySelectorAll(".stack-line dt")].map((term) => term.textContent)).not.toContain("sha");
    await expect.element(screen.getByRole("img", { name: "Graph of review-app" })).toBeVisible();
    expect(boxOf(next.element()).bottom).toBeLessThan(boxOf(document.querySelector("svg.graph")).top);
    expect([...document.querySelectorAll("h2")].map(({ textContent }) => textContent)).toEqual([
      "What comes next",
      "Last moves",
      "Graph",
    ]);
  });

  it("says that one sleeps, and keeps its version as a fact", async () => {
    const asleep = aStack({ failed: false, tasks: [], mainCondition: "asleep", parts: [] });
    await renderPage(StackPage, ADDRESS, stackApi(asleep));

    await expect.poll(() => document.querySelector(".stack-summary")?.textContent).toMatch(/^Sleeps since \w+ 20 Nov/);
    expect(document.querySelector(".stack-line dl")?.textContent).toContain("sha4f1cab12");
  });

  it("begins tables where the titles of their panels begin", async () => {
    const { screen } = await renderPage(StackPage, `${ADDRESS}&tab=metadata`, stackApi(aStack()));
    await expect.element(screen.getByRole("columnheader", { name: "Key" })).toBeVisible();

    const title = textBoxOf(document.querySelector(".panel h2"));
    const head = textBoxOf(document.querySelector(".panel th"));
    expect(Math.abs(title.left - head.left)).toBeLessThan(1);
  });

  it("keeps the heads of a list at the side within the corners of its panel", async () => {
    await page.viewport(1300, 800);
    rememberList(["pr-40", "pr-12"]);
    const list = { items: [aStack({ id: "pr-40" })] };
    await renderPage(StackPage, ADDRESS, { ...stackApi(aStack()), "GET /v1/stacks": list });
    await expect.poll(() => document.querySelector("aside.panel > .table-scroll")).not.toBeNull();

    const { borderStartStartRadius } = getComputedStyle(
      document.querySelector("aside.panel > .table-scroll") as Element,
    );
    expect(borderStartStartRadius).not.toBe("0px");
  });

  it("scrolls the row that gets the focus out from under the heads of its table", async () => {
    const attempts = Array.from({ length: 40 }, (_, index) => anAttempt({ task: "old", attempt: 40 - index }));
    await page.viewport(700, 500);
    await renderPage(StackPage, `${ADDRESS}&tab=attempts`, stackApi(aStack({ attempts })));
    await expect.poll(() => document.querySelectorAll("tbody [data-row]").length).toBeGreaterThan(20);
    const scroller = document.querySelector(".table-scroll");
    const row = document.querySelectorAll<HTMLElement>("tbody [data-row]")[10];
    scroller?.scrollTo(0, 0);
    scroller?.scrollTo(0, boxOf(row ?? null).bottom - boxOf(document.querySelector("thead")).bottom - 10);

    row?.querySelector<HTMLElement>("input")?.focus();

    const head = boxOf(document.querySelector("thead th"));
    expect(boxOf(row?.querySelector("input") ?? null).top).toBeGreaterThanOrEqual(head.bottom);
  });
});
