import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

const MACHINE = `version: 2
events: { GO: {}, END: {} }
states: { INIT: { on: { GO: UP } }, UP: { on: { END: GONE } }, GONE: { terminal: true } }
`;

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "stackyard-npx-"));
  mkdirSync(join(project, "machines"));
  mkdirSync(join(project, "node_modules/.bin"), { recursive: true });
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", private: true, type: "module" }));
  writeFileSync(join(project, "machines/a.yaml"), MACHINE);
  symlinkSync(fileURLToPath(new URL("..", import.meta.url)), join(project, "node_modules/stackyard"));
  symlinkSync("../stackyard/bin/stackyard.js", join(project, "node_modules/.bin/stackyard"));
});
afterEach(() => rmSync(project, { recursive: true, force: true, maxRetries: 5 }));

// npm#4603, npm#10868, run-script#142: npm passes a signal on to a shell, which leaves the program behind.
it.each(["SIGTERM", "SIGHUP", "SIGKILL"] as const)(
  "a server that npx has started ends with npx: %s",
  async (signal) => {
    const words = ["--no", "stackyard", "server", "--with-worker", "--port", "0", "--json"];
    const npx = spawn("npx", words, { cwd: project, stdio: ["ignore", "pipe", "inherit"], detached: true });
    const group = npx.pid ?? 0;
    try {
      const url = await readUrl(npx.stdout);
      expect((await fetch(`${url}/health/live`)).status).toBe(200);

      npx.kill(signal);

      await vi.waitFor(() => expect(fetch(`${url}/health/live`)).rejects.toThrow(), { timeout: 30_000, interval: 250 });
    } finally {
      endGroup(group);
    }
  },
);

async function readUrl(stdout: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const { kind, url } = JSON.parse(line);
    if (kind === "ready") return url;
  }
  throw new Error("The server did not start.");
}

/** Ends what is left of the processes that npx has started. */
function endGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // All of them have ended.
  }
}
