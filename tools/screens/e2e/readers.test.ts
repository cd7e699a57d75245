import { type Browser, launchBrowser, type Page } from "@stackyard/browser";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SCREENS } from "../src/screens.ts";
import { openConsole } from "../src/take-screens.ts";
import type { StillYard } from "../src/yard/still-yard.ts";
import { type StoryIds, startStoryYard } from "../src/yard/story.ts";

// What readers of other consoles have reported: numbers that disagree, times without a zone, places that are lost.

let yard: StillYard;
let ids: StoryIds;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  [{ yard, ids }, browser] = await Promise.all([startStoryYard(), launchBrowser()]);
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
    await open("/approvals");
    const rows = page.locator("main .ask");
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
    const needy = /(\d+) needs? attention/.exec(sentence)?.[1] ?? "";
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
    await page.getByRole("link", { name: new RegExp(`Needs attention ${needy}`) }).waitFor();
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
    // In the zone of the reader with its name, then in UTC: `2026-01-01 14:05:00 CET (2026-01-01 13:05:00 UTC)`.
    const TITLE = /^\S+ \S+ CET \((\S+) (\S+) UTC\)$/;
    const wrong = times.filter(({ at, title }) => {
      const [, day, time] = TITLE.exec(title) ?? [];
      return Date.parse(`${day}T${time}Z`) !== Math.floor(at / 1_000) * 1_000;
    });
    expect(wrong).toEqual([]);
  });

  it("are those of the server, however wrong the clock of the browser is (TemporalStore#1181, origin-web-console#2754)", async () => {
    const pages = SCREENS.filter((each) => each.yard === "story" && (each.isMain || CLOCKED.has(each.name)));
    const names: Readonly<Record<string, string>> = ids;
    // One code at a time is valid.
    const [right, behind, ahead] = [await openAt(0), await openAt(-10 * MINUTE_MS), await openAt(10 * MINUTE_MS)];

    for (const { name, path } of pages) {
      const address = yard.url + path.replaceAll(/{(\w+)}/g, (_, id: string) => encodeURIComponent(names[id] ?? ""));
      for (const each of [right, behind, ahead]) await openLive(each.page, address);
      const read = async () => {
        const [expected, ...others] = await Promise.all([right, behind, ahead].map((each) => readText(each.page)));
        return others.filter((text) => text !== expected).flatMap((text) => [expected, text]);
      };
      await expect.poll(read, { message: name, timeout: 30_000 }).toEqual([]);
    }
    for (const each of [right, behind, ahead]) await each.context.close();
  }, 600_000);
});

const MINUTE_MS = 60_000;
/** Screens with ages, heartbeats or openings of gates besides the main ones. */
const CLOCKED: ReadonlySet<string> = new Set(["inbox", "inbox-waiting", "stack-running", "log", "jobs", "freezes"]);

const openAt = (skewMs: number) => openConsole(browser, yard, false, skewMs);

async function openLive(own: Page, address: string): Promise<void> {
  await own.goto(address);
  await own.locator("h1, h2").first().waitFor();
  await own.locator(".shell-fresh").getByText("Live").waitFor();
  await own.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
}

const readText = (own: Page) => own.locator("body").textContent();

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

