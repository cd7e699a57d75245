import { createTestBrowser } from "@stackyard/oidc-issuer";
import { afterEach, describe, expect, it } from "vitest";
import { type LoginWorld, startLoginWorld } from "../testing/login-world.ts";

/** What users of other tools have reported about their first sign-in, through a proxy or without one. */
const open: LoginWorld[] = [];
afterEach(async () => {
  for (const world of open.splice(0)) await world.stop();
});

async function startWorld(options?: Parameters<typeof startLoginWorld>[0]): Promise<LoginWorld> {
  const world = await startLoginWorld(options);
  open.push(world);
  return world;
}

/** Calls a server as its proxy does, with the host name of its public address. */
function callAs(host: string, { port }: LoginWorld, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, {
    redirect: "manual",
    headers: { host, "x-forwarded-proto": "https" },
  });
}

describe("a sign-in on the first day", () => {
  // Reported: argoproj/argo-cd#20859, argoproj/argo-cd#11105
  it("has one address at the issuer, whether the address of the yard ends with a slash or not", async () => {
    const addresses = await Promise.all(
      ["https://yard.example.org", "https://yard.example.org/"].map(async (url) => {
        const { headers } = await callAs("yard.example.org", await startWorld({ url }), "/auth/login");
        return new URL(headers.get("location") ?? "").searchParams.get("redirect_uri");
      }),
    );

    expect(addresses).toEqual(["https://yard.example.org/auth/callback", "https://yard.example.org/auth/callback"]);
  });

  // Reported: triggerdotdev/trigger.dev#1384
  it("keeps its cookie over plain HTTP, where some browsers drop one that is Secure", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    const start = await browser.call(`${world.url}/auth/login`);

    expect(start.headers.getSetCookie().filter((cookie) => /secure|__host-/i.test(cookie))).toEqual([]);
    await browser.open(`${world.url}/auth/login`);
    expect(browser.cookie(world.cookie)).toMatch(/^sys_/);
  });

  // Reported: argoproj/argo-cd#18131, argoproj/argo-cd#12833
  it("begins again after the session has ended, without a loop and with the old cookie still there", async () => {
    const world = await startWorld();
    const browser = createTestBrowser();
    await browser.open(`${world.url}/auth/login`);
    const first = browser.cookie(world.cookie);
    const sessions = await browser.call(`${world.url}/v1/sessions`);
    const { items } = (await sessions.json()) as { readonly items: readonly { readonly id: string }[] };
    await browser.call(`${world.url}/v1/sessions/${items[0]?.id}/revoke`, { method: "POST" });
    const ended = await browser.call(`${world.url}/v1/sessions`);

    const page = await browser.open(`${world.url}/auth/login?return=/v1/sessions`);

    expect(ended.status).toBe(401);
    expect(page).toMatchObject({ url: `${world.url}/v1/sessions`, status: 200 });
    expect(browser.cookie(world.cookie)).not.toBe(first);
  });

  // Reported: argoproj/argo-cd#10058
  it.each(["/", "", "//evil.example.org", "https://evil.example.org/"])(
    "leads to this server when it should return to %j",
    async (target) => {
      const world = await startWorld();

      const page = await createTestBrowser().open(`${world.url}/auth/login?return=${encodeURIComponent(target)}`);

      expect(new URL(page.url).origin).toBe(world.url);
      expect(page.status).toBeLessThan(400);
    },
  );
});
