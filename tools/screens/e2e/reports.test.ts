import { type Browser, launchBrowser, type Page } from "@stackyard/browser";
import axe from "axe-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SCREENS } from "../src/screens.ts";
import { openConsole } from "../src/take-screens.ts";
import type { StillYard } from "../src/yard/still-yard.ts";
import { startStoryYard } from "../src/yard/story.ts";

// What users of other consoles have reported about layout, small screens and colors, tried on ours, over 350 stacks.

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

async function open(path: string, width: number, height = 900): Promise<void> {
  await page.setViewportSize({ width, height });
  await page.goto(yard.url + path);
  await page.locator("h1").first().waitFor();
  await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
}

/** Returns what `script` returns once the page has followed the width of the window. */
async function findAtLast(script: string): Promise<readonly string[]> {
  let faults: readonly string[] = await page.evaluate(script);
  for (let tries = 0; tries < 40 && faults.length > 0; tries += 1) {
    await page.waitForTimeout(50);
    faults = await page.evaluate(script);
  }
  return faults;
}

/** Returns what `script` returns on each page at each width, where it is not empty. */
async function findOn(paths: readonly string[], widths: readonly number[], script: string) {
  const found: Record<string, readonly string[]> = {};
  for (const path of paths) {
    for (const width of widths) {
      if (width === widths[0]) await open(path, width);
      await page.setViewportSize({ width, height: 900 });
      const faults = await findAtLast(script);
      if (faults.length > 0) found[`${path} at ${width}`] = faults;
    }
  }
  return found;
}

const MAIN = ["/", "/stacks", "/stack?id=web-pr-482", "/releases", "/approvals", "/yard"];

/** Controls of the page's head and toolbars that lie over each other. */
const OVERLAPS = `(() => {
  const controls = [...document.querySelectorAll("header a, header button, main .row > *, main search .field, main search button, main nav > a")]
    .map((element) => ({ element, box: element.getBoundingClientRect() }))
    .filter(({ box }) => box.width > 0 && box.height > 0);
  return controls.flatMap(({ element, box }, index) => controls.slice(index + 1)
    .filter(({ element: other, box: b }) => !element.contains(other) && !other.contains(element) &&
      Math.min(box.right, b.right) - Math.max(box.left, b.left) > 2 && Math.min(box.bottom, b.bottom) - Math.max(box.top, b.top) > 2 &&
      element.parentElement === other.parentElement)
    .map(({ element: other }) => element.textContent + " and " + other.textContent));
})()`;

/** The page is wider than the window. */
const TOO_WIDE = `document.documentElement.scrollWidth > window.innerWidth ? [String(document.documentElement.scrollWidth)] : []`;

