import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";

const examples = join(import.meta.dirname, "../../../examples");

interface Demo {
  readonly program: string;
  /** A list of its API that is not empty. */
  readonly page: string;
  readonly words?: readonly string[];
}

/** Every demo whose yard is in its own process. */
const DEMOS: readonly Demo[] = [
  { program: "approval-gate/main.ts", page: "/v1/stacks" },
  { program: "artifacts-everywhere/demo/main.ts", page: "/v1/artifacts/coverage" },
  { program: "deploy-test/demo/main.ts", page: "/v1/jobs" },
  { program: "fleet-of-1000/demo/main.ts", page: "/v1/jobs", words: ["--quick"] },
  { program: "migrate-before-release/main.ts", page: "/v1/stacks" },
];
/** Every demo that keeps its yard running by these words. */
const PROGRAMS = ["previews/demo/main.ts", "promotion/demo/main.ts", ...DEMOS.map(({ program }) => program)];
const MOST_MS = 240_000;

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

describe("a demo with --keep", () => {
  it.each(DEMOS)(
    "$program prints where its yard is, serves it, and ends with Ctrl-C",
    { timeout: MOST_MS },
    async ({ program, page, words = [] }) => {
      const child = spawn(process.execPath, [join(examples, program), "--keep", ...words]);
      started.push(child);
      const address = await waitForAddress(child);

      const count = await countAsPerson(address, page);
      const console = await fetch(new URL("/", address));
      child.kill("SIGINT");
      const [code] = await once(child, "exit");

      expect(count).toBeGreaterThan(0);
      expect(await console.text()).toContain("<title>Stackyard</title>");
      expect(code).toBe(0);
    },
  );

  it.each(PROGRAMS)("%s says so in its help", async (program) => {
    const child = spawn(process.execPath, [join(examples, program), "--help"]);
    started.push(child);
    const [text, [code]] = await Promise.all([readAll(child), once(child, "exit")]);

    expect(text).toMatch(/--keep +leave the yard running/);
    expect(code).toBe(0);
  });

  it("is in the README of each example", () => {
    const named = PROGRAMS.map((program) => program.split("/")[0] ?? "");

    expect(named.filter((name) => !readFileSync(join(examples, name, "README.md"), "utf8").includes("--keep"))).toEqual(
      [],
    );
  });
});

/** Waits for the address at which a browser signs in. */
function waitForAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.once("exit", (code) => reject(new Error(`It ended with ${code}:\n${text}`)));
    child.stderr?.on("data", (part) => {
      text += String(part);
    });
    child.stdout?.on("data", (part) => {
      text += String(part);
      const [address] = /http:\/\/127\.0\.0\.1:\d+\/auth\/local\?code=\S+(?=\s)/.exec(text) ?? [];
      if (address !== undefined && text.includes("Ctrl-C ends it")) resolve(address);
    });
  });
}

async function readAll(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const part of child.stdout ?? []) text += String(part);
  return text;
}

/** Signs in as a browser does, and returns the length of a list. */
async function countAsPerson(address: string, page: string): Promise<number> {
  const { origin, searchParams } = new URL(address);
  const signedIn = await fetch(`${origin}/auth/local`, {
    method: "POST",
    redirect: "manual",
    headers: { origin, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ code: searchParams.get("code") ?? "" }),
  });
  const cookie = signedIn.headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ");
  const answer = await fetch(origin + page, { headers: { cookie, origin, "sec-fetch-site": "same-origin" } });
  if (!answer.ok) throw new Error(`${page}: ${signedIn.status}, ${answer.status} ${await answer.text()}`);
  const { items }: { readonly items: readonly unknown[] } = JSON.parse(await answer.text());
  return items.length;
}