describe("a dialog", () => {
  it("closes with the page that it was over (fleet#43647, linkedpipes/etl#598)", async () => {
    await open("/stack?id=web-pr-470");
    await page.getByRole("link", { name: "History", exact: true }).click();
    await page.waitForURL(/tab=history/);
    await page.getByRole("button", { name: "Send event…" }).click();
    await page.getByRole("dialog").waitFor();

    await page.goBack();

    await page.waitForURL((url) => !url.search.includes("tab=history"));
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  it("has all of its buttons within reach at 200 and 400 percent (slycat#360, carbon#13715)", async () => {
    for (const [width, height] of [
      [720, 450],
      [360, 225],
    ] as const) {
      await open("/stack?id=web-pr-470");
      await page.getByRole("button", { name: "Send event…" }).click();
      await page.setViewportSize({ width, height });
      const send = page.getByRole("dialog").getByRole("button", { name: /^Send / });
      await send.scrollIntoViewIfNeeded();

      const box = await send.boundingBox();
      expect(box?.y).toBeGreaterThanOrEqual(0);
      expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(height);
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
      await page.keyboard.press("Escape");
    }
  });
});

describe("keys", () => {
  it("of the browser stay the browser's: with Shift, Ctrl K is not the search (openhab-webui#959)", async () => {
    await open("/stacks");

    await page.keyboard.press("Control+Shift+K");
    expect(await page.getByRole("dialog").count()).toBe(0);

    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
  });

  it("do nothing while a person types them into a field (domjudge#3287, kubernetes dashboard#4721)", async () => {
    await open("/stack?id=web-pr-482");
    await page.getByRole("toolbar", { name: "Actions" }).waitFor();
    const attempts = async () => (await yard.call<{ items: unknown[] }>("/v1/stacks/web-pr-482/attempts")).items.length;
    const before = await attempts();
    await page.getByRole("button", { name: /^More actions/ }).click();
    await page.getByRole("button", { name: "Settle…" }).click();

    await page.getByRole("textbox", { name: /^Reason/ }).pressSequentially("r ? l gs");

    expect(await page.getByRole("textbox", { name: /^Reason/ }).inputValue()).toBe("r ? l gs");
    expect(await attempts()).toBe(before);
    await page.keyboard.press("Escape");
  });
});

describe("a press", () => {
  it("that is a double click sends one request (publisher#2870, walrus#1939)", async () => {
    const sent: string[] = [];
    await page.route(/tasks|retry|\/v1\/events$/, async (route) => {
      if (route.request().method() === "POST") sent.push(new URL(route.request().url()).pathname);
      await new Promise((resolve) => setTimeout(resolve, 200));
      await route.continue();
    });
    await open("/stack?id=web-pr-482");

    await page
      .getByRole("toolbar", { name: "Actions" })
      .getByRole("button", { name: /^Retry/ })
      .dblclick();
    await page
      .getByText(/^Retry.*(queued|applied)/)
      .first()
      .waitFor();

    await page.unroute(/tasks|retry|\/v1\/events$/);
    expect(sent).toHaveLength(1);
  });
});

describe("a list", () => {
  it("goes back through its filters, and forward again (wazuh-dashboard-plugins#6762, rill#2536)", async () => {
    await open("/stacks?text=staging");
    const degraded = page.getByRole("navigation", { name: "Conditions" }).getByRole("link", { name: /^Degraded/ });
    const rows = () => page.locator("main tbody tr[data-row]").count();
    await degraded.click();
    await expect.poll(rows).toBe(4);

    await page.goBack();
    await expect.poll(rows).toBeGreaterThan(10);
    expect(await page.getByLabel("Id contains").inputValue()).toBe("staging");
    await page.goForward();
    await expect.poll(rows).toBe(4);
  });

  it("forgets the selection of rows that a filter hides (ui-grid#5170, vendure#4150, nextcloud/tables#775)", async () => {
    await open("/stacks?text=staging&is=degraded");
    const bar = page.getByText(/^\d+ selected/);
    await page.getByRole("checkbox", { name: /billing-staging-19/ }).check();
    await bar.waitFor();

    await page.getByLabel("Id contains").fill("payments-staging");

    await page.getByRole("link", { name: "payments-staging-5", exact: true }).waitFor();
    await bar.waitFor({ state: "detached" });
  });

  it("is printed as a whole, without empty sheets (openobserve#14042, twenty#22283)", async () => {
    await open("/stacks?text=staging");
    const rows = "document.querySelectorAll('main tbody tr[data-row]').length";
    await page.evaluate(`addEventListener("beforeprint", () => queueMicrotask(() => { window.printed = ${rows}; }))`);
    expect(await page.evaluate(rows)).toBeLessThan(90);

    await page.pdf();

    expect(await page.evaluate("window.printed")).toBe(97);
  });
});

describe("the look", () => {
  it("is dark from the first moment on, before any script (sentry#81555)", async () => {
    const context = await browser.newContext({ colorScheme: "dark", javaScriptEnabled: false });
    const bare = await context.newPage();
    await bare.goto(`${yard.url}/stacks`);
    const pixel = await bare.screenshot({ clip: { x: 300, y: 300, width: 1, height: 1 } });
    const white = await (await browser.newPage()).screenshot({ clip: { x: 300, y: 300, width: 1, height: 1 } });
    await context.close();

    expect(Buffer.compare(pixel, white)).not.toBe(0);
  });

  it("stands still for people who want less motion (fluentui#23193, tektoncd/dashboard#4982)", async () => {
    for (const path of ["/", "/stack?id=web-pr-483", "/release?id=shop-1.42.0", "/jobs"]) {
      await open(path);
      expect([path, await page.evaluate("document.getAnimations().length")]).toEqual([path, 0]);
    }
  });
});

describe("long and foreign names", () => {
  const LONG = "customer-environment-of-the-north-western-region-for-acceptance-tests-of-the-billing-engine-2026-";
  const twins = [`${LONG}aaa`, `${LONG}bbb`];
  const hebrew = "סביבה-של-לקוח-צפון-מערב-לבדיקות-קבלה-1";
  beforeAll(async () => {
    await yard.simulator.publish(
      ...[...twins, hebrew].map((stackId) => ({
        stackId,
        machine: "review-app",
        event: "OPENED",
        metadata: { sha: "1", team: "web" },
      })),
    );
    await yard.simulator.settle();
  });

  /** Parts whose text is cut without dots, or that leave the window. */
  const CUT = `[...document.querySelectorAll("main a, .crumbs *, [role=dialog] [role=option] *")]
    .filter((part) => part.getClientRects().length > 0 && part.textContent !== "")
    .filter((part) => {
      const { right } = part.getBoundingClientRect();
      const style = getComputedStyle(part);
      const isCut = part.scrollWidth > part.clientWidth + 1 && style.overflowX !== "visible" && style.textOverflow !== "ellipsis";
      return isCut || right > innerWidth + 1;
    })
    .filter((part) => part.closest(".table-scroll, .id-begin") === null && part.querySelector(".id-begin") === null)
    .map((part) => part.outerHTML.slice(0, 160))`;

  it("are distinguished in the search (octopus#8402, octopus#5125)", async () => {
    for (const width of [1_440, 390]) {
      await open("/");
      await page.setViewportSize({ width, height: 900 });
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox", { name: "Screens, stacks and actions" }).fill("customer-environment");
      for (const id of twins) {
        const entry = page.getByRole("dialog").getByRole("option", { name: id });
        const text = await entry.locator("bdi").boundingBox();
        expect((text?.x ?? 0) + (text?.width ?? 9_999)).toBeLessThanOrEqual(width);
      }
      expect([width, await page.evaluate(CUT)]).toEqual([width, []]);
      await page.keyboard.press("Escape");
    }
  });

  it("leave room for the rest of the page's head (semoss-ui#2366)", async () => {
    for (const id of [twins[0] ?? "", hebrew]) {
      for (const width of [1_440, 1_024, 390]) {
        await open(`/stack?id=${encodeURIComponent(id)}`);
        await page.setViewportSize({ width, height: 900 });
        const search = await page.getByRole("button", { name: "Search screens and stacks" }).boundingBox();
        expect((search?.x ?? 0) + (search?.width ?? 9_999)).toBeLessThanOrEqual(width);
        expect([id, width, await page.evaluate(CUT)]).toEqual([id, width, []]);
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      }
    }
  });

  it("from right to left do not turn what is around them (qpixel#234, feditext#342)", async () => {
    await open(`/stack?id=${encodeURIComponent(hebrew)}`);
    const name = await page.locator("h1 bdi").first().boundingBox();
    const state = await page.locator("h1 .stack-facts").boundingBox();
    const pill = await page.locator("h1 .pill").boundingBox();

    expect(pill?.x).toBeLessThan(name?.x ?? 0);
    expect(state?.x).toBeGreaterThan(name?.x ?? 9_999);
    expect(await page.evaluate(`getComputedStyle(document.querySelector("h1 bdi")).unicodeBidi`)).toBe("isolate");
  });
});