describe("what users of other consoles have reported", () => {
  it("no control lies over another one at any width (argo-cd#14927, argo-cd#11188, argo-cd#16223)", async () => {
    expect(await findOn(MAIN, [1_440, 1_300, 1_220, 1_200, 1_199, 1_024, 768, 720, 719, 390], OVERLAPS)).toEqual({});
  }, 300_000);

  it("the head does not cover the page's first line at 1180 pixels (argo-cd#19404)", async () => {
    await open("/stacks", 1_180);

    const [head, title] = await Promise.all(["header", "h1"].map((part) => page.locator(part).first().boundingBox()));

    expect(title?.y).toBeGreaterThanOrEqual((head?.y ?? 0) + (head?.height ?? 0));
  });

  it("no page scrolls sideways on a phone, or at 320 pixels (grafana#30753, grafana#77411, argo-cd#23548)", async () => {
    const all = [...MAIN, "/inbox", "/jobs", "/machines", "/audit", "/access", "/artifacts", "/states"];

    expect(await findOn(all, [390, 320], TOO_WIDE)).toEqual({});
  }, 300_000);

  it("the menu of a phone does not scroll sideways at 320 pixels (grafana#77411)", async () => {
    await open("/", 320);

    await page.getByText("More", { exact: true }).click();

    const scrolled = await page.evaluate(
      `[...document.querySelectorAll("nav")].some((nav) => nav.scrollWidth > nav.clientWidth + 1)`,
    );
    expect(scrolled).toBe(false);
  });

  it("lists are there on a phone that lies on its side (grafana#59351)", async () => {
    await open("/stacks", 667, 375);

    await page
      .getByRole("link", { name: "web-pr-482", exact: true })
      .or(page.locator("tbody a").first())
      .first()
      .waitFor();
    const box = await page.locator("tbody tr, [role=row]").nth(1).boundingBox();
    expect(box?.height).toBeGreaterThan(20);
  });

  it("the page itself scrolls, so that a phone's browser can hide its own bar (grafana#11909)", async () => {
    await open("/", 390, 700);

    await page.evaluate("window.scrollTo(0, 600)");

    expect(await page.evaluate("window.scrollY")).toBe(600);
  });

  it("a phone shows name and condition of each stack without scrolling sideways (argo-cd#5705)", async () => {
    await open("/stacks?is=degraded", 390);

    const row = page.getByRole("row", { name: /billing-staging-19/ });
    const name = await row.getByRole("link").first().boundingBox();
    const condition = await row.getByText("Degraded").first().boundingBox();

    expect((name?.x ?? -1) >= 0).toBe(true);
    expect((condition?.x ?? 999) + (condition?.width ?? 999)).toBeLessThanOrEqual(390);
  });

  it("a wide screen has at least four tiles in a row, a small laptop three (argo-cd#17220, argo-cd#2059)", async () => {
    const count = async (width: number) => {
      await open("/stacks?view=tiles", width);
      const tiles = page.locator("main li").filter({ has: page.getByRole("checkbox") });
      const boxes = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((index) => tiles.nth(index).boundingBox()));
      return boxes.filter((box) => box?.y === boxes[0]?.y).length;
    };

    expect(await count(1_680)).toBeGreaterThanOrEqual(4);
    expect(await count(1_024)).toBeGreaterThanOrEqual(3);
  });

  it("texts of charts and figures do not leave their panels, however narrow (argo-cd#4187)", async () => {
    const leaving = `[...document.querySelectorAll("main .panel")].flatMap((panel) => {
      const { left, right } = panel.getBoundingClientRect();
      return [...panel.querySelectorAll(".overview-counts *, h2, figcaption, .bar-chart *")]
        .filter((part) => part.getBoundingClientRect().width > 0)
        .filter((part) => part.getBoundingClientRect().left < left - 1 || part.getBoundingClientRect().right > right + 1)
        .map((part) => part.textContent.slice(0, 40));
    })`;

    expect(await findOn(["/"], [1_440, 1_024, 720, 390, 320], leaving)).toEqual({});
  }, 120_000);

  it("a name that is cut has its whole text as its title (rancher/dashboard#10791, rancher#9482)", async () => {
    const cut = `[...document.querySelectorAll("main *")]
      .filter((part) => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).textOverflow === "ellipsis")
      .filter((part) => part.closest("[title]") === null && part.querySelector("[title]") === null)
      .map((part) => part.textContent)`;

    expect(await findOn(["/", "/stacks", "/stack?id=web-pr-482", "/inbox?tab=waiting"], [1_440, 1_024], cut)).toEqual(
      {},
    );
  }, 120_000);

  it("the bar of a phone stays one line with all of its parts on the screen (temporalio/ui#1965, grafana#27747)", async () => {
    for (const width of [390, 320]) {
      await open("/stack?id=web-pr-482", width);
      const header = page.locator("header").first();

      expect((await header.boundingBox())?.height).toBeLessThanOrEqual(60);
      const right = await header.evaluate((element) =>
        Math.max(...[...element.querySelectorAll("a, button")].map((part) => part.getBoundingClientRect().right)),
      );
      expect(right).toBeLessThanOrEqual(width);
    }
  });

  it("a large graph begins readable, and can be shown as a whole (jenkins pipeline-graph-view#1383, kargo#2255)", async () => {
    await open("/stack?id=web-pr-482", 1_440);
    const graph = page.locator("svg.graph");
    await graph.waitFor();

    const smallest = `(() => {
      const svg = document.querySelector("svg.graph");
      const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      return Math.min(...[...svg.querySelectorAll("text")].map((text) => Number.parseFloat(getComputedStyle(text).fontSize))) * scale;
    })()`;

    expect(await page.evaluate(smallest)).toBeGreaterThanOrEqual(12);
    await page.getByRole("button", { name: "Show the whole graph" }).click();
    const left = `document.querySelector(".graph-scroll").scrollWidth - document.querySelector(".graph-scroll").clientWidth`;
    await expect.poll(() => page.evaluate(left)).toBe(0);
  });
});

