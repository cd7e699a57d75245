import { type Browser, launchBrowser, type Page } from "@stackyard/browser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openConsole } from "../src/take-screens.ts";
import type { StillYard } from "../src/yard/still-yard.ts";
import { startStoryYard } from "../src/yard/story.ts";

// What readers of other consoles have reported: numbers that disagree, times without a zone, places that are lost.

let yard: StillYard;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  [{ yard }, browser] = await Promise.all([startStoryYard(), launchBrowser()]);
  ({ page } = await openConsole(browser, yard, false));
}, 600_000);
afterAll(async () => {
  await browser.close();
  await yard.stop();
});

async function open(path: string): Promise<void> {
  await page.setViewportSize({ width: 1_440, height: 900 });
  await page.goto(yard.url + path);
  await page.locator("h1").first().waitFor();
  await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
}

/** Opens an address in a browser without a session, and signs in on the way that it offers. */
async function signInAt(path: string, codes: readonly string[]): Promise<string> {
  const { context, page: own } = await openConsole(browser, yard, true);
  try {
    await own.goto(yard.url + path);
    await own.getByRole("link", { name: "Use a one-time code" }).click();
    for (const code of codes) {
      await own.getByRole("textbox", { name: "One-time code" }).fill(code);
      await own.getByRole("button", { name: "Sign in" }).click();
      const again = own.getByRole("link", { name: "Sign in with a one-time code" });
      if (code !== codes.at(-1)) await again.click();
    }
    await own.waitForURL((url) => !url.pathname.startsWith("/auth/"));
    return own.url().slice(yard.url.length);
  } finally {
    await context.close();
  }
}

const createCode = async () => new URL(await yard.findSignIn()).searchParams.get("code") ?? "";

const DEEP = "/stacks?text=staging&is=degraded";

describe("a sign-in", () => {
  it("leads to the page that was opened, with its filters (semaphore#1838)", async () => {
    expect(await signInAt(DEEP, [await createCode()])).toBe(DEEP);
  });

  it("still leads there when the first code was wrong (DuendeArchive/Support#1554)", async () => {
    expect(await signInAt(DEEP, ["WRONG-CODE", await createCode()])).toBe(DEEP);
  });
});

describe("numbers", () => {
  it("of approvals are one number in the rail, in the inbox and on their page (opencompany#932)", async () => {
    await open("/approvals?tab=all");
    const rows = page.locator("main tbody tr");
    const rail = page.getByRole("navigation").getByRole("link", { name: /^Approvals/ });
    const count = await rows.count();

    expect(count).toBeGreaterThan(0);
    expect(await rail.first().textContent()).toContain(String(count));
    await open("/inbox?tab=approvals");
    await page.getByRole("link", { name: `Approvals ${count}`, exact: true }).waitFor();
  });

  it("of trouble are one number in the rail, on the overview and in the list (kubestellar/console#15906)", async () => {
    await open("/");
    const sentence = (await page.locator(".head-text p").textContent()) ?? "";
    const needy = /(\d+) needs? a person/.exec(sentence)?.[1] ?? "";
    const jobs = /(\d+) jobs? ha(?:s|ve) failed/.exec(sentence)?.[1] ?? "0";
    const badges = await Promise.all(
      ["Stacks", "Approvals"].map(async (name) => {
        const text = await page
          .getByRole("navigation")
          .getByRole("link", { name: new RegExp(`^${name}`) })
          .first()
          .textContent();
        return Number(/\d+/.exec(text ?? "")?.[0] ?? 0);
      }),
    );

    expect(Number(needy)).toBeGreaterThan(0);
    expect([Number(needy), Number(needy) + Number(jobs)]).toContain(badges.reduce((sum, count) => sum + count, 0));
    await open("/stacks");
    await page.getByRole("link", { name: new RegExp(`Needs a person ${needy}`) }).waitFor();
  });
});

describe("times", () => {
  it("have the zone on hover that they are shown in (rundeck#3518, kubernetes dashboard#7564)", async () => {
    await open("/release?id=shop-1.42.0");
    const times = await page.locator("main time").evaluateAll((all) =>
      all.map((time) => ({
        at: Date.parse(time.getAttribute("datetime") ?? ""),
        title: time.getAttribute("title") ?? "",
      })),
    );

    expect(times.length).toBeGreaterThan(10);
    const wrong = times.filter(
      ({ at, title }) =>
        Math.floor(Date.parse(title.replace(" ", "T").replace(" ", "")) / 1_000) !== Math.floor(at / 1_000),
    );
    expect(wrong).toEqual([]);
  });
});

