import { type Browser, type BrowserContext, launchBrowser, type Page } from "@stackyard/browser";
import { decodePicture, halve, type Picture } from "./pictures/picture.ts";
import { SCREENS, type Screen, type YardName } from "./screens.ts";
import { type StillYard, startStillYard } from "./yard/still-yard.ts";
import { startStoryYard } from "./yard/story.ts";

/** A width and a scheme. */
interface View {
  readonly width: number;
  readonly scheme: "light" | "dark";
}

/** A picture of a screen at half its size. */
export interface Taken {
  /** Such as `overview-1440-dark`. */
  readonly name: string;
  readonly picture: Picture;
  /** The same at its full size. */
  readonly full: Picture;
}

const WIDE: View = { width: 1440, scheme: "light" };
const NARROW: View = { width: 390, scheme: "light" };
const DARK: View = { width: 1440, scheme: "dark" };

/** Pictures of long pages end here. */
const MOST_HEIGHT = 2_600;
const HEIGHT = 900;

/** How the pictures are taken. */
interface TakeInput {
  /** Default: all. */
  readonly screens?: readonly Screen[];
  /** Called on each page before its pictures, such as by a test that moves something. */
  readonly change?: ((page: Page) => Promise<void>) | undefined;
  readonly onTaken: (taken: Taken) => void | Promise<void>;
}

/** Takes every screen of the console in each of its views, over yards whose time stands still. */
export async function takeScreens({ screens = SCREENS, change, onTaken }: TakeInput): Promise<void> {
  const browser = await launchBrowser(FLAGS);
  try {
    for (const [name, ofYard] of Map.groupBy(screens, ({ yard }) => yard)) {
      const { yard, ids } = await START[name]();
      try {
        for (const [isSignedOut, group] of Map.groupBy(ofYard, (screen) => screen.isSignedOut === true)) {
          const { context, page } = await openConsole(browser, yard, isSignedOut);
          for (const screen of group) {
            const address =
              yard.url + screen.path.replaceAll(/{(\w+)}/g, (_, id: string) => encodeURIComponent(ids[id] ?? ""));
            await takeScreen({ page, screen, address, change, onTaken });
          }
          await context.close();
        }
      } finally {
        await yard.stop();
      }
    }
  } finally {
    await browser.close();
  }
}

/** Letters do not depend on the screen of the machine. A page is drawn as one piece: edges of pieces would be smoothed differently. */
const FLAGS = [
  "--font-render-hinting=none",
  "--disable-lcd-text",
  "--force-color-profile=srgb",
  "--disable-partial-raster",
  "--num-raster-threads=1",
  "--default-tile-width=4096",
  "--default-tile-height=4096",
];

interface StartedYard {
  readonly yard: StillYard;
  readonly ids: Readonly<Record<string, string>>;
}

const START: Readonly<Record<YardName, () => Promise<StartedYard>>> = {
  story: startStoryYard,
  empty: async () => ({ yard: await startStillYard([]), ids: {} }),
};

/**
 * Opens the console of a yard, signed in unless `isSignedOut`. The clock of the browser stands where that of the yard does, or
 * `skewMs` away from it.
 */
export async function openConsole(
  browser: Browser,
  yard: StillYard,
  isSignedOut: boolean,
  skewMs = 0,
): Promise<{ readonly context: BrowserContext; readonly page: Page }> {
  const context = await browser.newContext({
    reducedMotion: "reduce",
    // For the styles that stop what moves.
    bypassCSP: true,
    timezoneId: "Europe/Berlin",
    locale: "en-US",
    viewport: { width: 1440, height: HEIGHT },
  });
  const page = await context.newPage();
  await page.clock.setFixedTime(yard.simulator.clock.now() + skewMs);
  if (!isSignedOut) {
    await page.goto(await yard.findSignIn());
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${yard.url}/`);
  }
  return { context, page };
}

interface TakeOne extends Pick<TakeInput, "change" | "onTaken"> {
  readonly page: Page;
  readonly screen: Screen;
  readonly address: string;
}

async function takeScreen({ page, screen, address, change, onTaken }: TakeOne): Promise<void> {
  await page.setViewportSize({ width: 1440, height: HEIGHT });
  await page.goto(address);
  await page.locator("h1, [role=dialog]").first().waitFor();
  await page.addStyleTag({ content: STILL });
  if (screen.press !== undefined) await page.getByRole("button", { name: screen.press, exact: true }).first().click();
  // What loads would take the place of what is changed.
  if (change !== undefined) await takeStill(page);
  await change?.(page);
  const views = [WIDE, ...(screen.isMain ? [NARROW] : []), ...(screen.isDark ? [DARK] : [])];
  for (const { width, scheme } of views) {
    await page.emulateMedia({ colorScheme: scheme });
    // A page hears of it some time later; those of the server have no script, and no time later.
    await page.locator(`html:is([data-theme=${scheme}], :not(:has(script)))`).waitFor({ state: "attached" });
    await page.setViewportSize({ width, height: HEIGHT });
    const full = decodePicture(await takeStill(page));
    await onTaken({ name: `${screen.name}-${width}-${scheme}`, picture: halve(full), full });
  }
}

/**
 * Nothing moves, and no caret blinks. Heads of tables do not stick: they would be layers of their own, whose letters are
 * smoothed differently from one time to the next. Rows are drawn that a reader would scroll to: two pictures in a row may
 * both be taken before the browser has drawn them.
 */
const STILL = `
*, *::before, *::after { animation: none !important; transition: none !important; caret-color: transparent !important; }
* { content-visibility: visible !important; }
th { position: static !important; }`;

/**
 * Says what the page waits for: its fonts, something that loads in the dialog, else on the page, whose stream is connected then.
 * First what it has to do is done: on a busy machine two pictures in a row may come before that.
 */
const FIND_BUSY = `(async () => {
  await new Promise((resolve) => requestIdleCallback(resolve, { timeout: 5_000 }));
  const dialog = document.querySelector("[role=dialog]");
  if (document.fonts.status !== "loaded") return "fonts load";
  const busy = (dialog ?? document).querySelector("[aria-busy=true]");
  if (busy !== null) return "busy: " + busy.outerHTML.slice(0, 200);
  const header = dialog === null ? (document.querySelector("header")?.textContent ?? "") : "";
  return /Connecting|Reconnecting/.exec(header)?.[0];
})()`;
const MOST_TRIES = 100;
const PAUSE_MS = 150;

/** Takes the page when nothing loads any more and two pictures in a row are equal. */
async function takeStill(page: Page): Promise<Uint8Array> {
  let last: Uint8Array | undefined;
  let reason: string | undefined;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const height = Math.min(await page.evaluate("document.documentElement.scrollHeight"), MOST_HEIGHT);
    const width = page.viewportSize()?.width ?? 0;
    const busy: string | undefined = await page.evaluate(FIND_BUSY);
    const next = await page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width, height } });
    if (busy === undefined && last !== undefined && Buffer.compare(last, next) === 0) return next;
    reason = busy ?? "two pictures in a row differ";
    last = busy === undefined ? next : undefined;
    await page.waitForTimeout(PAUSE_MS);
  }
  throw new Error(`${page.url()} does not come to rest: ${reason}.`);
}
