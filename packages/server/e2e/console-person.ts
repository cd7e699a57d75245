import type { Browser, BrowserContext, Page } from "@stackyard/browser";
import { expect, vi } from "vitest";
import type { ConsoleYard } from "./console-yard.ts";

type Locator = ReturnType<Page["locator"]>;
type Role = "link" | "button" | "checkbox" | "tab";

/** A person at the console. Counts clicks, and shortcuts as clicks; typing is not counted. */
export interface Person {
  readonly page: Page;
  readonly press: (role: Role, name: string | RegExp) => Promise<void>;
  /** Follows a link to the stack itself, not to a history line of the same name. */
  readonly openStack: (id: string) => Promise<void>;
  readonly key: (key: string) => Promise<void>;
  /** Types a text. A field that does not have the focus already costs a click. */
  readonly type: (field: Locator, text: string) => Promise<void>;
  /** Chooses from a list: one key in a list that has the focus, else a click to open it and one to choose. */
  readonly choose: (list: Locator, value: string) => Promise<void>;
  /** Brings the focus to something, which costs a click. */
  readonly focus: (target: Locator) => Promise<void>;
  /** Waits for a text. */
  readonly sees: (text: string | RegExp) => Promise<void>;
  /** Opens a page, by default the overview, and counts from zero. */
  readonly startAt: (path?: string) => Promise<void>;
  readonly clicks: () => number;
}

/** Signs a person in, in a separate browser context. */
export async function signIn(
  yard: ConsoleYard,
  browser: Browser,
): Promise<Person & { readonly context: BrowserContext }> {
  const context = await browser.newContext({ reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(await yard.findSignIn());
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${yard.url}/`);
  let count = 0;
  // Drawings hold names for screen readers too, which are invisible.
  const sees = (text: string | RegExp) => page.getByText(text).filter({ visible: true }).first().waitFor();
  const person: Person = {
    page,
    sees,
    async press(role, name) {
      count += 1;
      const exact = typeof name === "string";
      const target = page.getByRole(role, { name, exact }).first();
      await target.click();
    },
    async openStack(id) {
      count += 1;
      await page.locator(`a[href$="/stack?id=${id}"]`).first().click();
    },
    async key(key) {
      count += 1;
      await page.keyboard.press(key);
    },
    async type(field, text) {
      await field.waitFor();
      if (!(await hasFocus(field))) count += 1;
      await field.fill(text);
    },
    async choose(list, value) {
      await list.waitFor();
      count += (await hasFocus(list)) ? 1 : 2;
      await list.selectOption(value);
    },
    async focus(target) {
      count += 1;
      await target.focus();
    },
    async startAt(path = "/") {
      await page.goto(yard.url + path);
      await page.getByText("Live", { exact: true }).first().waitFor();
      count = 0;
    },
    clicks: () => count,
  };
  await person.startAt();
  return { ...person, context };
}

function hasFocus(field: Locator): Promise<boolean> {
  return field.evaluate((element) => element.ownerDocument.activeElement === element);
}

/** Selects a state in the editor's graph, which may move while it is laid out and fitted to the window. */
export async function selectState(page: Page, name: string): Promise<void> {
  const node = page.getByTestId(`rf__node-${name}`);
  const select = async () => {
    // At its name: below it are its tasks, which are selected by themselves.
    await node.click({ timeout: 5_000, position: { x: 12, y: 8 } });
    expect((await node.getAttribute("class"))?.split(" ")).toContain("selected");
  };
  await vi.waitFor(select, { timeout: 60_000, interval: 500 });
}
