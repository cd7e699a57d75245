import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseServerOptions, type ServerOptions } from "./server-options.ts";

const root = join(import.meta.dirname, "..");
const folder = join(root, "temp/readme");
const readme = readFileSync(join(root, "README.md"), "utf8");

interface Serve {
  serve(dataDir: string, machines: string): Promise<{ url: string; token: string; stop(): Promise<void> }>;
}

/** The compiler requires every option. */
const OPTIONS: Readonly<Record<keyof ServerOptions, true>> = {
  host: true,
  port: true,
  tokens: true,
  allowAnonymous: true,
  allowedHosts: true,
  corsOrigins: true,
  allowExternalNext: true,
  engine: true,
  proofSecret: true,
  url: true,
  trustedProxies: true,
  access: true,
  apiTokens: true,
  clientSecret: true,
  local: true,
  yardName: true,
  accounts: true,
  console: true,
  docs: true,
  limits: true,
};

beforeAll(() => {
  mkdirSync(join(folder, "machines"), { recursive: true });
  for (const [, text = "", file = ""] of readme.matchAll(/```ts\n(\/\/ file: (\S+)\n[\s\S]*?)```/g)) {
    writeFileSync(join(folder, file), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the README", () => {
  it("shows a program that serves", async () => {
    const { serve }: Serve = await import(join(folder, "serve.ts"));
    const { url, token, stop } = await serve(folder, join(folder, "machines"));

    const answer = await fetch(`${url}/v1/stacks`, { headers: { authorization: `Bearer ${token}` } });

    expect(await answer.json()).toEqual({ items: [] });
    await stop();
  });

  it("lists every option and every limit", () => {
    const { limits } = parseServerOptions({ tokens: [{ name: "a", token: "0123456789abcdef" }] });
    const named = [...readme.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);

    expect(named).toEqual([...Object.keys(OPTIONS), ...Object.keys(limits)]);
  });
});
