import { type Browser, type BrowserContext, launchBrowser, type Page } from "@stackyard/browser";
import { findFreePort, startTestIssuer, type TestIssuer } from "@stackyard/oidc-issuer";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openConsole } from "../src/take-screens.ts";
import { type StillYard, startStillYard } from "../src/yard/still-yard.ts";

// Two people of one name at the console at once, each in a browser of their own.

let issuer: TestIssuer;
let yard: StillYard;
let browser: Browser;
let ada: Person;
let other: Person;

interface Person {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors of the pages. */
  readonly faults: readonly string[];
}

beforeAll(async () => {
  const port = await findFreePort();
  issuer = await startTestIssuer({ yardUrl: `http://127.0.0.1:${port}` });
  [yard, browser] = await Promise.all([startStillYard(undefined, { issuer: issuer.url, port }), launchBrowser()]);
  issuer.tamper = (claims) => {
    const now = Math.floor(yard.simulator.clock.now() / 1_000);
    return { ...claims, iat: now, exp: now + 600 };
  };
  ada = await signIn("00u1");
  other = await signIn("00u2");
}, 600_000);
afterAll(async () => {
  await browser.close();
  await yard.stop();
  await issuer.stop();
});

/** Signs in a person whose name is that of all others. */
async function signIn(sub: string): Promise<Person> {
  issuer.person = { sub, email: "ada@example.org", email_verified: true, groups: ["release-managers"] };
  const { context, page } = await openConsole(browser, yard, true);
  const faults: string[] = [];
  context.on("weberror", (error) => void faults.push(String(error.error())));
  context.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      faults.push(message.text());
    }
  });
  await page.goto(`${yard.url}/auth/login`);
  await page.waitForURL(`${yard.url}/`);
  return { context, page, faults };
}

const HOUR_MS = 3_600_000;
let opened = 0;

/** Creates stacks of the machine `service`, and lets them come to rest; those in `failing` fail by their smoke test. */
async function openServices(failing: readonly boolean[]): Promise<readonly string[]> {
  opened += 1;
  const ids = failing.map((_, index) => `service-${opened}-${index}`);
  for (const [index, id] of ids.entries()) {
    if (!failing[index]) continue;
    yard.fates.set(`${id} smoke`, { kind: "fails", code: "SMOKE_FAILED", message: `GET /${id} 503`, log: [] });
  }
  await yard.simulator.publish(
    ...ids.map((stackId) => ({ stackId, machine: "service", event: "RELEASED", metadata: { version: "1" } })),
  );
  await yard.simulator.advance(HOUR_MS);
  return ids;
}

async function open({ page }: Person, path: string): Promise<void> {
  await page.clock.setFixedTime(yard.simulator.clock.now());
  await page.goto(yard.url + path);
  await page.locator("h1").first().waitFor();
}

/** Lets the yard work until `isDone`: what a page has sent arrives a little later. */
async function settleUntil(isDone: () => Promise<boolean>): Promise<void> {
  await expect
    .poll(
      async () => {
        await yard.simulator.settle();
        return isDone();
      },
      { timeout: 60_000 },
    )
    .toBe(true);
}

/** Starts a release of a version, which waits for two approvals. */
async function openRelease(version: string): Promise<string> {
  const id = `shop-${version}`;
  const metadata = { api: "1" };
  await yard.simulator.publish(
    ...["shop-staging", "shop-prod"].map((stackId) => ({ stackId, machine: "shop", event: "OPENED", metadata })),
    { stackId: "tenant-0", machine: "tenant", event: "OPENED", metadata: { ...metadata, ring: "canary" } },
  );
  await yard.simulator.advance(HOUR_MS);
  await yard.simulator.publish({
    stackId: id,
    machine: "shop-release",
    event: "RELEASED",
    metadata: { api: version },
  });
  for (let minute = 0; minute < 60; minute += 1) {
    await yard.simulator.advance(60_000);
    if ((await yard.simulator.findStack(id))?.approvals?.["sign-off"] !== undefined) return id;
  }
  throw new Error("The release does not wait for an approval.");
}

const inDialog = ({ page }: Person) => page.getByRole("dialog");

afterEach(() => {
  expect([...ada.faults, ...other.faults]).toEqual([]);
});