describe("places", () => {
  it("on a page that is opened from far down a list begin at its top (saleor-dashboard#3171)", async () => {
    await open("/stacks?sort=id");
    const list = page.getByRole("region", { name: "Stacks", exact: true });
    await list.evaluate((element) => element.scrollTo(0, 4_000));
    await list
      .getByRole("link", { name: /^tenant-/ })
      .first()
      .waitFor();

    await list.locator("tbody a").nth(12).click();

    await page.waitForURL(/\/stack\?id=/);
    await page.getByRole("toolbar", { name: "Actions" }).waitFor();
    expect(await page.evaluate("window.scrollY")).toBe(0);
  });

  it("of a list that a filter has made short show its rows, not the empty end (langfuse#3121)", async () => {
    await open("/stacks?sort=id");
    const list = page.getByRole("region", { name: "Stacks", exact: true });
    await list.evaluate((element) => element.scrollTo(0, 9_000));

    await page.getByLabel("Id contains").fill("shop-prod");

    const row = page.getByRole("link", { name: "shop-prod", exact: true });
    await row.waitFor();
    const [top, bottom] = [await row.boundingBox(), await list.boundingBox()];
    expect(top?.y).toBeGreaterThan(bottom?.y ?? 0);
    expect(top?.y).toBeLessThan((bottom?.y ?? 0) + (bottom?.height ?? 0));
  });

  it("are where they were when a person goes back to a list (ovirt-web-ui#230)", async () => {
    await open("/stacks?sort=id");
    const list = page.getByRole("region", { name: "Stacks", exact: true });
    await list.evaluate((element) => element.scrollTo(0, 4_000));
    const row = page.getByRole("link", { name: "tenant-13", exact: true });
    await row.waitFor();

    await row.click();
    await page.getByRole("heading", { name: "tenant-13" }).waitFor();
    // The page of the stack has a list of stacks, too.
    await page.getByRole("complementary", { name: "Other stacks" }).getByRole("region", { name: "Stacks" }).waitFor();
    await page.goBack();

    await page.getByRole("heading", { name: "Stacks", exact: true }).waitFor();
    await row.waitFor();
    expect(await list.evaluate(({ scrollTop }) => scrollTop)).toBe(4_000);
  });
});

describe("people", () => {
  it("who have approved a release are named on its page, not who started it (pipecd#904, PxStat#15)", async () => {
    await open("/release?id=shop-1.42.0");
    const facts = page.getByLabel("About the release");

    expect(await facts.getByText("by eve, noor").count()).toBe(1);
    expect(await facts.getByText("by ci").count()).toBe(1);
  });

  it("who may decide are named in full, also where an approval waits (objectstack#10297)", async () => {
    await open("/approval?stack=shop-1.43.0&task=sign-off");
    await page.getByText("release-managers").first().waitFor();

    const cut = `[...document.querySelectorAll("main *")]
      .filter((part) => part.textContent.includes("release-managers") && part.scrollWidth > part.clientWidth + 1)
      .filter((part) => getComputedStyle(part).overflowX === "hidden")
      .map((part) => part.textContent)`;
    expect(await page.evaluate(cut)).toEqual([]);
  });
});

describe("a dark console", () => {
  it("has the lists of native choices in its own colors (authentik#22609)", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await open("/stacks");
    await page.locator("html[data-theme=dark]").waitFor({ state: "attached" });

    const choices: readonly (readonly string[])[] = await page.evaluate(`[...document.querySelectorAll("main select")]
      .map((select) => [select, select.options[0]].map((part) => getComputedStyle(part)))
      .map(([select, option]) => [select.colorScheme, option.color === select.color ? "same" : option.color])`);
    await page.emulateMedia({ colorScheme: "light" });

    expect(choices.length).toBeGreaterThan(2);
    expect(choices.filter(([scheme, color]) => scheme !== "dark" || color !== "same")).toEqual([]);
  });
});
