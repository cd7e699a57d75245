import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startPostgres } from "@stackyard/postgres-server";
import { expect, it } from "vitest";

const folder = join(import.meta.dirname, "..");

it("shows an example that runs", async () => {
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  const [, example = ""] = /```ts\n\/\/ file: example\.ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const server = await startPostgres({ durable: false });

  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", example], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: server.url },
  });
  await server.stop();

  expect(stdout).toBe("[ 'event' ]\n");
});