describe("two people of one name", () => {
  it("see each other's approval at once, and a dialog over a decided one closes (hermes-webui#4955, steedos-platform#4853)", async () => {
    const id = await openRelease("2");
    const address = `/approval?stack=${id}&task=sign-off`;
    await Promise.all([open(ada, address), open(other, address)]);
    const approve = async (person: Person) => {
      await person.page.getByRole("button", { name: "Approve…" }).click();
      await inDialog(person).getByRole("button", { name: "Approve", exact: true }).click();
    };
    const countGiven = async () => (await yard.simulator.findStack(id))?.approvals?.["sign-off"]?.given?.length;

    await approve(ada);
    await settleUntil(async () => (await countGiven()) === 1);
    await other.page.getByText("Given: 1 of 2").waitFor();
    // One of them is about to take it back while the other one decides.
    await ada.page.getByRole("button", { name: "Withdraw" }).click();
    await inDialog(ada).waitFor();
    await approve(other);
    await settleUntil(async () => (await countGiven()) === undefined);

    for (const { page } of [ada, other]) await page.getByText("This approval is closed.").waitFor();
    await inDialog(ada).waitFor({ state: "detached" });
    await ada.page.getByText(/Approved\s+by ada@example\.org \(.*00u2\)/).waitFor();
    await ada.page.getByRole("heading", { name: /no longer waits/ }).waitFor();
  });

  it("one of whom rejects what the other one is rejecting: one decision, and both see whose it was", async () => {
    const id = await openRelease("3");
    const address = `/approval?stack=${id}&task=sign-off`;
    await Promise.all([open(ada, address), open(other, address)]);
    const reject = async (person: Person, reason: string) => {
      await person.page.getByRole("button", { name: "Reject…" }).click();
      await inDialog(person).getByRole("textbox").fill(reason);
      await inDialog(person).getByRole("button", { name: "Reject", exact: true }).click();
    };
    let letGo = (): void => {};
    const hasGone = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await ada.page.route("**/v1/**", async (route) => {
      if (route.request().method() === "POST") await hasGone;
      await route.continue();
    });

    await reject(ada, "mine");
    await reject(other, "theirs");
    await settleUntil(async () => (await yard.simulator.findStack(id))?.approvals?.["sign-off"] === undefined);
    letGo();

    await ada.page.getByText(/Rejected\s+by ada@example\.org \(.*00u2\) .*: theirs/).waitFor();
    await other.page.getByText(/Rejected\s+by ada@example\.org .*: theirs/).waitFor();
    await ada.page.unroute("**/v1/**");
  });

  it("do not act on what came since the dry run: it names who came and went", async () => {
    const [first = "", second = "", third = "", fourth = ""] = await openServices([true, true, true, false]);
    await open(ada, `/stacks?text=service-${opened}-&is=degraded`);
    await ada.page.getByRole("link", { name: first, exact: true }).waitFor();
    await ada.page.getByRole("checkbox", { name: "Select all loaded stacks" }).check();
    await ada.page.getByRole("button", { name: "Select all matching" }).click();
    await ada.page.getByRole("region", { name: "Selected stacks" }).getByRole("button", { name: "Remove…" }).click();
    await inDialog(ada).getByRole("heading", { name: "Remove 3 stacks" }).waitFor();
    await inDialog(ada).getByRole("textbox", { name: "Reason" }).fill("old");
    await inDialog(ada)
      .getByRole("textbox", { name: /to confirm/ })
      .fill("remove 3");

    yard.fates.delete(`${second} smoke`);
    yard.fates.set(`${fourth} smoke`, { kind: "fails", code: "SMOKE_FAILED", message: "GET / 503", log: [] });
    await yard.simulator.publish(
      { stackId: second, event: "RETRIED" },
      { stackId: fourth, event: "RELEASED", metadata: { version: "2" } },
    );
    await yard.simulator.advance(HOUR_MS);
    await inDialog(ada)
      .getByRole("button", { name: /^Remove 3/ })
      .click();

    await inDialog(ada).getByText(`${fourth} came, and ${second} went`).waitFor();
    for (const id of [first, second, third, fourth]) expect(await yard.simulator.findStack(id)).toBeDefined();
  });

  it("one of whom removes the stack that is in the other's dialog: the page says so", async () => {
    const [id = ""] = await openServices([false]);
    await Promise.all([open(ada, `/stack?id=${id}`), open(other, `/stack?id=${id}`)]);
    await ada.page.getByRole("button", { name: "Send event…" }).click();
    await inDialog(ada).waitFor();

    await other.page.getByRole("button", { name: "More actions" }).click();
    await other.page.getByRole("button", { name: "Remove…" }).click();
    await inDialog(other).getByRole("textbox", { name: "Reason" }).fill("old");
    await inDialog(other)
      .getByRole("textbox", { name: /to confirm/ })
      .fill(id);
    await inDialog(other).getByRole("button", { name: "Remove stack" }).click();
    await settleUntil(async () => (await yard.simulator.findStack(id)) === undefined);

    await ada.page.getByText("The stack was removed. Its history remains.").waitFor();
    await inDialog(ada).waitFor({ state: "detached" });
  });

  it("one of whom ends the other's session in Access: that one signs in again over the same page", async () => {
    const [id = ""] = await openServices([false]);
    await open(ada, `/stack?id=${id}`);
    await open(other, "/access");

    await other.page.getByRole("button", { name: /End the session of ada@example\.org \(.*00u1\)/ }).click();
    await inDialog(other).getByRole("button", { name: "End", exact: true }).click();
    await inDialog(other).waitFor({ state: "detached" });
    const signIn = ada.page.getByRole("dialog", { name: /sign in/i });
    // The stream may have ended before she presses anything: then the page asks by itself.
    const pressed = ada.page.getByRole("button", { name: "Send event…" }).click();
    await Promise.race([pressed.catch(() => undefined), signIn.waitFor()]);

    await signIn.waitFor();
    expect(ada.page.url()).toBe(`${yard.url}/stack?id=${id}`);
    await other.page.getByRole("heading", { name: "Access" }).first().waitFor();
  });
});