const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const MAIN_SCREENS = SCREENS.filter(({ yard: name, isMain }) => name === "story" && isMain === true);

describe("accessibility (WCAG 2.2 A and AA) with 350 stacks", () => {
  it.each(MAIN_SCREENS)(
    "$name, light and dark, wide and narrow (backstage#21885, backstage#12255)",
    async ({ path }) => {
      const found: Record<string, readonly string[]> = {};
      await open(path, 1_440);
      await page.evaluate(axe.source);

      for (const width of [1_440, 390]) {
        await page.setViewportSize({ width, height: 900 });
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          const violations = await findViolations();
          if (violations.length > 0) found[`${width} ${colorScheme}`] = violations;
        }
      }

      expect(found).toEqual({});
    },
    300_000,
  );
});

function findViolations(): Promise<readonly string[]> {
  const options: axe.RunOptions = { runOnly: { type: "tag", values: STANDARDS }, resultTypes: ["violations"] };
  return page.evaluate(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
    .then(() => axe.run("html", ${JSON.stringify(options)}))
    .then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 160)).join(" | ")))`);
}

describe("a release", () => {
  interface Wave {
    readonly stacks: number;
    readonly counts: Readonly<
      Record<"waiting" | "sent" | "done" | "unchanged" | "failed" | "skipped" | "unsent", number>
    >;
  }

  const stages = async () => (await page.locator(".stage-head").allInnerTexts()).map((text) => text.split(/\s*\n\s*/));

  it("says which stage is at work and how far, with the figures that add up (kargo#639, octopus#3455)", async () => {
    await open("/stack?id=shop-1.42.0", 1_440);
    await page.locator(".deploy-curve").first().waitFor();
    const path = "/v1/stacks/shop-1.42.0/deploys";
    const { items } = await yard.call<{ items: readonly { task: string; waves: readonly Wave[] }[] }>(path);
    const { waves = [] } = items.find(({ task }) => task === "tenants") ?? {};
    const sum = (...parts: readonly (keyof Wave["counts"])[]) =>
      waves.reduce((all, { counts }) => all + parts.reduce((some, part) => some + counts[part], 0), 0);

    expect(await stages()).toEqual([
      ["STAGING", "Done"],
      ["REVIEW", "Done"],
      ["PRODUCTION", "Busy"],
      ["DONE", "To come"],
    ]);
    const note = await page.locator(".stage[aria-current] .stage-note").last().textContent();
    expect(note).toContain(`${sum("done", "unchanged", "skipped")} of 84 stacks, ${sum("failed")} failed`);
    // What runs comes first, its counts in the head of the panel.
    const running = page.locator(".deploy").first();
    const legend = page.locator(".deploy-counts").first().locator(".mark");
    const words = (await legend.allInnerTexts()).map(Number.parseFloat);
    expect(words.reduce((all, count) => all + count, 0)).toBe(84);
    // A wave of 72 stacks has a part for each count, the small ones a block for each stack.
    expect(await running.locator(".deploy-bar").count()).toBe(waves.length);
  });

  it("shows an approval as one, not as a task that runs (spinnaker#768)", async () => {
    await open("/stack?id=shop-1.43.0", 1_440);
    await page.locator(".stages").waitFor();

    expect((await stages())[1]).toEqual(["REVIEW", "Approval"]);
    expect(await page.locator(".stage[aria-current] .stage-task").last().textContent()).toMatch(
      /sign-off[\s\S]*1 of 2 given/,
    );
  });

  it("is not wider than a phone, and accessible in both schemes", async () => {
    for (const scheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await open("/stack?id=shop-1.42.0", 390);
      await page.locator(".deploy-curve").first().waitFor();
      expect([scheme, await page.evaluate(TOO_WIDE)]).toEqual([scheme, []]);
      await page.evaluate(axe.source);
      const faults = await page.evaluate(`axe.run(".stages, .deploy", { resultTypes: ["violations"] })
        .then(({ violations }) => violations.map(({ id }) => id))`);
      expect([scheme, faults]).toEqual([scheme, []]);
    }
  });
});

describe("what users of other consoles found confusing", () => {
  /** The conditions of the list with their counts, such as `Degraded 4`. */
  const conditions = async (path: string) => {
    await open(path, 1_440);
    const bar = page.getByRole("navigation", { name: "Conditions" });
    await bar.getByText(/Healthy \d/).waitFor();
    return (await bar.getByRole("link").allInnerTexts()).map((text) => text.trim());
  };

  it("counts of filters follow the other filters, not their own, and stay when one without stacks is chosen (argo-cd#6625, argo-cd#4784, argo-cd#29010)", async () => {
    const all = ["All 97", "Needs attention 4", "Failed 0", "Degraded 4", "Overdue 0", "Stalled 0", "Approval 0"];
    const expected = [...all, "Busy 1", "Healthy 92"];

    expect(await conditions("/stacks?text=staging")).toEqual(expected);
    expect(await conditions("/stacks?text=staging&is=degraded")).toEqual(expected);
    expect(await conditions("/stacks?text=staging&is=failed")).toEqual(expected);
    expect(await conditions("/stacks?text=staging")).toEqual(expected);
  });

  it("the count of a filter is that of its rows (argo-cd#29684)", async () => {
    expect(await conditions("/stacks?text=staging&is=degraded")).toContain("Degraded 4");

    await expect.poll(() => page.locator("main tbody tr[data-row]").count()).toBe(4);
  });

  it("a stack has one condition, by one word, wherever it is shown (argo-cd#7629, argo-cd#22059)", async () => {
    const row = page.locator("[data-row='billing-staging-19']");
    await open("/stacks?text=billing-staging-19", 1_440);
    await row.getByText("Degraded", { exact: true }).waitFor();
    await open("/stacks?text=billing-staging-19&view=tiles", 1_440);
    await page.locator("main li").getByText("Degraded", { exact: true }).waitFor();
    await open("/stacks?text=staging-19", 1_440);
    await row.getByRole("link", { name: "billing-staging-19" }).first().click();
    await page.locator("h1").getByText("Degraded", { exact: true }).waitFor();
    const list = page.getByRole("complementary", { name: "Other stacks" });

    const mark = list.getByRole("row", { name: /billing-staging-19/ }).locator(".mark");
    expect((await mark.textContent())?.trim()).toBe("Degraded");
  });

  it("what is on its way is not called failed, also where one of its stacks has failed (kargo#5108)", async () => {
    for (const id of ["web-pr-483", "shop-1.42.0"]) {
      await open(`/stack?id=${id}`, 1_440);

      expect(await page.locator("h1 .pill").textContent()).toBe("Busy");
    }
  });

  it("what has failed does not look done: each task has its own result (argo-cd#18953)", async () => {
    await open("/stack?id=web-pr-482", 1_440);
    const rows = page.getByRole("region", { name: "Attempts since the state was entered" }).locator(".gantt-row");
    await rows.nth(3).waitFor();

    const results = (await rows.locator(".gantt-end").allInnerTexts()).map((text) => text.trim());
    expect(results).toEqual(["Result", "Failed", "Waiting", "Waiting"]);
  });

  it("an attempt does not replace the ones before it: each keeps its result and its log (argo-cd#19700)", async () => {
    await open("/stack?id=web-pr-482&tab=attempts", 1_440);
    const failed = page.locator("main tbody tr").filter({ hasText: "MIGRATION_FAILED" });
    await failed.nth(2).waitFor();

    const texts = (await failed.allInnerTexts()).map((text) => /attempt \d/.exec(text)?.[0]);
    expect(texts).toEqual(["attempt 3", "attempt 2", "attempt 1"]);
    expect(await failed.getByRole("link", { name: "Log" }).count()).toBe(3);
  });

  it("a running task says since when, how far and until when; one that waits says for what (temporalio/ui#305, temporalio/ui#1320)", async () => {
    await open("/stack?id=web-pr-483", 1_440);
    const tasks = page.locator(".task-list");
    await tasks.waitFor();

    const text = await tasks.textContent();
    expect(text).toMatch(/attempt 1, sent 33m ago, ends in 6m at the latest/);
    const sentence = await page.locator(".stack-summary").textContent();
    expect(sentence).toContain("apply: 14 of 22 resources");
    expect(sentence).toMatch(/smoke waits for it/);
  });

  it("the graph marks the ways that a stack took, and no others (kargo#4012)", async () => {
    await open("/stack?id=web-pr-482", 1_440);
    await page.locator("svg.graph").waitFor();
    const titles = page.locator("svg.graph .graph-label.taken > title");
    const taken = async () => (await titles.allTextContents()).toSorted();

    await expect.poll(taken).toEqual(["NEXT taken 1×", "NEXT taken 1×", "OPENED taken 1×", "PUSHED taken 1×"]);
    const states = await page.locator("svg.graph .not-entered").allTextContents();
    expect(states.some((text) => /^(BUILD|LIVE)/.test(text))).toBe(false);
  });

  it("says why it waits for an approval, from whom, and what can follow (kargo#1158)", async () => {
    await open("/approval?stack=shop-1.43.0&task=sign-off", 1_440);
    await page.getByText("The stack can then reach").waitFor();

    const text = await page.locator("main").textContent();
    expect(text).toMatch(/Waits for 1 more\s*from release-managers/);
    expect(text).toMatch(/The stack can then reach PRODUCTION, DONE/);
  });

  it("a window that was in the background keeps its versions when it is looked at again (kargo#2094, kargo#2384)", async () => {
    await open("/releases", 1_440);
    const versions = () =>
      page
        .locator("main")
        .getByText(/^1\.4[23]\.0$/)
        .allTextContents();
    // The heads of the board, and the names of its cells.
    const shown = ["1.43.0", "1.42.0", "1.43.0", "1.43.0", "1.42.0", "1.42.0"];
    await expect.poll(versions).toEqual(shown);

    await page.evaluate(`for (const name of ["visibilitychange", "focus"]) {
      document.dispatchEvent(new Event(name)); window.dispatchEvent(new Event(name));
    }`);

    expect(await versions()).toEqual(shown);
  });

  it("every relative time has its exact instant with its zone as its title (argo-cd#10295, argo-cd#15890)", async () => {
    const bare = `[...document.querySelectorAll("main time")]
      .filter((time) => !/ UTC\\)?$/.test(time.title) || Number.isNaN(Date.parse(time.dateTime)))
      .map((time) => time.outerHTML.slice(0, 120))`;
    const paths = ["/", "/stacks", "/stack?id=web-pr-482", "/approvals", "/releases", "/audit", "/jobs", "/machines"];

    expect(await findOn(paths, [1_440], bare)).toEqual({});
  });
});
